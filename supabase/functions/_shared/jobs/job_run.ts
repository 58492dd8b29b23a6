import { type AbortReason, JobAborted } from "./errors.ts";
import { insist } from "./insist.ts";
import type { ClaimedJob, Lease, Progress } from "./job_store.ts";
import type { JobLog } from "./log_buffer.ts";
import { ProgressWriter } from "./progress.ts";
import { RunContext } from "./run_context.ts";
import type { RunParts } from "./run_parts.ts";

/**
 * One attempt at one job: whatever its handler writes goes through here, as long as the lease stands.
 * Most jobs end without a word, tens of thousands a second, so what they may never need (signal,
 * progress, log) is made when it is first asked for.
 */
export class JobRun {
  /** The handler has ended, or was left behind; its outcome is on the way. */
  isOver = false;
  /** Who was started before and after it, among those that are held; kept by `HeldJobs`. */
  before: JobRun | null = null;
  after: JobRun | null = null;
  #isOpen = true;
  #aborted: JobAborted | null = null;
  #controller: AbortController | null = null;
  #writer: ProgressWriter | null = null;
  #log: JobLog | null = null;

  constructor(
    readonly job: ClaimedJob,
    readonly parts: RunParts,
    readonly startedAt = 0,
    /** When the lease ends on our own clock, unless a heartbeat extends it. */
    public until = Infinity,
  ) {}

  get lease(): Lease {
    return { job_id: this.job.id, fencing_token: this.job.fencing_token };
  }

  /** Why the handler was told to stop; null as long as nobody has. */
  get aborted(): AbortReason | null {
    return this.#aborted?.reason ?? null;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  get log(): JobLog {
    return this.#log ??= this.parts.logs.forJob(this.lease, () => this.#isOpen);
  }

  get progress(): ProgressWriter {
    return this.#writer ??= this.#openWriter();
  }

  /** Whether there may be progress or log lines that still wait. */
  get hasSpoken(): boolean {
    return this.#writer !== null || this.#log !== null;
  }

  context<P, C>(params: P, checkpoint: C | null): RunContext<P, C> {
    return new RunContext(this, params, checkpoint);
  }

  /** Tells the handler to stop. The first reason counts; a shutdown leaves less time for it. */
  abort(reason: AbortReason): void {
    if (this.#aborted && reason !== "shutdown") return;
    if (!this.#aborted) {
      this.#aborted = new JobAborted(reason);
      this.#controller?.abort(this.#aborted);
    }
    if (!this.isOver) this.parts.onAbort?.(this, reason);
  }

  /** Writes "Starting" unless the handler has already said something. */
  announce(): void {
    if (!this.#isOpen || this.#aborted || !this.progress.silent) return;
    const { checkpoint, progress_percent } = this.job;
    const isResumed = checkpoint !== null && checkpoint !== undefined;
    this.progress.report(Math.max(1, progress_percent ?? 0), isResumed ? "Resuming" : "Starting");
  }

  /** Sends progress and log lines that still wait. */
  async flush(): Promise<void> {
    await Promise.all([this.#writer?.flush(), this.#log && this.parts.logs.flush()]);
  }

  /** From now on the handler writes nothing. */
  close(): void {
    this.#isOpen = false;
    this.#writer?.close();
  }

  /** Throws when the handler may write no more. */
  mustBeOpen(): void {
    if (this.#aborted) throw this.#aborted;
    // A handler that has ended and left something running would keep its own outcome waiting.
    if (this.isOver || !this.#isOpen) throw new JobAborted("lease_lost");
  }

  /** Makes a call that may be repeated, and repeats it while the database is in trouble. */
  persist<T>(call: () => Promise<T>): Promise<T> {
    const { clock, store, onTrouble } = this.parts;
    const isFinal = (error: unknown) => store.isBadInput(error);
    return insist({ clock, signal: this.signal, isFinal, onTrouble }, call);
  }

  /** The database refused a write, because the lease is gone. */
  refused(): never {
    this.abort("lease_lost");
    throw this.#aborted;
  }

  #openWriter(): ProgressWriter {
    const writer = new ProgressWriter({
      clock: this.parts.clock,
      intervalMs: this.parts.progressIntervalMs,
      from: this.job.progress_percent ?? 0,
      write: (progress) => this.#saveProgress(progress),
    });
    if (!this.#isOpen) writer.close();
    return writer;
  }

  async #saveProgress(progress: Required<Progress>): Promise<void> {
    try {
      const held = await this.parts.store.saveProgress(this.lease, progress);
      if (!held && this.#isOpen) this.abort("lease_lost");
    } catch (error) {
      // Progress is a courtesy; whether the lease still stands is for the heartbeat to say.
      this.parts.onTrouble(error);
    }
  }
}

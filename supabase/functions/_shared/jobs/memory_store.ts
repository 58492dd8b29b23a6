import type { Calls, Sleep } from "./calling.ts";
import {
  type Beat,
  type Completion,
  type Failure,
  type GiveBack,
  type HeartbeatReply,
  HELD,
  type JobStore,
  type Lease,
  type LogLine,
  type Progress,
} from "./job_store.ts";
import { MemoryClaims } from "./memory_claims.ts";

/** Long enough that a test which does not travel in time sees no second attempt. */
const BACKOFF_MS = 60_000;
const MAX_RETRIES = 3;

/** A job table in memory, for tests: the same answers, and switches for trouble. */
export class MemoryStore extends MemoryClaims implements JobStore {
  readonly beats: Beat[] = [];
  readonly logs: LogLine[] = [];
  rings = 0;
  drain = false;
  /** Jobs that somebody else's transaction holds. */
  readonly heldByOthers = new Set<string>();
  /** Called with each batch before it is recorded; throws to refuse it. */
  onComplete: (jobs: Completion[]) => void = () => {};

  async heartbeat(beat: Beat): Promise<HeartbeatReply> {
    this.beats.push(beat);
    await this.call("heartbeat");
    const reply: HeartbeatReply = { held: [], cancelled: [], lost: [], drain: this.drain };
    for (const lease of beat.leases) {
      const cancelled = this.row(lease.job_id).status === "cancelled";
      const fate = cancelled ? reply.cancelled : this.holds(lease) ? reply.held : reply.lost;
      fate.push(lease.job_id);
    }
    const waiting = Array.from(this.rows.values())
      .filter(({ status, hasCrashed }) => status === "pending" && hasCrashed);
    if (waiting.length > 0) {
      reply.crashed_ms = this.now() - Math.min(...waiting.map(({ dueAt }) => dueAt));
    }
    return reply;
  }

  async unregister(): Promise<void> {
    await this.call("unregister");
  }

  async saveProgress(lease: Lease, progress: Progress): Promise<boolean> {
    await this.call("progress");
    const held = this.holds(lease);
    if (held) this.row(lease.job_id).progress.push(progress);
    return held;
  }

  async saveCheckpoint(lease: Lease, checkpoint: unknown, progress?: Progress): Promise<boolean> {
    await this.call("checkpoint");
    const held = this.holds(lease);
    if (held) {
      const row = this.row(lease.job_id);
      row.checkpoint = checkpoint;
      if (progress) row.progress.push(progress);
    }
    return held;
  }

  async complete(jobs: Completion[]): Promise<Map<string, typeof HELD | null>> {
    await this.call(`complete ${jobs.length}`);
    this.onComplete(jobs);
    const recorded = this.settle(
      jobs.filter(this.#isFree),
      (row, { result }) => Object.assign(row, { status: "completed", result }),
    );
    return new Map(
      jobs.filter(({ job_id }) => !recorded.has(job_id))
        .map((job) => [job.job_id, this.#isFree(job) ? null : HELD]),
    );
  }

  async fail(jobs: Failure[]): Promise<Map<string, string>> {
    await this.call(`fail ${jobs.length}`);
    const settled = this.settle(jobs.filter(this.#isFree), (row, failure) => {
      const retry_count = row.job.retry_count ?? 0;
      row.failure = failure;
      row.status = failure.retryable && retry_count < MAX_RETRIES ? "pending" : "failed";
      if (row.status === "failed") return;
      row.job = { ...row.job, retry_count: retry_count + 1 };
      row.dueAt = this.now() + (failure.retry_after_ms ?? BACKOFF_MS * 2 ** retry_count);
    });
    return this.#answers(jobs, settled);
  }

  async giveBack(jobs: GiveBack[]): Promise<Map<string, string>> {
    await this.call(`give back ${jobs.length}`);
    const free = jobs.filter(this.#isFree);
    const settled = this.settle(free, (row, { checkpoint = row.checkpoint, delay_ms = 0 }) => {
      Object.assign(row, { status: "pending", checkpoint, dueAt: this.now() + delay_ms });
    });
    return this.#answers(jobs, settled);
  }

  async addLogs(lines: LogLine[]): Promise<LogLine[]> {
    await this.call("logs");
    this.logs.push(...lines.filter((line) => this.holds(line)));
    return [];
  }

  async hasDueWork(): Promise<boolean> {
    await this.call("due");
    return Array.from(this.rows.values())
      .some(({ status, dueAt }) => status === "pending" && dueAt <= this.now());
  }

  async ringDoorbell(): Promise<void> {
    await this.call("ring");
    this.rings += 1;
  }

  readonly listen = (calls: Calls) => this.sleep.listen(calls);
  readonly goToSleep = (sleep: Sleep) => this.sleep.goToSleep(sleep);
  readonly wakeUp = () => this.sleep.wakeUp();

  isBadInput(error: unknown): boolean {
    return error instanceof RangeError;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  readonly #isFree = ({ job_id }: Lease) => !this.heldByOthers.has(job_id);

  #answers(jobs: Lease[], settled: Set<string>): Map<string, string> {
    return new Map(
      jobs.filter((job) => settled.has(job.job_id) || !this.#isFree(job))
        .map((job) => [job.job_id, this.#isFree(job) ? this.row(job.job_id).status : HELD]),
    );
  }
}

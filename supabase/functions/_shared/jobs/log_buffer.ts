import { type Clock, sleep } from "./clock.ts";
import type { JobStore, Lease, LogLevel, LogLine } from "./job_store.ts";
import { type Lost, LostLines } from "./lost_lines.ts";
import { lineOf, none, type Sized } from "./log_line.ts";

/** What a handler writes its own log with; it lands in `job_log`, where the owner can read it. */
export type JobLog = Record<
  LogLevel,
  (message: string, metadata?: Record<string, unknown>) => void
>;

const MAX_LINES_PER_ATTEMPT = 1_000;
/** As JSON text, metadata included. */
const MAX_CHARACTERS_PER_ATTEMPT = 256_000;
const MAX_WAITING = 5_000;
const BATCH = 500;
/** Whoever leaves tries again after so long at first. */
const FIRST_PAUSE_MS = 50;
const nobody: ReadonlySet<string> = new Set();
const TRUNCATED = "Log truncated: this attempt has written as much as is kept";

/** Who waits until this many lines have gone out. */
interface Waiter {
  readonly upTo: number;
  resolve(): void;
}

/** Collects the log lines of all running jobs and writes them a batch at a time. */
export class LogBuffer {
  readonly #waiting: LogLine[] = [];
  readonly #waiters: Waiter[] = [];
  #added = 0;
  #gone = 0;
  /** Lines whose job somebody held, to be sent again in a while. */
  #held: LogLine[] = [];
  #isSending = false;
  #callOff: (() => void) | null = null;
  #callOffAgain: (() => void) | null = null;
  readonly #lost: LostLines;

  constructor(
    private readonly store: Pick<JobStore, "addLogs">,
    private readonly clock: Clock,
    private readonly flushMs: number,
    /** Told of lines that will not be stored. */
    onLost: (lost: Lost) => void = () => {},
  ) {
    this.#lost = new LostLines(onLost);
  }

  /** A log for one attempt; it takes no more when `open` says no, or after it was full, and says so. */
  forJob(lease: Lease, open: () => boolean): JobLog {
    let lines = 0;
    let characters = 0;
    let isFull = false;
    const at = (level: LogLevel) => (message: string, metadata: Record<string, unknown> = none) => {
      if (isFull || !open()) return;
      lines += 1;
      const line = lineOf(lease, level, message, metadata);
      characters += line.size;
      isFull = lines > MAX_LINES_PER_ATTEMPT || characters > MAX_CHARACTERS_PER_ATTEMPT;
      this.#add(isFull ? lineOf(lease, "warning", TRUNCATED, none) : line);
    };
    return { debug: at("debug"), info: at("info"), warning: at("warning"), error: at("error") };
  }

  /** Resolves when every line added so far was sent (or given up on). Never rejects. */
  flush(): Promise<void> {
    this.#callOff?.();
    this.#callOff = null;
    if (this.#gone === this.#added) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push({ upTo: this.#added, resolve });
    if (!this.#isSending) this.#send();
    return promise;
  }

  /** The same for lines whose job somebody held: answers which jobs he still holds. */
  async flushHeld(): Promise<ReadonlySet<string>> {
    if (this.#held.length === 0) return nobody;
    this.#callOffAgain?.();
    this.#callOffAgain = null;
    this.#added += this.#held.length;
    this.#waiting.push(...this.#held.splice(0));
    await this.flush();
    return new Set(this.#held.map(({ job_id }) => job_id));
  }

  /** For whoever leaves: tries again and again while there is time left, and says what was not stored. */
  async close(left: () => number): Promise<void> {
    await Promise.all([this.flushHeld(), this.flush()]);
    for (let pause = FIRST_PAUSE_MS; left() > 0; pause = Math.min(pause * 2, this.flushMs)) {
      if (this.#held.length + this.#waiting.length === 0) break;
      await sleep(this.clock, Math.min(pause, left()));
      await Promise.all([this.flushHeld(), this.flush()]);
    }
    this.#callOffAgain?.();
    this.#callOffAgain = null;
    // What waits for the database may be stored yet, if the process lives on.
    this.#lost.tell([...this.#held.splice(0), ...this.#waiting], "not stored in time");
  }

  #add({ line }: Sized): void {
    if (this.#waiting.length + this.#held.length >= MAX_WAITING) return this.#lost.overflow(line);
    this.#waiting.push(line);
    this.#added += 1;
    this.#flushLater();
  }

  #flushLater(): void {
    if (this.#waiting.length === 0) return;
    this.#callOff ??= this.clock.after(this.flushMs, () => {
      this.#callOff = null;
      this.flush();
    });
  }

  /**
   * Batch by batch, until nothing waits or the database does not take one. A log line is not worth
   * failing a job for, nor its memory; and nobody has to wait for a database that takes its time to
   * say no.
   */
  async #send(): Promise<void> {
    this.#isSending = true;
    let isTaken = true;
    while (isTaken && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        this.#sendAgain(await this.store.addLogs(batch));
      } catch (error) {
        isTaken = false;
        this.#lost.tell(batch, "the database does not take them", error);
      }
      // Whether or not: nobody has to wait for whoever holds a job.
      this.#gone += batch.length;
      const served = this.#waiters.findIndex(({ upTo }) => isTaken && upTo > this.#gone);
      const goes = served < 0 ? this.#waiters.length : served;
      for (const waiter of this.#waiters.splice(0, goes)) waiter.resolve();
    }
    this.#isSending = false;
    this.#lost.tellOverflow();
    this.#flushLater();
  }

  #sendAgain(lines: LogLine[]): void {
    if (lines.length === 0) return;
    this.#held.push(...lines);
    this.#callOffAgain ??= this.clock.after(this.flushMs, () => void this.flushHeld());
  }
}

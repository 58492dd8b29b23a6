import type { Clock } from "./clock.ts";
import type { JobStore, Lease, LogLevel, LogLine } from "./job_store.ts";
import { redact, storableText } from "../log.ts";

/** What a handler writes its own log with; it lands in `job_log`, where the owner can read it. */
export type JobLog = Record<
  LogLevel,
  (message: string, metadata?: Record<string, unknown>) => void
>;

const MAX_LINES_PER_JOB = 1_000;
const MAX_WAITING = 5_000;
const MAX_MESSAGE = 2_000;
const MAX_METADATA = 8_000;
const BATCH = 200;

/** Collects the log lines of all running jobs and writes them a batch at a time. */
export class LogBuffer {
  #waiting: LogLine[] = [];
  #flushing: Promise<void> | null = null;
  #callOff: (() => void) | null = null;

  constructor(
    private readonly store: Pick<JobStore, "addLogs">,
    private readonly clock: Clock,
    private readonly flushMs: number,
  ) {}

  /** A log for one attempt; it stops taking lines when `open` says no, or when it is full. */
  forJob(lease: Lease, open: () => boolean): JobLog {
    let lines = 0;
    const at = (level: LogLevel) => (message: string, metadata: Record<string, unknown> = {}) => {
      if (!open() || lines > MAX_LINES_PER_JOB) return;
      lines += 1;
      const full = lines > MAX_LINES_PER_JOB;
      this.#add(lease, level, full ? "Log full, further lines are left out" : message, metadata);
    };
    return { debug: at("debug"), info: at("info"), warning: at("warning"), error: at("error") };
  }

  /** Resolves when every line added so far was sent (or given up on). Never rejects. */
  async flush(): Promise<void> {
    this.#callOff?.();
    this.#callOff = null;
    while (this.#flushing || this.#waiting.length > 0) {
      this.#flushing ??= this.#send().finally(() => this.#flushing = null);
      await this.#flushing;
    }
  }

  #add(lease: Lease, level: LogLevel, message: string, metadata: Record<string, unknown>): void {
    if (this.#waiting.length >= MAX_WAITING) return;
    this.#waiting.push({
      job_id: lease.job_id,
      fencing_token: lease.fencing_token,
      log_level: level,
      message: storableText(String(redact(message)), MAX_MESSAGE),
      metadata: small(redact(metadata)),
      created_at: new Date().toISOString(),
    });
    this.#callOff ??= this.clock.after(this.flushMs, () => {
      this.#callOff = null;
      this.flush();
    });
  }

  async #send(): Promise<void> {
    const batch = this.#waiting.splice(0, BATCH);
    try {
      await this.store.addLogs(batch);
    } catch {
      // A log line is not worth failing a job for, nor worth holding its memory.
    }
  }
}

function small(metadata: unknown): Record<string, unknown> {
  const text = JSON.stringify(
    metadata,
    (_, value) => typeof value === "string" ? storableText(value, MAX_METADATA) : value,
  );
  if (text === undefined || text.length > MAX_METADATA) return { left_out: "metadata too large" };
  return JSON.parse(text) as Record<string, unknown>;
}

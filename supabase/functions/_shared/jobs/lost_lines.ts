import type { LogLine } from "./job_store.ts";

/** Log lines that no owner will read. */
export interface Lost {
  lines: number;
  /** Whose they were, the first of them. */
  job_ids: string[];
  why: string;
  error?: unknown;
}

const MOST_JOBS = 20;

/** Counts what is lost for want of room, to be told of it at once and not line by line. */
export class LostLines {
  #lines = 0;
  readonly #jobIds = new Set<string>();
  /** Those that were told of while it was not sure yet. */
  readonly #told = new WeakSet<LogLine>();

  constructor(private readonly onLost: (lost: Lost) => void) {}

  /** There are more than anybody waits for. */
  overflow({ job_id }: LogLine): void {
    this.#lines += 1;
    if (this.#jobIds.size < MOST_JOBS) this.#jobIds.add(job_id);
  }

  tellOverflow(): void {
    if (this.#lines === 0) return;
    this.onLost({ lines: this.#lines, job_ids: [...this.#jobIds], why: "too many at once" });
    this.#lines = 0;
    this.#jobIds.clear();
  }

  tell(given: readonly LogLine[], why: string, error?: unknown): void {
    const lines = given.filter((line) => !this.#told.has(line));
    if (lines.length === 0) return;
    for (const line of lines) this.#told.add(line);
    const job_ids = [...new Set(lines.map(({ job_id }) => job_id))].slice(0, MOST_JOBS);
    this.onLost({ lines: lines.length, job_ids, why, ...(error !== undefined && { error }) });
  }
}

const windowMs = 10_000;

/**
 * How many lines a process may write: one that writes in a loop must fill neither the disk nor the
 * gateway's time. The platform keeps 100 in ten seconds; here, where people look for what went wrong,
 * it is more.
 */
export class LogQuota {
  readonly #lines: number;
  readonly #now: () => number;
  #windowEnds = 0;
  #written = 0;

  constructor(lines = 20_000, now: () => number = Date.now) {
    this.#lines = lines;
    this.#now = now;
  }

  /** Whether a line may be written; `"last"` is the last one in this window. */
  take(): boolean | "last" {
    if (this.#now() >= this.#windowEnds) {
      this.#windowEnds = this.#now() + windowMs;
      this.#written = 0;
    }
    this.#written++;
    return this.#written === this.#lines ? "last" : this.#written < this.#lines;
  }
}

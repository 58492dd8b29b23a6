import type { Clock } from "./clock.ts";
import type { JobRun } from "./job_run.ts";

/** The longest that a platform lets a process live; where one lives longer, it is not kept waiting for ever. */
const MOST_MS = 400_000;

/**
 * Handlers of this process that did not stop when they were told to, and were left behind: their jobs
 * have been given back, and yet they run on beside whatever is started next.
 */
export class Strays {
  readonly #leftAt = new Map<JobRun, number>();

  constructor(private readonly clock: Clock) {}

  get size(): number {
    const since = this.clock.now() - MOST_MS;
    for (const [run, leftAt] of this.#leftAt) if (leftAt <= since) this.#leftAt.delete(run);
    return this.#leftAt.size;
  }

  leave(run: JobRun): void {
    this.#leftAt.set(run, this.clock.now());
  }

  /** Its handler has come to an end after all. */
  ended(run: JobRun): void {
    this.#leftAt.delete(run);
  }
}

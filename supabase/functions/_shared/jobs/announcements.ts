import type { Clock } from "./clock.ts";
import type { HeldJobs } from "./held_jobs.ts";

/**
 * Lets jobs that take their time say that they have started. One timer for all of them: most are over
 * before one of their own would pay.
 */
export class Announcements {
  #callOff: (() => void) | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly held: HeldJobs,
    /** A job that ends sooner than this says nothing. */
    private readonly afterMs: number,
  ) {}

  /** Jobs have been started. */
  expect(): void {
    this.#later(this.afterMs);
  }

  /** Nothing runs any more. */
  callOff(): void {
    this.#callOff?.();
    this.#callOff = null;
  }

  #later(ms: number): void {
    this.#callOff ??= this.clock.after(ms, () => {
      this.#callOff = null;
      this.#announce();
    });
  }

  #announce(): void {
    const now = this.clock.now();
    // In the order in which they were started.
    for (const run of this.held) {
      const wait = run.startedAt + this.afterMs - now;
      if (wait > 0) return this.#later(wait);
      if (!run.isOver) run.announce();
    }
  }
}

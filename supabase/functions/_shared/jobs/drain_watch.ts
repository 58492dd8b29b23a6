import type { Clock } from "./clock.ts";
import { type Counts, difference } from "./counts.ts";
import type { JobStore } from "./job_store.ts";

interface DrainWatchParts {
  store: Pick<JobStore, "hasDueWork">;
  clock: Clock;
  /** What was done so far. */
  readonly counts: Counts;
  lookAgain(): void;
}

interface Waiter {
  before: Counts;
  resolve(counts: Counts): void;
}

/**
 * A claim may come back empty although work is due: another worker is counting a capped type that very
 * moment, or the cap is used up. Whoever waits for an empty queue waits so long for the former.
 */
const LOOK_AGAIN_MS = 100;
const MOST_LOOKS = 5;

/** Tells those who wait for it when the queue holds nothing claimable and nothing is running. */
export class DrainWatch {
  #waiters: Waiter[] = [];
  /** How often in a row a look found nothing although something was due. */
  #doubts = 0;

  constructor(private readonly parts: DrainWatchParts) {}

  get isAwaited(): boolean {
    return this.#waiters.length > 0;
  }

  /** Resolves with what was done meanwhile. */
  drained(): Promise<Counts> {
    return new Promise((resolve) => {
      this.#waiters.push({ before: { ...this.parts.counts }, resolve });
      this.parts.lookAgain();
    });
  }

  /** A look has found nothing, and nothing is running. */
  async foundNothing(): Promise<void> {
    if (!this.isAwaited) return;
    const waiters = this.#waiters.splice(0);
    if (await this.#isDrained()) this.#answer(waiters);
    else this.#waiters.push(...waiters);
  }

  /** Nobody looks any more: whoever waits gets what there is. */
  end(): void {
    this.#answer(this.#waiters.splice(0));
  }

  async #isDrained(): Promise<boolean> {
    const { clock, store, lookAgain } = this.parts;
    const isDue = await store.hasDueWork().catch(() => true);
    this.#doubts += 1;
    if (!isDue || this.#doubts >= MOST_LOOKS) {
      this.#doubts = 0;
      return true;
    }
    clock.after(LOOK_AGAIN_MS, lookAgain);
    return false;
  }

  #answer(waiters: Waiter[]): void {
    for (const { before, resolve } of waiters) resolve(difference(this.parts.counts, before));
  }
}

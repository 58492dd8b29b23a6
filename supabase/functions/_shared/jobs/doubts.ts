import type { Clock } from "./clock.ts";
import type { HeldJobs } from "./held_jobs.ts";
import { HELD, type JobStore } from "./job_store.ts";

/** The server may still be busy with what we gave up. */
const PAUSE_MS = 1_000;

/** What doubts are settled with. */
export interface DoubtsParts {
  workerId: string;
  store: Pick<JobStore, "giveBack" | "readUnheard">;
  clock: Clock;
  inFlight: { readonly held: HeldJobs };
  onTrouble(error: unknown): void;
}

/**
 * A claim of which no answer came may have been made: then nobody runs its jobs, and they would count
 * a crash when their lease is over. They are looked for and given back.
 */
export class Doubts {
  #since = Infinity;

  constructor(private readonly parts: DoubtsParts) {}

  /** A claim has failed. */
  raise(): void {
    this.#since = this.parts.clock.now();
  }

  get exist(): boolean {
    return this.#since < Infinity;
  }

  get areDue(): boolean {
    return this.exist && this.parts.clock.now() >= this.#since + PAUSE_MS;
  }

  async settle(): Promise<void> {
    const { inFlight, store, workerId, onTrouble } = this.parts;
    try {
      const unheard = await store.readUnheard(workerId, inFlight.held.leases());
      this.#since = Infinity;
      if (unheard.length === 0) return;
      const givenBack = await store.giveBack(
        unheard.map((lease) => ({ ...lease, is_cut_short: true })),
      );
      // Somebody holds one of them at this moment.
      if ([...givenBack.values()].includes(HELD)) this.raise();
    } catch (error) {
      onTrouble(error);
      this.raise();
    }
  }
}

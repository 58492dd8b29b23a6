import type { Clock } from "./clock.ts";
import type { InFlight } from "./in_flight.ts";
import type { JobStore } from "./job_store.ts";
import type { WorkerOptions } from "./options.ts";

/** What a group of jobs that have crashed is made of. */
export interface CrashedGroupParts<Deps> {
  workerId: string;
  types: string[];
  store: Pick<JobStore, "claimCrashed">;
  clock: Clock;
  options: Pick<WorkerOptions, "concurrency">;
  inFlight: Pick<InFlight<Deps>, "start" | "held">;
  /** A claim has failed. */
  onFailed(error: unknown): void;
}

/** Jobs that have crashed and run together: no more than each of them may have company. */
export class CrashedGroup<Deps> {
  #company = 0;
  #isAsking = false;

  constructor(private readonly parts: CrashedGroupParts<Deps>) {}

  /** Whether some may be about to start. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  get hasRoom(): boolean {
    const { size } = this.parts.inFlight.held;
    return size > 0 && size < this.#company;
  }

  /** The first of it: answers how many. */
  begin(): Promise<number> {
    this.#company = this.parts.options.concurrency;
    return this.more();
  }

  /** Takes and starts as many as may run beside those that run: answers how many. */
  async more(): Promise<number> {
    const { clock, inFlight, options, store, types, workerId, onFailed } = this.parts;
    const sentAt = clock.now();
    const group = { running: inFlight.held.size, company: this.#company };
    this.#isAsking = true;
    const jobs = await store.claimCrashed(workerId, options.concurrency, types, group)
      .catch((error) => {
        onFailed(error);
        return [];
      });
    this.#isAsking = false;
    this.#company = Math.min(this.#company, ...jobs.map(({ company }) => company));
    if (jobs.length > 0) inFlight.start(jobs, sentAt);
    return jobs.length;
  }
}

import type { Clock } from "./clock.ts";
import type { ClaimedJob, JobStore } from "./job_store.ts";
import type { Prospects } from "./prospects.ts";

interface ClaimsParts {
  workerId: string;
  types: string[];
  store: Pick<JobStore, "claim">;
  clock: Clock;
  prospects: Prospects;
  onTrouble(error: unknown): void;
}

/** What came of a claim. */
export interface Answer {
  /** Null when it failed. */
  jobs: ClaimedJob[] | null;
  /** From when on the leases count at the latest. */
  sentAt: number;
}

interface Sent extends Answer {
  asked: number;
  /** Settles when `jobs` is known. */
  answered: Promise<void>;
  brought(found: number): void;
}

/** The claims that are under way, first in, first out. */
export class Claims {
  readonly #sent: Sent[] = [];

  constructor(private readonly parts: ClaimsParts) {}

  get underWay(): number {
    return this.#sent.length;
  }

  /** The slots that they may fill. */
  get asked(): number {
    return this.#sent.reduce((sum, { asked }) => sum + asked, 0);
  }

  send(asked: number, isRung: boolean): void {
    const { clock, prospects, store, types, workerId, onTrouble } = this.parts;
    const sent: Sent = {
      asked,
      sentAt: clock.now(),
      brought: prospects.claiming(asked, isRung),
      jobs: null,
      answered: store.claim(workerId, asked, types).then((jobs) => {
        sent.jobs = jobs;
      }, onTrouble),
    };
    this.#sent.push(sent);
  }

  /** The answer to the one that was sent first. */
  async next(): Promise<Answer> {
    const [first] = this.#sent as [Sent];
    await first.answered;
    this.#sent.shift();
    if (first.jobs) first.brought(first.jobs.length);
    else this.parts.prospects.missed();
    return first;
  }
}

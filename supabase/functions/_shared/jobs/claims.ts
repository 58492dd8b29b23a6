import type { Clock } from "./clock.ts";
import type { ClaimedJob, JobStore } from "./job_store.ts";
import type { Prospects } from "./prospects.ts";

/** One that runs, and the one that the server begins as soon as it has answered that. */
const MOST_CLAIMS = 2;

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

  /** For as many slots as are free, and no more claims than the server can be busy with. */
  fill(free: () => number, batch: number, isRung: boolean): void {
    if (this.underWay === 0 && free() > 0) this.send(Math.min(batch, free()), isRung);
    while (this.underWay < MOST_CLAIMS && free() >= batch && this.parts.prospects.hasMore) {
      this.send(batch, false);
    }
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

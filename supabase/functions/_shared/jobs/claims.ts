import { Doubts, type DoubtsParts } from "./doubts.ts";
import type { ClaimedJob, JobStore } from "./job_store.ts";
import type { Prospects } from "./prospects.ts";

/** One that runs, and the one that the server begins as soon as it has answered that. */
const MOST_CLAIMS = 2;

interface ClaimsParts extends DoubtsParts {
  types: string[];
  store: Pick<JobStore, "claim" | "giveBack" | "readUnheard">;
  prospects: Prospects;
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
  readonly #doubts: Doubts;

  constructor(private readonly parts: ClaimsParts) {
    this.#doubts = new Doubts(parts);
  }

  get underWay(): number {
    return this.#sent.length;
  }

  /** The slots that they may fill. */
  get asked(): number {
    return this.#sent.reduce((sum, { asked }) => sum + asked, 0);
  }

  /** A claim has failed, by whomever it was sent. */
  readonly failed = (error: unknown): void => {
    this.#doubts.raise();
    this.parts.onTrouble(error);
  };

  /** Looks for what failed claims may have brought, unless one under way would be taken for that. */
  async settleDoubts(atOnce = false): Promise<void> {
    if (this.underWay > 0) return;
    if (this.#doubts.areDue || (atOnce && this.#doubts.exist)) await this.#doubts.settle();
  }

  /** For as many slots as are free, and no more claims than the server can be busy with. */
  fill(free: () => number, batch: number, isRung: boolean): void {
    // Or there would always be one under way.
    if (this.#doubts.areDue) return;
    if (this.underWay === 0 && free() > 0) this.send(Math.min(batch, free()), isRung);
    while (this.underWay < MOST_CLAIMS && free() >= batch && this.parts.prospects.hasMore) {
      this.send(batch, false);
    }
  }

  send(asked: number, isRung: boolean): void {
    const { clock, prospects, store, types, workerId } = this.parts;
    const sent: Sent = {
      asked,
      sentAt: clock.now(),
      brought: prospects.claiming(asked, isRung),
      jobs: null,
      answered: store.claim(workerId, asked, types).then((jobs) => {
        sent.jobs = jobs;
      }, this.failed),
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

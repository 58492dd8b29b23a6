import { type Clock, sleep } from "./clock.ts";
import type { ClaimedJob, JobStore, Lease } from "./job_store.ts";
import type { Outcome } from "./outcomes.ts";
import { storableInstead, toCompletion, toFailure, toGiveBack, toWait } from "./settlement.ts";

/** What the database made of an outcome: the job's new status, or null when it was refused. */
export type Recorded = string | null;

/** An attempt whose outcome is to be recorded. */
export interface Attempt {
  readonly lease: Lease;
  /** When the lease ends as far as we know by now; after it there is nothing left to record. */
  readonly until: number;
  readonly job: Pick<ClaimedJob, "lease_ms">;
}

interface Entry {
  attempt: Attempt;
  outcome: Outcome;
  done(recorded: Recorded): void;
}

interface SettlerOptions {
  store: JobStore;
  clock: Clock;
  windowMs: number;
  maxBatch: number;
  /** Whether another running job may finish soon, so that waiting for it can pay. */
  company(): boolean;
  /** Told about failures of the database, which the settler survives by itself. */
  onTrouble(error: unknown): void;
}

/**
 * Records outcomes, many per statement. A lone job is settled at once; with others running, it
 * waits a few milliseconds for company. A database that fails is asked again until the lease ends.
 */
export class Settler {
  #waiting: Entry[] = [];
  #callOff: (() => void) | null = null;
  #flushing: Promise<void> | null = null;

  constructor(private readonly options: SettlerOptions) {}

  settle(attempt: Attempt, outcome: Outcome): Promise<Recorded> {
    if (outcome.kind === "cancelled" || outcome.kind === "lost") return Promise.resolve(null);
    return new Promise((done) => {
      const entry = { attempt, outcome, done };
      // Locks more than its own row, so it holds up nobody.
      if (outcome.kind === "waiting") return void this.#recordKind([entry]);
      this.#waiting.push(entry);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#flushing) return;
    const full = this.#waiting.length >= this.options.maxBatch;
    if (full || !this.options.company()) {
      this.#callOff?.();
      this.#callOff = null;
      return this.#flush();
    }
    this.#callOff ??= this.options.clock.after(this.options.windowMs, () => {
      this.#callOff = null;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#flushing || this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, this.options.maxBatch);
    this.#flushing = this.#record(batch).finally(() => {
      this.#flushing = null;
      // What came in meanwhile has waited for a round trip already.
      this.#flush();
    });
  }

  async #record(batch: Entry[]): Promise<void> {
    const kinds = Map.groupBy(batch, (entry) => entry.outcome.kind);
    await Promise.all(Array.from(kinds.values(), (entries) => this.#recordKind(entries)));
  }

  async #recordKind(entries: Entry[]): Promise<void> {
    const { clock, store, onTrouble } = this.options;
    const since = clock.now();
    for (let pause = 50;; pause = Math.min(pause * 2, 2_000)) {
      try {
        const recordedOf = await this.#send(entries);
        return entries.forEach(({ attempt, done }) => done(recordedOf(attempt.lease.job_id)));
      } catch (error) {
        if (store.isBadInput(error)) return await this.#recordApart(entries, error);
        onTrouble(error);
      }
      await sleep(clock, pause);
      const { hopeless = [], left = [] } = Object.groupBy(
        entries,
        ({ attempt }) => isHopeless(attempt, since, clock.now()) ? "hopeless" : "left",
      );
      for (const entry of hopeless) entry.done(null);
      if (left.length === 0) return;
      entries = left;
    }
  }

  /** One outcome that can never be stored must not take the others down with it. */
  async #recordApart(entries: Entry[], error: unknown): Promise<void> {
    const [only, ...others] = entries;
    if (!only) return;
    if (others.length > 0) {
      const half = Math.ceil(entries.length / 2);
      await this.#recordKind(entries.slice(0, half));
      return await this.#recordKind(entries.slice(half));
    }
    this.options.onTrouble(error);
    const outcome = storableInstead(only.outcome, error);
    if (!outcome) return only.done(null);
    await this.#recordKind([{ ...only, outcome }]);
  }

  /** Sends outcomes of one kind; answers what became of each, by the job's id. */
  async #send(entries: Entry[]): Promise<(jobId: string) => Recorded> {
    const { store } = this.options;
    const [{ attempt: { lease }, outcome }] = entries as [Entry];
    switch (outcome.kind) {
      case "completed": {
        const refused = await store.complete(entries.map(toCompletion));
        return (id) => refused.has(id) ? null : "completed";
      }
      case "yielded": {
        const recorded = await store.giveBack(entries.map(toGiveBack));
        return (id) => recorded.has(id) ? "pending" : null;
      }
      case "waiting": {
        const status = await store.waitForChildren(toWait(lease, outcome));
        return () => status;
      }
      default: {
        const statuses = await store.fail(entries.map(toFailure));
        return (id) => statuses.get(id) ?? null;
      }
    }
  }
}

/** Heartbeats go on while the outcome is on its way, but what fails for so long fails for ever. */
function isHopeless({ until, job: { lease_ms } }: Attempt, since: number, now: number): boolean {
  return now >= Math.min(until, since + 2 * lease_ms);
}

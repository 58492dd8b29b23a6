import { type Clock, sleep } from "./clock.ts";
import type { JobStore } from "./job_store.ts";
import {
  type Attempt,
  type Ended,
  isHopeless,
  storableInstead,
  toCompletion,
  toFailure,
  toGiveBack,
  toWait,
} from "./settlement.ts";

/** What the database made of an outcome: the job's new status, or null when it was refused. */
export type Recorded = string | null;
/** The same for all of a statement, by the job's id. */
export type RecordedOf = (jobId: string) => Recorded;

const allCompleted: RecordedOf = () => "completed";
const noneRecorded: RecordedOf = () => null;

interface SettlerOptions<A extends Attempt> {
  store: JobStore;
  clock: Clock;
  windowMs: number;
  maxBatch: number;
  /** Whether another running job may finish soon, so that waiting for it can pay. */
  company(): boolean;
  /** Told what became of outcomes, all of a statement at once. */
  onRecorded(ended: readonly Ended<A>[], recordedOf: RecordedOf): void;
  /** Told about failures of the database, which the settler survives by itself. */
  onTrouble(error: unknown): void;
}

/** One that is being recorded, and a full one, which has no company to wait for meanwhile. */
const MOST_UNDER_WAY = 2;

/**
 * Records outcomes, many per statement. A lone job is settled at once; with others running, it
 * waits a few milliseconds for company. A database that fails is asked again until the lease ends.
 */
export class Settler<A extends Attempt> {
  #waiting: Ended<A>[] = [];
  #callOff: (() => void) | null = null;
  /** Batches we have not heard of yet. */
  #underWay = 0;

  constructor(private readonly options: SettlerOptions<A>) {}

  settle(ended: Ended<A>): void {
    const { kind } = ended.outcome;
    if (kind === "cancelled" || kind === "lost") {
      return this.options.onRecorded([ended], noneRecorded);
    }
    // Locks more than its own row, so it holds up nobody.
    if (kind === "waiting") return void this.#recordKind([ended]);
    this.#waiting.push(ended);
    this.#schedule();
  }

  #schedule(): void {
    const isFull = this.#waiting.length >= this.options.maxBatch;
    if (this.#underWay >= (isFull ? MOST_UNDER_WAY : 1)) return;
    if (isFull || !this.options.company()) {
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
    if (this.#waiting.length === 0) return;
    this.#underWay += 1;
    this.#record(this.#waiting.splice(0, this.options.maxBatch)).finally(() => {
      this.#underWay -= 1;
      // What came in meanwhile has waited for a round trip already.
      if (this.#underWay === 0 || this.#waiting.length >= this.options.maxBatch) this.#flush();
    });
  }

  async #record(batch: Ended<A>[]): Promise<void> {
    const kinds = Map.groupBy(batch, ({ outcome }) => outcome.kind);
    await Promise.all(Array.from(kinds.values(), (alike) => this.#recordKind(alike)));
  }

  async #recordKind(ended: Ended<A>[]): Promise<void> {
    const { clock, store, onRecorded, onTrouble } = this.options;
    const since = clock.now();
    for (let pause = 50; ended.length > 0; pause = Math.min(pause * 2, 2_000)) {
      let recordedOf: RecordedOf | null = null;
      try {
        recordedOf = await this.#send(ended);
      } catch (error) {
        if (store.isBadInput(error)) return await this.#recordApart(ended, error);
        onTrouble(error);
      }
      if (recordedOf) return onRecorded(ended, recordedOf);
      await sleep(clock, pause);
      const { hopeless = [], left = [] } = Object.groupBy(
        ended,
        ({ attempt }) => isHopeless(attempt, since, clock.now()) ? "hopeless" : "left",
      );
      if (hopeless.length > 0) onRecorded(hopeless, noneRecorded);
      ended = left;
    }
  }

  /** One outcome that can never be stored must not take the others down with it. */
  async #recordApart(ended: Ended<A>[], error: unknown): Promise<void> {
    const [only, ...others] = ended;
    if (!only) return;
    if (others.length > 0) {
      const half = Math.ceil(ended.length / 2);
      await this.#recordKind(ended.slice(0, half));
      return await this.#recordKind(ended.slice(half));
    }
    this.options.onTrouble(error);
    const outcome = storableInstead(only.outcome, error);
    if (!outcome) return this.options.onRecorded([only], noneRecorded);
    await this.#recordKind([{ ...only, outcome }]);
  }

  /** Sends outcomes of one kind; answers what became of each, by the job's id. */
  async #send(ended: Ended<A>[]): Promise<RecordedOf> {
    const { store } = this.options;
    const [{ attempt, outcome }] = ended as [Ended<A>];
    switch (outcome.kind) {
      case "completed": {
        const lost = await store.complete(ended.map(toCompletion));
        return lost.size === 0 ? allCompleted : (id) => lost.has(id) ? null : "completed";
      }
      case "yielded": {
        const recorded = await store.giveBack(ended.map(toGiveBack));
        return (id) => recorded.has(id) ? "pending" : null;
      }
      case "waiting": {
        const status = await store.waitForChildren(toWait(attempt.lease, outcome));
        return () => status;
      }
      default: {
        const statuses = await store.fail(ended.map(toFailure));
        return (id) => statuses.get(id) ?? null;
      }
    }
  }
}

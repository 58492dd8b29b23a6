import { type Clock, sleep } from "./clock.ts";
import { HELD, type JobStore } from "./job_store.ts";
import {
  allCompleted,
  type Attempt,
  type Ended,
  isHopeless,
  orRecordedBefore,
  recordAlike,
  type RecordedOf,
  storableInstead,
} from "./settlement.ts";

const noneRecorded: RecordedOf = () => null;

interface SettlerOptions<A extends Attempt> {
  store: JobStore;
  clock: Clock;
  windowMs: number;
  maxBatch: number;
  /** Whether another running job may finish soon, so that waiting for it can pay. */
  company(): boolean;
  /** Asked before outcomes are sent again: these jobs have something else to be written first. */
  notYet(): Promise<ReadonlySet<string>>;
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

  async #recordKind(
    ended: Ended<A>[],
    since = this.options.clock.now(),
    pause = 50,
    isRepeated = false,
  ): Promise<void> {
    const { store, onRecorded, onTrouble } = this.options;
    let recordedOf: RecordedOf;
    try {
      recordedOf = await recordAlike(store, ended);
    } catch (error) {
      if (store.isBadInput(error)) return await this.#recordApart(ended, error);
      onTrouble(error);
      return await this.#recordLater(ended, since, pause, true);
    }
    if (isRepeated) recordedOf = await orRecordedBefore(store, ended, recordedOf);
    if (recordedOf === allCompleted) return onRecorded(ended, recordedOf);
    const { held = [], heard = [] } = Object.groupBy(
      ended,
      ({ attempt }) => recordedOf(attempt.job.id) === HELD ? "held" : "heard",
    );
    // By itself: what waits for somebody else is waited for by nobody.
    if (held.length > 0) void this.#recordLater(held, since, pause, isRepeated);
    if (heard.length > 0) onRecorded(heard, recordedOf);
  }

  async #recordLater(
    ended: Ended<A>[],
    since: number,
    pause: number,
    isRepeated: boolean,
  ): Promise<void> {
    const { clock, notYet, onRecorded } = this.options;
    await sleep(clock, pause);
    const unready = await notYet();
    const { hopeless = [], early = [], left = [] } = Object.groupBy(ended, ({ attempt }) => {
      if (isHopeless(attempt, since, clock.now())) return "hopeless";
      return unready.has(attempt.job.id) ? "early" : "left";
    });
    const longer = Math.min(pause * 2, 2_000);
    if (hopeless.length > 0) onRecorded(hopeless, noneRecorded);
    if (early.length > 0) void this.#recordLater(early, since, longer, isRepeated);
    if (left.length > 0) await this.#recordKind(left, since, longer, isRepeated);
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
}

import type { Ear } from "./calling.ts";
import type { Clock } from "./clock.ts";
import type { HandOver } from "./hand_over.ts";
import type { InFlight } from "./in_flight.ts";
import type { JobStore } from "./job_store.ts";
import type { WorkerOptions } from "./options.ts";

interface SleeperParts<Deps> {
  workerId: string;
  types: string[];
  store: Pick<JobStore, "listen" | "goToSleep" | "wakeUp" | "giveBack">;
  clock: Clock;
  options: Pick<WorkerOptions, "doze_ms">;
  inFlight: Pick<InFlight<Deps>, "start">;
  /** Slots that are free and that no claim may fill. */
  free(): number;
  /** Whether this worker takes work at all. */
  isWilling(): boolean;
  onTrouble(error: unknown): void;
}

/** A first heartbeat must extend the lease of what begins before it is over. */
const LEAST_LEASE_MS = 3_000;
/** More than a worker can be handed between two sleeps; see {@link Sleeper.doze}. */
const MOST_KNOWN = 64;

/**
 * While its worker has nothing to look for, lets the database hand it the next job: that one starts
 * without a claim, as soon as it is heard of. The database hands over one per sleep.
 */
export class Sleeper<Deps> {
  #ear: Ear | null = null;
  #isDozing = false;
  #callOff: (() => void) | null = null;
  #falling: Promise<void> | null = null;
  #kept: HandOver[] = [];
  /** Tokens of what was heard, by notification or as the answer to a sleep: it may come both ways. */
  readonly #known = new Set<number>();
  readonly #givingBack = new Set<Promise<unknown>>();

  constructor(private readonly parts: SleeperParts<Deps>) {}

  /** Whether notifications arrive. */
  get canHear(): boolean {
    return this.#ear !== null;
  }

  async listen(onReady: () => void): Promise<void> {
    const { store, onTrouble } = this.parts;
    const onHandOver = (handOver: HandOver) => this.#hear(handOver);
    this.#ear = await store.listen({ onReady, onHandOver }).catch((error) => {
      onTrouble(error);
      return null;
    });
    if (this.#isDozing) this.#fallAsleep();
  }

  /** The worker waits; it falls asleep unless somebody wakes it at once, as when much is going on. */
  doze(): void {
    this.#isDozing = true;
    this.admit();
    this.#fallAsleep();
  }

  /** The worker looks for work itself. */
  rouse(): void {
    this.#isDozing = false;
    this.#callOff?.();
    this.#callOff = null;
  }

  /** Starts what was handed over, if there is room. Claims under way may leave some; else it goes back. */
  admit(): void {
    const { clock, inFlight, free, isWilling } = this.parts;
    const handed = this.#kept.splice(0);
    for (const handOver of handed) {
      const { job, asleep_at, held_ms } = handOver;
      const until = asleep_at + held_ms;
      const isFresh = clock.now() < until - LEAST_LEASE_MS;
      if (!isFresh || !isWilling()) this.#giveBack(handOver);
      else if (free() > 0) inFlight.start([job], until - job.lease_ms);
      else if (this.#isDozing) this.#giveBack(handOver);
      else this.#kept.push(handOver);
    }
    if (handed.length > 0 && this.#isDozing) this.#fallAsleep();
  }

  /** From now on nothing is handed over; what was, and has not been heard of, is started or given back. */
  async getUp(): Promise<void> {
    const { clock, store, workerId, onTrouble } = this.parts;
    this.rouse();
    if (!this.#ear) return;
    // Or it would fall asleep after that.
    await this.#falling;
    try {
      const unheard = await store.wakeUp(workerId, Math.floor(clock.now()));
      for (const handOver of unheard) this.#hear(handOver);
    } catch (error) {
      onTrouble(error);
    }
  }

  /** Resolves when nothing can be heard any more, and nothing is kept. */
  async close(): Promise<void> {
    await this.#ear?.close().catch(this.parts.onTrouble);
    this.#ear = null;
    for (const handOver of this.#kept.splice(0)) this.#giveBack(handOver);
    await Promise.all(this.#givingBack);
  }

  #hear(handOver: HandOver): void {
    const { fencing_token } = handOver.job;
    if (this.#known.has(fencing_token)) return;
    this.#known.add(fencing_token);
    if (this.#known.size > MOST_KNOWN) this.#known.delete(this.#known.values().next().value!);
    this.#kept.push(handOver);
    this.admit();
  }

  #fallAsleep(): void {
    const { clock, options } = this.parts;
    this.#callOff ??= clock.after(options.doze_ms, () => {
      this.#callOff = null;
      this.#falling = this.#sleep();
    });
  }

  async #sleep(): Promise<void> {
    const { clock, store, types, workerId, free, isWilling, onTrouble } = this.parts;
    if (!this.#ear || !isWilling() || free() <= 0) return;
    const { channel } = this.#ear;
    try {
      // Whole milliseconds, and none too many.
      const asleep_at = Math.floor(clock.now());
      const unheard = await store.goToSleep({ worker_id: workerId, channel, types, asleep_at });
      for (const handOver of unheard) this.#hear(handOver);
    } catch (error) {
      onTrouble(error);
    }
  }

  #giveBack({ job: { id, fencing_token } }: HandOver): void {
    const { store, onTrouble } = this.parts;
    const givenBack = store.giveBack([{ job_id: id, fencing_token }]).catch(onTrouble)
      .finally(() => this.#givingBack.delete(givenBack));
    this.#givingBack.add(givenBack);
  }
}

import type { Clock } from "./clock.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { InFlight } from "./in_flight.ts";
import type { JobStore } from "./job_store.ts";
import type { WorkerOptions } from "./options.ts";
import type { Strays } from "./strays.ts";

interface ApartParts<Deps> {
  workerId: string;
  types: string[];
  store: Pick<JobStore, "claimCrashed">;
  clock: Clock;
  options: Pick<WorkerOptions, "concurrency" | "crash_patience_ms">;
  inFlight: Pick<InFlight<Deps>, "start" | "held">;
  heartbeat: Pick<Heartbeat, "healthy">;
  claimsUnderWay(): number;
  /** Whether nothing runs in this process that is not held here; it would run beside them. */
  isAlone(): boolean;
  strays: Pick<Strays, "size">;
  /** From then on nothing is handed over. */
  getUp(): Promise<void>;
  lookAgain(): void;
  onTrouble(error: unknown): void;
}

/** Who made room for nothing, since these jobs are not of its types, say, waits for so much longer. */
const IN_VAIN = 6;

/**
 * Runs jobs that have crashed their worker apart from all others: one of them may be what kills
 * processes, and everything that runs in one when it dies counts a crash. They are taken when nothing
 * runs here, and until they have ended nothing else is. A worker begins its life with a look for
 * them; later it hears of them. One that is never without work makes room when they have waited for
 * long. At most about half of its time goes to them while there is other work.
 */
export class Apart<Deps> {
  #isDue = true;
  #isAlone = false;
  #makesRoom = false;
  /** How long it may take to make room; what runs may run for longer. */
  #patienceMs: number;
  /** When the other work began to wait, and until when it is not to wait again. */
  #since = -Infinity;
  #notBefore = -Infinity;
  #callOffEnd = () => {};

  constructor(private readonly parts: ApartParts<Deps>) {
    this.#patienceMs = parts.options.crash_patience_ms;
  }

  /** How many jobs may run here now. */
  get room(): number {
    const { inFlight, options } = this.parts;
    return this.#isClosed ? inFlight.held.size : options.concurrency;
  }

  /** Whether nothing else may run in this process now. */
  get isApart(): boolean {
    return this.#isAlone;
  }

  /** Whether some are there, as far as is known. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** Whether it is time to look for them before other work is taken. */
  get isNext(): boolean {
    return this.#makesRoom || (this.#isDue && this.parts.clock.now() >= this.#notBefore);
  }

  /** Whether nothing runs here, nor is about to. */
  get mayStart(): boolean {
    return this.parts.inFlight.held.size === 0 && this.parts.claimsUnderWay() === 0;
  }

  get #isClosed(): boolean {
    return this.#isAlone || this.#makesRoom;
  }

  /** A heartbeat has learned for how long some have waited, if there are any. */
  heed(waitedMs: number | undefined): void {
    const { clock, isAlone, options, lookAgain } = this.parts;
    const now = clock.now();
    this.#isDue = waitedMs !== undefined;
    if (this.#isAlone) return;
    if (this.#makesRoom) {
      if (this.#isDue && now < this.#since + this.#patienceMs) return;
      // It does not get empty soon: next time it is given longer.
      if (this.#isDue) this.#patienceMs *= 2;
      this.#endRound();
      lookAgain();
    } else if (waitedMs !== undefined && this.mayStart) {
      lookAgain();
    } else if (now >= this.#notBefore && waitedMs! >= options.crash_patience_ms && isAlone()) {
      this.#makesRoom = true;
      this.#since = now;
    }
  }

  /** Something has ended: answers whether other work, or these jobs, waited for that. */
  freed(): boolean {
    if (!this.#isClosed || this.parts.inFlight.held.size > 0) return false;
    if (this.#isAlone) this.#endSoon();
    return true;
  }

  /** Takes and starts some, if nothing else runs: answers how many. */
  async look(): Promise<number> {
    const { heartbeat, isAlone, getUp } = this.parts;
    if (!heartbeat.healthy || !this.mayStart || !isAlone()) return 0;
    // Or what is handed over meanwhile would run beside them.
    await getUp();
    return this.mayStart && isAlone() ? await this.#take() : 0;
  }

  async #take(): Promise<number> {
    const { clock, inFlight, options, store, types, workerId, onTrouble } = this.parts;
    const sentAt = clock.now();
    const madeRoom = this.#makesRoom;
    this.#callOffEnd();
    if (!madeRoom) this.#since = sentAt;
    this.#isAlone = true;
    this.#makesRoom = false;
    const jobs = await store.claimCrashed(workerId, options.concurrency, types).catch((error) => {
      onTrouble(error);
      return [];
    });
    this.#isDue = jobs.length > 0;
    if (madeRoom) this.#patienceMs = options.crash_patience_ms;
    if (jobs.length > 0) inFlight.start(jobs, sentAt);
    else this.#endRound(madeRoom ? options.crash_patience_ms * IN_VAIN : 0);
    return jobs.length;
  }

  /** At once, unless one of them was left behind and still runs: other work is kept out for a while. */
  #endSoon(): void {
    const { clock, lookAgain, options, strays } = this.parts;
    if (strays.size === 0) return this.#endRound();
    this.#callOffEnd = clock.after(options.crash_patience_ms, () => {
      this.#endRound();
      lookAgain();
    });
  }

  #endRound(leastMs = 0): void {
    const now = this.parts.clock.now();
    this.#notBefore = now + Math.max(leastMs, now - this.#since);
    this.#isAlone = this.#makesRoom = false;
  }
}

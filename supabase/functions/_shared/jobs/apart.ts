import { CrashedGroup, type CrashedGroupParts } from "./crashed_group.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { WorkerOptions } from "./options.ts";
import { Rounds } from "./rounds.ts";
import type { Strays } from "./strays.ts";

interface ApartParts<Deps> extends CrashedGroupParts<Deps> {
  options: Pick<WorkerOptions, "concurrency" | "crash_patience_ms">;
  heartbeat: Pick<Heartbeat, "healthy">;
  claimsUnderWay(): number;
  /** Whether nothing runs in this process that is not held here; it would run beside them. */
  isAlone(): boolean;
  /** Of workers of one process that always have work none would ever be alone. */
  retireOthers(): void;
  strays: Pick<Strays, "size">;
  /** From then on nothing is handed over. */
  getUp(): Promise<void>;
  lookAgain(): void;
}

/**
 * Runs jobs that have crashed their worker apart from all others: one of them may be what kills
 * processes, and everything that runs in one when it dies counts a crash. They are taken when nothing
 * runs here, and until they have ended nothing else is. A worker begins its life with a look for
 * them; later it hears of them. One that is never without work makes room when they have waited for
 * long.
 */
export class Apart<Deps> {
  readonly #rounds: Rounds;
  readonly #group: CrashedGroup<Deps>;
  #isDue = true;
  #isAlone = false;
  #makesRoom = false;
  #callOffEnd = () => {};

  constructor(private readonly parts: ApartParts<Deps>) {
    this.#rounds = new Rounds(parts.clock, parts.options.crash_patience_ms);
    this.#group = new CrashedGroup(parts);
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
    return this.#makesRoom || this.#mayJoin || (this.#isDue && this.#rounds.mayBegin);
  }

  /** Whether nothing runs here, nor is about to. */
  get mayStart(): boolean {
    return this.parts.inFlight.held.size === 0 && this.parts.claimsUnderWay() === 0;
  }

  get #isClosed(): boolean {
    return this.#isAlone || this.#makesRoom;
  }

  /** Whether further ones may start beside those that run: a long one among short ones holds up none. */
  get #mayJoin(): boolean {
    return this.#isAlone && this.#group.hasRoom && this.#rounds.isOpen;
  }

  /** A heartbeat has learned for how long some have waited, if there are any. */
  heed(waitedMs: number | undefined): void {
    const { isAlone, lookAgain, retireOthers } = this.parts;
    this.#isDue = waitedMs !== undefined;
    if (this.#isAlone) return;
    if (this.#makesRoom) {
      if (this.#isDue && !this.#rounds.isMakingRoomForLong) return;
      this.#makesRoom = false;
      if (this.#isDue) this.#rounds.giveUp();
      else this.#rounds.end();
      lookAgain();
    } else if (waitedMs !== undefined && this.mayStart) {
      retireOthers();
      lookAgain();
    } else if (waitedMs! >= this.parts.options.crash_patience_ms && this.#rounds.mayBegin) {
      retireOthers();
      if (!isAlone()) return;
      this.#makesRoom = true;
      this.#rounds.makeRoom();
    }
  }

  /** Something has ended: answers whether other work, or these jobs, waited for that. */
  freed(): boolean {
    if (!this.#isClosed) return false;
    if (this.parts.inFlight.held.size > 0) return this.#mayJoin;
    if (this.#isAlone && !this.#group.isAsking) this.#endSoon();
    return true;
  }

  /** Takes and starts some, if nothing else runs: answers how many. */
  async look(): Promise<number> {
    const { heartbeat, isAlone, getUp } = this.parts;
    if (!heartbeat.healthy || !isAlone()) return 0;
    if (this.#mayJoin) return await this.#join();
    if (!this.mayStart) return 0;
    // Or what is handed over meanwhile would run beside them.
    await getUp();
    return this.mayStart && isAlone() ? await this.#begin() : 0;
  }

  async #begin(): Promise<number> {
    this.#callOffEnd();
    this.#rounds.begin();
    this.#isAlone = true;
    this.#makesRoom = false;
    const found = await this.#group.begin();
    this.#isDue = found > 0;
    this.#rounds.begun(found);
    if (found === 0) this.#isAlone = false;
    return found;
  }

  async #join(): Promise<number> {
    const found = await this.#group.more();
    if (found === 0) this.#rounds.close();
    if (this.parts.inFlight.held.size === 0) this.#endSoon();
    return found;
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

  #endRound(): void {
    this.#isAlone = this.#makesRoom = false;
    this.#rounds.end();
  }
}

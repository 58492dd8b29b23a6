import { Apart } from "./apart.ts";
import type { ClaimLoopParts } from "./claim_loop_parts.ts";
import { Claims } from "./claims.ts";
import type { Counts } from "./counts.ts";
import { DrainWatch } from "./drain_watch.ts";
import { Prospects } from "./prospects.ts";
import { Sleeper } from "./sleeper.ts";
import { Wake } from "./wake.ts";

/** Looks for work as long as there is room, time and hope for more. */
export class ClaimLoop<Deps> {
  readonly #wake: Wake;
  readonly #prospects = new Prospects();
  readonly #claims: Claims;
  readonly apart: Apart<Deps>;
  readonly #sleeper: Sleeper<Deps>;
  /** Nobody looks any more. */
  #isOver = false;
  readonly #watch: DrainWatch;

  constructor(private readonly parts: ClaimLoopParts<Deps>) {
    this.#wake = new Wake(parts.clock);
    this.#claims = new Claims({ ...parts, prospects: this.#prospects });
    this.apart = new Apart({
      ...parts,
      onFailed: this.#claims.failed,
      claimsUnderWay: () => this.#claims.underWay,
      getUp: () => this.#sleeper.getUp(),
      lookAgain: () => this.nudge(),
    });
    this.#sleeper = new Sleeper({
      ...parts,
      free: () => this.#free(),
      isWilling: () => !this.#isOver && parts.remaining() > 0 && parts.heartbeat.healthy,
    });
    const { clock, inFlight: { counts }, store } = parts;
    this.#watch = new DrainWatch({ store, clock, counts, lookAgain: () => this.nudge() });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** There may be work: look now. */
  nudge(): void {
    this.#wake.ring();
  }

  /** A job of this type has ended, and left its slot: look now if that promises something, else soon. */
  freed(type: string): void {
    const isPromising = this.#prospects.afterEnd(type);
    const isAwaited = this.apart.freed() || this.#watch.isAwaited;
    if (isPromising || isAwaited) this.#wake.ring();
    else this.#wake.shorten(this.parts.options.poll_min_ms);
  }

  /** Resolves when a look at the queue found nothing and nothing is running, with what was done. */
  drained(): Promise<Counts> {
    return this.#watch.drained();
  }

  /** Hears when there is work, where the connection lets it. */
  listen(): Promise<void> {
    return this.#sleeper.listen(() => this.nudge());
  }

  /** Nobody looks any more: whoever waits for an empty queue gets what there is. */
  async end(): Promise<void> {
    await this.#sleeper.close();
    this.#watch.end();
  }

  async run(): Promise<void> {
    await this.#lookUntilIdle().finally(() => this.#isOver = true);
    await this.#claims.settleDoubts(true);
    await this.#sleeper.getUp();
  }

  async #lookUntilIdle(): Promise<void> {
    const { clock, inFlight, options, remaining } = this.parts;
    let { claimed } = inFlight.counts;
    let busyAt = clock.now();
    let pause = options.poll_min_ms;
    let isRung = true;
    while (remaining() > 0) {
      const found = await this.#look(isRung);
      if (inFlight.counts.claimed > claimed || inFlight.held.size > 0) busyAt = clock.now();
      claimed = inFlight.counts.claimed;
      if (found > 0) pause = options.poll_min_ms;
      const isPromising = found > 0 && this.#prospects.hasMore && this.#free() > 0;
      if (isPromising || this.#claims.underWay > 0) continue;
      const isIdle = found === 0 && clock.now() - busyAt >= options.linger_ms;
      if (isIdle && await this.#mayLeave()) return;
      // Where notifications wake us, polling only finds jobs whose time has come.
      const longest = this.#sleeper.canHear ? options.poll_listening_ms : options.poll_max_ms;
      this.#sleeper.doze();
      isRung = await this.#wake.wait(Math.min(pause, longest, Math.max(1, remaining())));
      this.#sleeper.rouse();
      pause = Math.min(pause * 2, longest);
    }
    this.#isOver = true;
    while (this.#claims.underWay > 0) await this.#begin();
  }

  #free(): number {
    return this.apart.room - this.parts.inFlight.held.size - this.#claims.asked;
  }

  /** Claims jobs for the free slots, and starts what the first of the claims brings; answers how many. */
  async #look(isRung: boolean): Promise<number> {
    const { heartbeat, inFlight, options } = this.parts;
    await this.#claims.settleDoubts();
    const crashed = this.apart.isNext ? await this.apart.look() : 0;
    heartbeat.noteRoom();
    if (crashed > 0) return crashed;
    // A worker that cannot extend its leases must not take more of them.
    if (heartbeat.healthy) this.#claims.fill(() => this.#free(), options.claim_batch, isRung);
    if (this.#claims.underWay === 0) {
      this.#prospects.missed();
      return 0;
    }
    const found = await this.#begin();
    heartbeat.noteRoom();
    const isOver = found === 0 && this.#claims.underWay === 0;
    // Or what is handed over at this moment would be missed.
    if (isOver && this.#watch.isAwaited) await this.#sleeper.getUp();
    const mayBeLeft = isOver && (this.apart.isDue || this.#watch.isAwaited);
    const late = mayBeLeft ? await this.apart.look() : 0;
    if (late > 0) return late;
    if (isOver && inFlight.held.size === 0) await this.#watch.foundNothing();
    return found ?? 0;
  }

  /** Starts what the next answer brings: how many, or null when the claim has failed. */
  async #begin(): Promise<number | null> {
    const { jobs, sentAt } = await this.#claims.next();
    if (jobs && jobs.length > 0) this.parts.inFlight.start(jobs, sentAt);
    this.#sleeper.admit();
    return jobs && jobs.length;
  }

  /** Signs off, then looks once more: whoever enqueued before saw a live worker and rang no bell. */
  async #mayLeave(): Promise<boolean> {
    const { heartbeat, inFlight, store, workerId, onTrouble } = this.parts;
    await heartbeat.stop();
    await store.unregister(workerId).catch(onTrouble);
    await this.#sleeper.getUp();
    const found = await this.#look(true);
    const isOver = found === 0 && inFlight.held.size === 0 && !this.#wake.rung;
    if (isOver && await this.apart.look() === 0 && this.apart.mayStart && !this.#wake.rung) {
      return this.#isOver = true;
    }
    heartbeat.start();
    return false;
  }
}

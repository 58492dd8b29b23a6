import type { Clock } from "./clock.ts";
import { type Counts, difference } from "./counts.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { InFlight } from "./in_flight.ts";
import type { JobStore } from "./job_store.ts";
import type { WorkerOptions } from "./options.ts";
import { Prospects } from "./prospects.ts";
import { Wake } from "./wake.ts";

interface ClaimLoopParts<Deps> {
  workerId: string;
  types: string[];
  store: JobStore;
  clock: Clock;
  options: WorkerOptions;
  inFlight: InFlight<Deps>;
  heartbeat: Heartbeat;
  /** Milliseconds for which work may still be taken; 0 ends the loop. */
  remaining(): number;
  onTrouble(error: unknown): void;
}

interface DrainWaiter {
  before: Counts;
  resolve(counts: Counts): void;
}

/**
 * A claim may come back empty although work is due: another worker is counting a capped type that very
 * moment, or the cap is used up. Whoever waits for an empty queue waits so long for the former.
 */
const LOOK_AGAIN_MS = 100;
const MOST_LOOKS = 5;

/** Looks for work as long as there is room, time and hope for more. */
export class ClaimLoop<Deps> {
  /** Set when notifications wake us: then polling only finds jobs whose time has come. */
  isNotified = false;
  readonly #wake: Wake;
  readonly #prospects = new Prospects();
  #waiters: DrainWaiter[] = [];
  /** How often in a row a look found nothing although something was due. */
  #doubts = 0;

  constructor(private readonly parts: ClaimLoopParts<Deps>) {
    this.#wake = new Wake(parts.clock);
  }

  /** There may be work: look now. */
  nudge(): void {
    this.#wake.ring();
  }

  /** A job of this type has ended, and left its slot: look now if that promises something, else soon. */
  freed(type: string): void {
    const isPromising = this.#prospects.afterEnd(type);
    if (isPromising || this.#waiters.length > 0) this.#wake.ring();
    else this.#wake.shorten(this.parts.options.poll_min_ms);
  }

  /** Resolves when a look at the queue found nothing and nothing is running, with what was done. */
  drained(): Promise<Counts> {
    return new Promise((resolve) => {
      this.#waiters.push({ before: { ...this.parts.inFlight.counts }, resolve });
      this.nudge();
    });
  }

  /** Nobody looks any more: whoever waits for an empty queue gets what there is. */
  end(): void {
    this.#answer(this.#waiters.splice(0));
  }

  async run(): Promise<void> {
    const { clock, inFlight, options, remaining } = this.parts;
    let busyAt = clock.now();
    let pause = options.poll_min_ms;
    let isRung = true;
    while (remaining() > 0) {
      const found = await this.#look(isRung);
      if (found > 0 || inFlight.held.size > 0) busyAt = clock.now();
      const isIdle = found === 0 && clock.now() - busyAt >= options.linger_ms;
      if (isIdle && await this.#mayLeave()) return;
      if (found > 0) pause = options.poll_min_ms;
      if (found > 0 && this.#prospects.hasMore && this.#free() > 0) continue;
      const longest = this.isNotified ? options.poll_listening_ms : options.poll_max_ms;
      isRung = await this.#wake.wait(Math.min(pause, longest, Math.max(1, remaining())));
      pause = Math.min(pause * 2, longest);
    }
  }

  #free(): number {
    return this.parts.options.concurrency - this.parts.inFlight.held.size;
  }

  /** Claims as many jobs as there are free slots, and starts them; answers how many. */
  async #look(isRung: boolean): Promise<number> {
    const { clock, heartbeat, inFlight, store, types, workerId, onTrouble } = this.parts;
    const free = this.#free();
    heartbeat.noteRoom();
    // A worker that cannot extend its leases must not take more of them.
    if (free <= 0 || !heartbeat.healthy) {
      this.#prospects.missed();
      return 0;
    }
    const brought = this.#prospects.claiming(free, isRung);
    const waiters = this.#waiters.splice(0);
    const sentAt = clock.now();
    const jobs = await store.claim(workerId, free, types).catch((error) => {
      onTrouble(error);
      this.#prospects.missed();
      return null;
    });
    if (jobs) brought(jobs.length);
    if (jobs && jobs.length > 0) inFlight.start(jobs, sentAt);
    heartbeat.noteRoom();
    const isEmpty = jobs?.length === 0 && inFlight.held.size === 0;
    if (isEmpty && waiters.length > 0 && await this.#isDrained()) this.#answer(waiters);
    else this.#waiters.push(...waiters);
    return jobs?.length ?? 0;
  }

  /** Asked when a look found nothing. */
  async #isDrained(): Promise<boolean> {
    const { clock, store } = this.parts;
    const isDue = await store.hasDueWork().catch(() => true);
    this.#doubts += 1;
    if (!isDue || this.#doubts >= MOST_LOOKS) {
      this.#doubts = 0;
      return true;
    }
    clock.after(LOOK_AGAIN_MS, () => this.nudge());
    return false;
  }

  /** Signs off, then looks once more: whoever enqueued before saw a live worker and rang no bell. */
  async #mayLeave(): Promise<boolean> {
    const { heartbeat, store, workerId, onTrouble } = this.parts;
    await heartbeat.stop();
    await store.unregister(workerId).catch(onTrouble);
    if (await this.#look(true) === 0 && !this.#wake.rung) return true;
    heartbeat.start();
    return false;
  }

  #answer(waiters: DrainWaiter[]): void {
    const now = this.parts.inFlight.counts;
    for (const { before, resolve } of waiters) resolve(difference(now, before));
  }
}

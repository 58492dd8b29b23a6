import type { Clock } from "./clock.ts";

/** About a second of real time, for work that does real reading and writing. */
const MOST_IDLE_TURNS = 1_000;

/** A clock that stands still until it is told to move. */
export class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves on, firing what comes due in order, and lets all promises settle on the way. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (let next = this.#due(until); next; next = this.#due(until)) {
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settled();
    }
    this.#now = until;
  }

  /** Lets `work` come to its end: whenever everything stands still, time leaps to the next timer. */
  async runUntil<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = () => isOver = true;
    work.then(over, over);
    for (let idle = 0; !isOver; idle += 1) {
      if (idle > MOST_IDLE_TURNS) throw new Error("Waits for something that no timer brings");
      await settled();
      const next = isOver ? undefined : this.#due(Infinity);
      if (!next) continue;
      await this.advance(next.at - this.#now);
      idle = 0;
    }
    return await work;
  }

  #due(until: number) {
    return this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

import type { Clock } from "./clock.ts";

/** A bell that remembers having rung while nobody was waiting. */
export class Wake {
  #rung = false;
  /** When whoever waits goes on at the latest, or who comes to wait next. */
  #latest = Infinity;
  #end: (() => void) | null = null;
  #rearm: (() => void) | null = null;

  constructor(private readonly clock: Clock) {}

  /** Somebody rang and nobody has heard it yet. */
  get rung(): boolean {
    return this.#rung;
  }

  ring(): void {
    this.#rung = true;
    this.#end?.();
  }

  /** Lets the wait that is under way, or the next one, last no longer than `ms` from now. */
  shorten(ms: number): void {
    const latest = this.clock.now() + ms;
    if (latest >= this.#latest) return;
    this.#latest = latest;
    this.#rearm?.();
  }

  /** Resolves `true` when rung, `false` after `ms` or what it was shortened to. */
  async wait(ms: number): Promise<boolean> {
    this.shorten(ms);
    if (!this.#rung) await this.#rungOrOver();
    const rung = this.#rung;
    this.#rung = false;
    this.#latest = Infinity;
    return rung;
  }

  #rungOrOver(): Promise<void> {
    return new Promise((resolve) => {
      let callOff = () => {};
      this.#end = () => {
        this.#end = this.#rearm = null;
        callOff();
        resolve();
      };
      this.#rearm = () => {
        callOff();
        callOff = this.clock.after(Math.max(0, this.#latest - this.clock.now()), this.#end!);
      };
      this.#rearm();
    });
  }
}

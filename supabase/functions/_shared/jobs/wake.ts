import type { Clock } from "./clock.ts";

/** A bell that remembers having rung while nobody was waiting. */
export class Wake {
  #rung = false;
  #ring: (() => void) | null = null;

  constructor(private readonly clock: Clock) {}

  /** Somebody rang and nobody has heard it yet. */
  get rung(): boolean {
    return this.#rung;
  }

  ring(): void {
    this.#rung = true;
    this.#ring?.();
  }

  /** Resolves `true` when rung, `false` after `ms`. */
  async wait(ms: number): Promise<boolean> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const callOff = this.clock.after(ms, resolve);
        this.#ring = () => {
          this.#ring = null;
          callOff();
          resolve();
        };
      });
      this.#ring = null;
    }
    const rung = this.#rung;
    this.#rung = false;
    return rung;
  }
}

/** How long to wait until a job is asked about again. */

/** Milliseconds between two questions: at first, and at most, while nothing changes. */
export interface Pace {
  readonly live: readonly [number, number];
  readonly polling: readonly [number, number];
  readonly hidden: readonly [number, number];
  readonly failing: readonly [number, number];
  /** A push may come this much later than an answer that overtook it. */
  readonly grace: number;
}

/** The pace of a page. */
export const defaultPace: Pace = {
  live: [15_000, 60_000],
  polling: [2_000, 10_000],
  hidden: [60_000, 60_000],
  failing: [2_000, 30_000],
  grace: 3_000,
};

/** Grows while nothing happens. */
export class Patience {
  readonly #pace: Pace;
  /** Answers in a row that brought nothing new, and questions in a row without an answer. */
  #calm = 0;
  #failures = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** How much later than an answer a push may come. */
  get grace(): number {
    return this.#pace.grace;
  }

  /** Something has happened, or somebody wants to know. */
  hurry(): void {
    this.#calm = 0;
  }

  answered(isNews: boolean): void {
    this.#failures = 0;
    this.#calm = isNews ? 0 : this.#calm + 1;
  }

  failed(): void {
    this.#failures++;
  }

  /** Milliseconds until the next question. */
  pause(state: "live" | "polling" | "hidden"): number {
    const [first, longest] = this.#pace[this.#failures ? "failing" : state];
    const doubled = first * 2 ** Math.max(this.#failures - 1, this.#calm, 0);
    // Spread, so that pages which lost the same server do not ask it in step.
    return Math.min(doubled, longest) * (0.8 + Math.random() * 0.4);
  }
}

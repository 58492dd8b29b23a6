import { check, type Outcome, sum } from "./outcome.ts";
import type { Part } from "./steps.ts";

/** Prints what comes of each part of a run as it comes, and the whole of it in the end. */
export class GateReport {
  readonly #outcomes: Outcome[] = [];
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void = console.log) {
    this.#print = print;
  }

  /** Does a part; one that cannot be done is a failure. */
  async run({ step, name }: Pick<Part, "step" | "name">, work: () => Promise<Outcome>) {
    const begin = performance.now();
    const outcome = await work().catch((error: unknown) =>
      check(false, `${step} could not run: ${error instanceof Error ? error.stack : error}`)
    );
    this.#outcomes.push(outcome);
    const { passed, failures } = outcome;
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    this.#print(
      `${failures.length === 0 ? "ok  " : "FAIL"} ${`${step} ${name}`.padEnd(12)} ` +
        `${passed} passed, ${failures.length} failed (${seconds} s)`,
    );
    for (const failure of failures) this.#print(`    - ${failure}`);
  }

  /** Prints all failures once more, a line each, and the sum; returns whether there is none. */
  end(): boolean {
    const { passed, failures } = sum(this.#outcomes);
    // Whoever reads the last page of a log must learn what failed.
    for (const failure of failures) this.#print(`FAILED: ${failure.split("\n", 1)[0]}`);
    this.#print(`${passed} passed, ${failures.length} failed`);
    return failures.length === 0;
  }
}

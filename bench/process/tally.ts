import process from "node:process";
import { Buffer } from "node:buffer";
import { type Tick, wallClock, type WorkReport } from "./protocol.ts";

/** More start moments than this say nothing about latency. */
const mostMoments = 10_000;

/** Counts the handler calls of one worker, job by job. As cheap as an array store. */
export class Tally {
  readonly #startedAt: Float64Array;
  readonly #cpuAtStart = process.cpuUsage();
  #handled = 0;
  #repeated = 0;
  #firstAt = 0;
  #lastAt = 0;

  constructor(jobs: number) {
    this.#startedAt = new Float64Array(jobs);
  }

  readonly handle = (n: number): void => {
    const now = wallClock();
    if (this.#handled++ === 0) this.#firstAt = now;
    if (this.#startedAt[n] !== 0) this.#repeated++;
    this.#startedAt[n] = now;
    this.#lastAt = now;
  };

  tick(): Tick {
    return { handled: this.#handled, firstAt: this.#firstAt, lastAt: this.#lastAt };
  }

  report(): WorkReport {
    const bits = new Uint8Array(Math.ceil(this.#startedAt.length / 8));
    this.#startedAt.forEach((at, n) => {
      if (at > 0) bits[n >> 3]! |= 1 << (n & 7);
    });
    const { user, system } = process.cpuUsage(this.#cpuAtStart);
    return {
      handled: this.#handled,
      repeated: this.#repeated,
      bits: Buffer.from(bits).toString("base64"),
      startedAt: this.#startedAt.length > mostMoments
        ? null
        : Array.from(this.#startedAt, (at) => at || null),
      cpuMs: (user + system) / 1000,
    };
  }
}

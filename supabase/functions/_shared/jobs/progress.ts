import type { Clock } from "./clock.ts";
import type { Progress } from "./job_store.ts";
import { storableText } from "../redact.ts";

/** As much as the database keeps. */
const MAX_MESSAGE = 1_000;

interface ProgressWriterOptions {
  clock: Clock;
  intervalMs: number;
  /** Where the attempt starts; it never reports less. */
  from: number;
  write(progress: Required<Progress>): Promise<void>;
}

/**
 * Turns any number of progress reports into a few writes per second: the first goes out at once,
 * then the newest at most every interval, and `flush()` sends what is still waiting. One write at a
 * time, so that they cannot overtake each other. Percent never goes back.
 */
export class ProgressWriter {
  #highest: number;
  #pending: Required<Progress> | null = null;
  #lastKey = "";
  #lastWrite = -Infinity;
  #writing: Promise<void> | null = null;
  #callOff: (() => void) | null = null;
  #closed = false;

  constructor(private readonly options: ProgressWriterOptions) {
    this.#highest = options.from;
  }

  /** True until something was reported. */
  get silent(): boolean {
    return this.#lastKey === "" && this.#pending === null;
  }

  report(percent: number, message: string | null = null): void {
    if (this.#closed) return;
    this.#pending = { percent: this.#raise(percent), message };
    this.#schedule();
  }

  /** A checkpoint is carrying this progress to the database: older waiting reports are void. */
  carried(percent: number, message: string | null): Required<Progress> {
    const progress = storable({ percent: this.#raise(percent), message });
    this.#pending = null;
    this.#lastKey = keyOf(progress);
    this.#lastWrite = this.options.clock.now();
    return progress;
  }

  /** Writes what is waiting; resolves when nothing is under way any more. */
  async flush(): Promise<void> {
    while (this.#writing || this.#pending) {
      if (this.#writing) await this.#writing;
      else this.#send();
    }
  }

  close(): void {
    this.#closed = true;
    this.#pending = null;
    this.#callOff?.();
  }

  #raise(percent: number): number {
    const whole = Number.isFinite(percent) ? Math.floor(percent) : this.#highest;
    this.#highest = Math.max(this.#highest, Math.min(100, whole));
    return this.#highest;
  }

  #schedule(): void {
    if (this.#writing || this.#callOff) return;
    const wait = this.#lastWrite + this.options.intervalMs - this.options.clock.now();
    if (wait <= 0) return this.#send();
    this.#callOff = this.options.clock.after(wait, () => this.#send());
  }

  #send(): void {
    this.#callOff?.();
    this.#callOff = null;
    const progress = this.#pending && storable(this.#pending);
    this.#pending = null;
    if (!progress || this.#closed || keyOf(progress) === this.#lastKey) return;
    this.#lastKey = keyOf(progress);
    this.#lastWrite = this.options.clock.now();
    this.#writing = this.options.write(progress).finally(() => {
      this.#writing = null;
      if (this.#pending) this.#schedule();
    });
  }
}

/** A title that somebody else wrote must not cost the write, nor the checkpoint that carries it. */
function storable({ percent, message }: Required<Progress>): Required<Progress> {
  return { percent, message: message && storableText(message, MAX_MESSAGE) };
}

function keyOf(progress: Required<Progress>): string {
  return `${progress.percent}:${progress.message ?? ""}`;
}

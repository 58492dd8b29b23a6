/** For tests: a job, its server and its socket, all of them as the test says. */
import type { JobSource } from "./job_source.ts";
import { fromStatus } from "./job_state.ts";
import { JobWatcher } from "./job_watcher.ts";
import type { Pace } from "./pace.ts";

/** Short, so that no test waits long. */
export const quickPace: Pace = {
  live: [150, 300],
  polling: [20, 40],
  hidden: [5_000, 5_000],
  failing: [20, 80],
  grace: 150,
};

/** The fields of `job-status` that a test sets. */
export interface Told {
  readonly seq: number;
  readonly status?: string;
  readonly percent?: number;
  readonly result?: unknown;
}

/** A watched job that the test moves. */
export class FakeJob implements JobSource {
  readonly id = crypto.randomUUID();
  readonly watcher = new JobWatcher(this, this.id, quickPace);
  asked = 0;
  joined = 0;
  left = 0;
  hidden = false;
  /** Holds answers back, when a test wants them late. */
  gate: Promise<void> = Promise.resolve();
  /** Thrown instead of an answer. */
  refusal: Error | null = null;
  now: Told = { seq: 1, status: "processing", percent: 0 };
  #onMessage = (_payload: unknown) => {};
  #onLive = (_isLive: boolean) => {};
  #wake = () => {};

  async ask(_id: string, signal: AbortSignal) {
    this.asked++;
    const { seq, status = "processing", percent = 0, result } = this.now;
    const refusal = this.refusal;
    await this.gate;
    signal.throwIfAborted();
    if (refusal) throw refusal;
    const progress = { percent, message: null, eta_seconds: null };
    return fromStatus({ job: { id: this.id, type: "t", status, seq, progress, result } })!;
  }

  listen(_id: string, onMessage: (payload: unknown) => void, onLive: (isLive: boolean) => void) {
    [this.#onMessage, this.#onLive] = [onMessage, onLive];
    this.joined++;
    return { rejoin: () => this.joined++, stop: () => this.left++ };
  }

  onWake(wake: () => void) {
    this.#wake = wake;
    return () => this.#wake = () => {};
  }

  isHidden = () => this.hidden;
  wake = () => this.#wake();
  setLive = (isLive: boolean) => this.#onLive(isLive);

  /** What the server knows from now on; not pushed. */
  becomes(told: Told) {
    this.now = told;
  }

  push({ seq, status = "processing", percent = 0, result }: Told) {
    this.#onMessage({
      job_id: this.id,
      job_type: "t",
      status,
      seq,
      progress_percent: percent,
      progress_message: null,
      ...(result === undefined ? {} : { result }),
    });
  }

  /** Watches, and keeps every state that was shown. */
  watch() {
    const seen: string[] = [];
    const stop = this.watcher.subscribe(() => {
      const { job, connection } = this.watcher.getSnapshot();
      seen.push(`${connection} ${job ? `${job.seq} ${job.status} ${job.percent}` : "unknown"}`);
    });
    return { seen, stop };
  }
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Waits until something holds; fails with what it has when it never does. */
export async function until(holds: () => boolean, what = () => "", ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`what the test waits for never came: ${what()}`);
    await pause(5);
  }
}

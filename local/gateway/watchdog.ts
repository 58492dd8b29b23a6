import { type Usage, usageOf } from "./usage.ts";

const lookEveryMs = 100;
const askEveryMs = 1000;
/** Where CPU time cannot be read, silence this many times longer than the limit must do. */
const patience = 5;
/** What Deno itself needs beside the function. */
const runtimeBytes = 64 * 1024 * 1024;

/** What a process may use. */
export interface Allowance {
  readonly cpuMs: number;
  readonly memoryMb: number;
}

/**
 * Notices a process that uses more than it may: memory that V8 does not count, CPU time without a
 * return to its event loop (it is asked for signs of life), or more CPU time than its requests may
 * take. CPU time is what counts: a process that merely waits for a busy machine is left alone, and
 * so is work in the background, which the platform ends by the clock.
 */
export class Watchdog {
  readonly #pid: number;
  readonly #allowance: Allowance;
  readonly #ask: () => void;
  readonly #onExcess: (of: "cpu" | "memory") => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  #askedAt: number | null = null;
  #lastAskedAt = 0;
  #cpuWhenAsked = 0;
  #requests = 0;
  #inFlight = 0;
  #cpuWhenBusy: number | null = null;

  /**
   * @param ask Sends the question; {@link answered} is called with the answer.
   * @param onExcess Called once.
   */
  constructor(
    pid: number,
    allowance: Allowance,
    ask: () => void,
    onExcess: (of: "cpu" | "memory") => void,
  ) {
    this.#pid = pid;
    this.#allowance = allowance;
    this.#ask = ask;
    this.#onExcess = onExcess;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  answered(): void {
    this.#askedAt = null;
  }

  requestBegan(): void {
    if (this.#inFlight++ === 0) {
      this.#requests = 0;
      this.#cpuWhenBusy = null;
    }
    this.#requests++;
  }

  requestEnded(): void {
    this.#inFlight--;
  }

  #look(): void {
    const usage = usageOf(this.#pid);
    const excess = this.#excess(usage);
    if (excess) {
      this.stop();
      this.#onExcess(excess);
    } else if (this.#askedAt === null && Date.now() - this.#lastAskedAt >= askEveryMs) {
      this.#askedAt = this.#lastAskedAt = Date.now();
      this.#cpuWhenAsked = usage?.cpuMs ?? 0;
      this.#ask();
    }
  }

  #excess(usage: Usage | null): "cpu" | "memory" | null {
    const { cpuMs, memoryMb } = this.#allowance;
    if (!usage) {
      const isSilent = this.#askedAt !== null && Date.now() - this.#askedAt >= cpuMs * patience;
      return isSilent ? "cpu" : null;
    }
    if (usage.ownBytes > memoryMb * 1024 * 1024 + runtimeBytes) return "memory";
    const isStuck = this.#askedAt !== null && usage.cpuMs - this.#cpuWhenAsked >= cpuMs;
    if (this.#inFlight === 0) return isStuck ? "cpu" : null;
    this.#cpuWhenBusy ??= usage.cpuMs;
    return isStuck || usage.cpuMs - this.#cpuWhenBusy >= cpuMs * this.#requests ? "cpu" : null;
  }
}

import type { FunctionDefinition } from "./function_config.ts";
import type { ProcessOptions } from "./function_command.ts";
import { FunctionProcess } from "./function_process.ts";

const shortestRestartMs = 250;
const longestRestartMs = 10_000;
/** A function has a second to react to its end; after that it is stuck. */
const goodbyeMs = 1_500;
/** A process that lived this long did not fail at its start: the next one comes at once. */
const healthyLifeMs = 10_000;

type Timer = ReturnType<typeof setTimeout>;

/** How a pool is run. */
export interface PoolOptions extends ProcessOptions {
  /** Keep a process running even before the first request. */
  readonly prewarm: boolean;
  /** Called whenever another process, or none, takes the requests. */
  readonly onChange: () => void;
}

/** The processes of one function: one that takes requests, and retired ones that finish. */
export class FunctionPool {
  #definition: FunctionDefinition;
  readonly #options: PoolOptions;
  #current: FunctionProcess | null = null;
  #starting: Promise<FunctionProcess> | null = null;
  readonly #alive = new Set<FunctionProcess>();
  readonly #timers = new Map<FunctionProcess, Timer[]>();
  readonly #bornAt = new WeakMap<FunctionProcess, number>();
  #restartMs = shortestRestartMs;
  #restartTimer: Timer | undefined;
  #stopped = false;

  constructor(definition: FunctionDefinition, options: PoolOptions) {
    this.#definition = definition;
    this.#options = options;
    if (options.prewarm) this.#warmUp();
  }

  /** The process that takes requests now. */
  get current(): FunctionProcess | null {
    return this.#current;
  }

  /** A process to send a request to, started if need be; rejects with BootError. */
  async acquire(): Promise<FunctionProcess> {
    return this.#current ?? await this.#startProcess();
  }

  /** The source changed: a new process takes over, the old one gets a short time to finish. */
  replace(definition: FunctionDefinition): void {
    this.#definition = definition;
    if (this.#starting) {
      // It may have read the old source: let it come up, then replace it too.
      this.#starting.then(() => this.replace(definition), () => {});
      return;
    }
    const old = this.#current;
    this.#current = null;
    if (this.#options.prewarm || old) this.#warmUp();
    if (!old) return;
    old.tell({ type: "unload", reason: "termination" });
    this.retireWhenFree(old);
    this.#after(old, this.#options.limits.graceMs, () => old.kill("terminated"));
  }

  /** Ends every process, by force when it does not go by itself. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restartTimer);
    for (const process of this.#alive) {
      process.terminate();
      this.#after(process, goodbyeMs, () => process.kill("terminated"));
    }
    await Promise.all([...this.#alive].map((process) => process.ended));
  }

  /** Called when a request ended: a retired process without requests may leave. */
  retireWhenFree(process: FunctionProcess): void {
    if (process !== this.#current && process.inFlight === 0) process.tell({ type: "retire" });
  }

  #startProcess(): Promise<FunctionProcess> {
    return this.#starting ??= FunctionProcess.start(this.#definition, this.#options)
      .then((process) => this.#adopt(process))
      .finally(() => this.#starting = null);
  }

  #adopt(process: FunctionProcess): FunctionProcess {
    const old = this.#current;
    this.#current = process;
    this.#alive.add(process);
    this.#bornAt.set(process, Date.now());
    const { wallClockMs } = this.#options.limits;
    this.#after(process, wallClockMs * 0.5, () => this.#retire(process));
    this.#after(process, wallClockMs * 0.9, () => {
      process.tell({ type: "unload", reason: "wall_clock" });
    });
    this.#after(process, wallClockMs, () => process.kill("wall_clock"));
    process.ended.then(() => this.#onEnded(process));
    if (old) this.retireWhenFree(old);
    this.#options.onChange();
    if (this.#stopped) process.terminate();
    return process;
  }

  /** At half of its life a process hands over: to a successor if it is needed, else to no one. */
  #retire(process: FunctionProcess): void {
    if (process !== this.#current) return;
    if (this.#options.prewarm || process.inFlight > 0) this.#warmUp();
    else {
      this.#current = null;
      this.#options.onChange();
      this.retireWhenFree(process);
    }
  }

  #onEnded(process: FunctionProcess): void {
    this.#alive.delete(process);
    for (const timer of this.#timers.get(process) ?? []) clearTimeout(timer);
    this.#timers.delete(process);
    if (this.#current !== process) return;
    this.#current = null;
    this.#options.onChange();
    if (!this.#options.prewarm) return;
    const lived = Date.now() - (this.#bornAt.get(process) ?? 0);
    if (lived > healthyLifeMs) {
      this.#restartMs = shortestRestartMs;
      this.#warmUp();
    } else this.#warmUpLater();
  }

  /** Starts a process ahead of its first request. */
  #warmUp(): void {
    if (this.#stopped) return;
    this.#startProcess().catch(() => this.#options.prewarm && this.#warmUpLater());
  }

  /** After a failure it is tried again ever more slowly; a request does not wait for that. */
  #warmUpLater(): void {
    clearTimeout(this.#restartTimer);
    if (this.#stopped) return;
    this.#restartTimer = setTimeout(() => this.#current || this.#warmUp(), this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, longestRestartMs);
  }

  #after(process: FunctionProcess, ms: number, act: () => void): void {
    const timers = this.#timers.get(process) ?? [];
    timers.push(setTimeout(act, ms));
    this.#timers.set(process, timers);
  }
}

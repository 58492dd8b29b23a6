import process from "node:process";
import type { Clock } from "./clock.ts";

/** Reading the memory takes longer than a small job, and it does not fill up in less. */
const MEMORY_SAMPLE_MS = 100;

/** Of the limit: what a budget that begins above it may use more. */
const MEMORY_HEADROOM = 0.2;

/** What one invocation may use up before it drains. A null limit is not watched. */
export interface BudgetLimits {
  wall_ms: number;
  cpu_ms: number | null;
  memory_bytes: number | null;
}

/** Reads what the process has used; null where the platform does not tell. */
export interface UsageMeter {
  cpuMs(): number | null;
  memoryBytes(): number | null;
}

export const processMeter: UsageMeter = {
  cpuMs: () =>
    reading(() => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000;
    }),
  memoryBytes: () =>
    reading(() => {
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    }),
};

function reading(read: () => number): number | null {
  try {
    const value = read();
    // A platform that stubs the call answers 0 for ever, which is no reading.
    return value > 0 ? value : null;
  } catch {
    return null;
  }
}

/** The platform's limits as one question: may this invocation go on? */
export class Budget {
  readonly #deadline: number;
  readonly #cpuAtStart: number | null;
  readonly #memoryLimit: number;
  #memory = 0;
  #memoryReadAt = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly limits: BudgetLimits,
    private readonly meter: UsageMeter = processMeter,
  ) {
    this.#deadline = clock.now() + limits.wall_ms;
    this.#cpuAtStart = meter.cpuMs();
    // A reading that is too high before any work was done counts something else, such as the whole
    // host process, or what a life before this one has left. Heeding it would mean never to work at
    // all; but from there it must not grow without end.
    const limit = limits.memory_bytes ?? Infinity;
    const reading = meter.memoryBytes() ?? 0;
    this.#memoryLimit = reading < limit ? limit : reading + limit * MEMORY_HEADROOM;
  }

  /** Wall-clock milliseconds left, 0 as soon as any limit is used up. */
  remaining(): number {
    return this.spent() ? 0 : this.#deadline - this.clock.now();
  }

  /** The limit that is used up, or null. */
  spent(): "wall_clock" | "cpu" | "memory" | null {
    const now = this.clock.now();
    if (now >= this.#deadline) return "wall_clock";
    const { cpu_ms } = this.limits;
    const cpu = cpu_ms === null ? null : this.meter.cpuMs();
    if (cpu_ms !== null && cpu !== null && cpu - (this.#cpuAtStart ?? 0) >= cpu_ms) return "cpu";
    if (this.#memoryLimit === Infinity) return null;
    return this.#memoryUsed(now) >= this.#memoryLimit ? "memory" : null;
  }

  #memoryUsed(now: number): number {
    if (now - this.#memoryReadAt >= MEMORY_SAMPLE_MS) {
      this.#memory = this.meter.memoryBytes() ?? 0;
      this.#memoryReadAt = now;
    }
    return this.#memory;
  }
}

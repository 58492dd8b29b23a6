const everyMs = 1000;
/** Where CPU time cannot be read, silence this many times longer than the limit must do. */
const patience = 5;

/**
 * Notices a process that burns CPU without returning to its event loop, by asking for a sign of
 * life. CPU time is what counts: a process that merely waits for a busy machine is left alone.
 */
export class Watchdog {
  readonly #pid: number;
  readonly #cpuMs: number;
  readonly #ask: () => void;
  readonly #onStuck: () => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  #silentSince: number | null = null;
  #cpuWhenAsked: number | null = null;

  /**
   * @param ask Sends the question; {@link answered} is called with the answer.
   * @param onStuck Called once when the process burnt `cpuMs` without an answer.
   */
  constructor(pid: number, cpuMs: number, ask: () => void, onStuck: () => void) {
    this.#pid = pid;
    this.#cpuMs = cpuMs;
    this.#ask = ask;
    this.#onStuck = onStuck;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), Math.min(everyMs, this.#cpuMs));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  answered(): void {
    this.#silentSince = null;
  }

  #look(): void {
    if (this.#silentSince === null) {
      this.#silentSince = Date.now();
      this.#cpuWhenAsked = cpuTimeMs(this.#pid);
      this.#ask();
      return;
    }
    const cpu = cpuTimeMs(this.#pid);
    const isStuck = cpu !== null && this.#cpuWhenAsked !== null
      ? cpu - this.#cpuWhenAsked >= this.#cpuMs
      : Date.now() - this.#silentSince >= this.#cpuMs * patience;
    if (!isStuck) return;
    this.stop();
    this.#onStuck();
  }
}

/** User and system time of a process, in milliseconds; null where /proc does not tell. */
function cpuTimeMs(pid: number): number | null {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // Fields 14 and 15 of the whole line, in ticks of 10 ms.
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return null;
  }
}

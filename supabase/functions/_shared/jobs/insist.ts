import { type Clock, sleep } from "./clock.ts";

/** Longer than a failover takes, shorter than a lease: after it the heartbeat has the say. */
const PATIENCE_MS = 20_000;

/**
 * Asks a database in trouble again, so that a short outage costs a handler time and not an attempt.
 * Only for calls that may be repeated. Gives up with the last error, or with the signal's reason.
 */
export async function insist<T>(
  { clock, signal, isFinal, onTrouble }: {
    clock: Clock;
    signal: AbortSignal;
    /** Whether asking again is no use. */
    isFinal(error: unknown): boolean;
    onTrouble(error: unknown): void;
  },
  call: () => Promise<T>,
): Promise<T> {
  const until = clock.now() + PATIENCE_MS;
  for (let pause = 50;; pause = Math.min(pause * 2, 2_000)) {
    try {
      return await call();
    } catch (error) {
      if (isFinal(error) || clock.now() + pause > until) throw error;
      onTrouble(error);
    }
    await sleep(clock, pause, signal);
  }
}

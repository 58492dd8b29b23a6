/** How long a demo waits for a part of the stack that is being started again. */
const patienceMs = 30_000;
const pausesMs = [100, 200, 400, 800];

/** Settings of {@link patientFetch}; tests make them short. */
export interface Patience {
  readonly fetch?: typeof globalThis.fetch;
  readonly patienceMs?: number;
  /** Told once for each request that has to be sent again. */
  readonly onWait?: () => void;
}

/**
 * Asks again while nobody answers, or somebody answers that the one behind does not: a part of the
 * stack that has died is back after a moment. All that the demo asks for can be asked for twice.
 */
export function patientFetch(options: Patience = {}): typeof globalThis.fetch {
  const { fetch = globalThis.fetch, onWait } = options;
  return async (input, init) => {
    const deadline = Date.now() + (options.patienceMs ?? patienceMs);
    for (let attempt = 0;; attempt++) {
      const pauseMs = pausesMs[Math.min(attempt, pausesMs.length - 1)] ?? 0;
      const isLast = Date.now() + pauseMs > deadline || init?.signal?.aborted;
      try {
        const response = await fetch(input, init);
        if (response.status < 500 || isLast) return response;
        await response.body?.cancel();
      } catch (error) {
        if (isLast) throw error;
      }
      if (attempt === 0) onWait?.();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
}

/** What the edge runtime offers to code that outlives its request; other runtimes may lack it. */
interface EdgeGlobals {
  EdgeRuntime?: { waitUntil(work: Promise<unknown>): void };
}

/** Keeps the isolate after the response until `work` is over. */
export function keepAlive(work: Promise<unknown>): void {
  (globalThis as EdgeGlobals).EdgeRuntime?.waitUntil(work);
}

/** Calls `farewell` when the platform is about to end the isolate, whatever the reason. */
export function onUnload(farewell: () => Promise<unknown>): void {
  addEventListener("beforeunload", () => keepAlive(farewell()));
}

/**
 * What nobody awaited or caught would end the process, and with it all jobs that run there; of whose
 * handler it is, nothing tells. `say` is told instead.
 */
export function onUncaught(say: (error: unknown) => void): void {
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    say(event.reason);
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    say(event.error);
  });
}

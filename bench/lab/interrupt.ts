/** Ctrl-C ends a benchmark, after what it has made is taken away. */
export function onInterrupt(cleanUp: () => Promise<unknown>): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => cleanUp().finally(() => Deno.exit(130)));
  }
}

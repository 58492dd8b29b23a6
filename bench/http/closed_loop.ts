/** What a load of calls came to. */
export interface Load {
  /** Milliseconds of each call, in the order of their ends. */
  readonly latencies: number[];
  readonly perSecond: number;
}

/** Makes `count` calls from so many clients, each of which waits for an answer before it asks again. */
export async function closedLoop(
  { clients, count }: { clients: number; count: number },
  call: () => Promise<unknown>,
): Promise<Load> {
  const latencies: number[] = [];
  let left = count;
  const client = async () => {
    while (left-- > 0) {
      const asked = performance.now();
      await call();
      latencies.push(performance.now() - asked);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  return { latencies, perSecond: count / (performance.now() - started) * 1000 };
}

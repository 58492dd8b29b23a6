import { busyMs } from "../scale/busy.ts";
import { percentile } from "../statistics.ts";

/** What one call took, in milliseconds. */
export interface Taken {
  readonly ms: number;
  /** Of the database's backend alone: what a busy machine does not change. */
  readonly cpuMs: number;
}

/** One line of the answer, in milliseconds. */
export interface Line {
  readonly name: string;
  readonly p50: number;
  readonly p95: number;
  readonly cpuP50: number;
  readonly cpuP95: number;
  /** What p95 is to stay under. */
  readonly limit: number;
}

/** Times a call whose statements run in the backend with this process id. */
export async function take(pid: number, call: () => Promise<unknown>): Promise<Taken> {
  const [before, started] = [await busyMs(pid), performance.now()];
  await call();
  const ms = performance.now() - started;
  return { ms, cpuMs: await busyMs(pid) - before };
}

/** What the calls of one kind add up to. */
export function lineOf(name: string, taken: readonly Taken[], limit: number): Line {
  const [times, cpuTimes] = [taken.map(({ ms }) => ms), taken.map(({ cpuMs }) => cpuMs)];
  return {
    name,
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
    cpuP50: percentile(cpuTimes, 0.5),
    cpuP95: percentile(cpuTimes, 0.95),
    limit,
  };
}

import type { Cost } from "../lab/backend.ts";
import { percentile } from "../statistics.ts";

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

/** What the calls of one kind add up to. */
export function lineOf(name: string, costs: readonly Cost[], limit: number): Line {
  const [times, cpuTimes] = [costs.map(({ ms }) => ms), costs.map(({ cpuMs }) => cpuMs)];
  return {
    name,
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
    cpuP50: percentile(cpuTimes, 0.5),
    cpuP95: percentile(cpuTimes, 0.95),
    limit,
  };
}

import { spreadOf } from "../statistics.ts";
import { type Backend, type Cost, costOf } from "../lab/backend.ts";
import type { Measure } from "./measures.ts";

/** What a line of the report may grow by from the first size to the last. */
const mostGrowth = 1.5;
/** Goes that only make plans and fill caches. */
const warmUp = 8;

/** One measure at every size: the medians of its goes. */
export interface Line {
  readonly name: string;
  readonly limitMs: number;
  readonly times: readonly number[];
  /** CPU time at the last size against the first, on a machine of the same pace. */
  readonly growth: number;
  readonly verdict: "ok" | "too slow" | "grows";
}

/** What a measure took at one size, and what the machine took at the same time for always the same. */
export interface Taken extends Cost {
  readonly paceMs: number;
}

/** The medians of enough goes, after some that do not count. */
export async function take(backend: Backend, measure: Measure, quick: boolean): Promise<Taken> {
  const samples: Taken[] = [];
  for (let go = -Math.min(warmUp, measure.goes / 3); go < measure.goes; go++) {
    const sample = await measure.run(backend, quick);
    const taken = { ...sample, paceMs: await paceMs(backend) };
    if (go >= 0) samples.push(taken);
  }
  const median = (of: keyof Taken) => spreadOf(samples.map((sample) => sample[of])).median;
  return { ms: median("ms"), cpuMs: median("cpuMs"), paceMs: median("paceMs") };
}

/**
 * CPU time of work that no table has a part in: a CPU is slower when its neighbour is busy. Long
 * enough that three of them have a median worth dividing by.
 */
async function paceMs({ sql, pid }: Backend): Promise<number> {
  const { cpuMs } = await costOf(
    pid,
    () => sql`select sum(length(md5(n::text))) from generate_series(1, 20000) as n`,
  );
  return cpuMs;
}

/** Judges a measure by what it took at each size; growth is counted in the machine's own pace. */
export function lineOf(
  { name, limitMs }: Pick<Measure, "name" | "limitMs">,
  taken: readonly Taken[],
): Line {
  const [first, last] = [taken[0]!, taken.at(-1)!];
  const growth = last.cpuMs / last.paceMs / (first.cpuMs / first.paceMs);
  const times = taken.map(({ ms }) => ms);
  const verdict = first.ms > limitMs ? "too slow" : growth > mostGrowth ? "grows" : "ok";
  return { name, limitMs, times, growth, verdict };
}

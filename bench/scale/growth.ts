import { spreadOf } from "../statistics.ts";
import type { Measure, Sample, Session } from "./measures.ts";

/** What a line of the report may grow by from the first size to the last. */
const mostGrowth = 1.5;
/** Goes that only make plans and fill caches. */
const warmUp = 8;

/** One measure at every size: the medians of its goes. */
export interface Line {
  readonly name: string;
  readonly limitMs: number;
  readonly times: readonly number[];
  /** CPU time at the last size against the first. */
  readonly growth: number;
  readonly verdict: "ok" | "too slow" | "grows";
}

/** The medians of enough goes, after some that do not count. */
export async function take(session: Session, measure: Measure, quick: boolean): Promise<Sample> {
  const samples: Sample[] = [];
  for (let go = -Math.min(warmUp, measure.goes / 3); go < measure.goes; go++) {
    const sample = await measure.run(session, quick);
    if (go >= 0) samples.push(sample);
  }
  return {
    ms: spreadOf(samples.map(({ ms }) => ms)).median,
    cpuMs: spreadOf(samples.map(({ cpuMs }) => cpuMs)).median,
  };
}

/** Judges a measure by what it took at each size. */
export function lineOf(
  { name, limitMs }: Pick<Measure, "name" | "limitMs">,
  samples: readonly Sample[],
): Line {
  const growth = samples.at(-1)!.cpuMs / samples[0]!.cpuMs;
  const times = samples.map(({ ms }) => ms);
  const verdict = times[0]! > limitMs ? "too slow" : growth > mostGrowth ? "grows" : "ok";
  return { name, limitMs, times, growth, verdict };
}

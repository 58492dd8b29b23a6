import type { Lab } from "../lab/lab.ts";
import type { Contender } from "../queues/contenders.ts";
import { type Drained, runDrain } from "./run_drain.ts";

/** Fills an empty queue and lets one worker process empty it: what the others are compared with. */
export async function loadAndDrain(
  lab: Lab,
  contender: Contender,
  count: number,
  limitMs: number,
): Promise<Drained> {
  const client = await lab.client(contender);
  await client.ask("clear", {});
  await client.ask("load", { first: 0, pending: count, finished: 0 });
  return await runDrain(lab, contender, { numbers: count, count, processes: 1, limitMs });
}

/** The share of the speed that is lost; below zero when it got faster. */
export function loss(undisturbed: Drained, disturbed: Drained): number {
  return 1 - disturbed.jobsPerSecond / undisturbed.jobsPerSecond;
}

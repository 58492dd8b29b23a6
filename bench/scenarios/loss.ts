import type { Drained } from "./run_drain.ts";
import type { Figures } from "./scenario.ts";

/**
 * What a hindrance costs: two drains of the same size, one right after the other, of which every
 * other round begins with the other. Each with jobs enough to be compared.
 */
export async function measureLoss(
  name: string,
  round: number,
  { plain, hindered }: { plain: () => Promise<Drained>; hindered: () => Promise<Drained> },
): Promise<Figures> {
  const first = await (round % 2 === 0 ? plain : hindered)();
  const second = await (round % 2 === 0 ? hindered : plain)();
  const [free, held] = round % 2 === 0 ? [first, second] : [second, first];
  return {
    [`${name}_plain_drain`]: free.jobsPerSecond,
    [`${name}_drain`]: held.jobsPerSecond,
    [`${name}_loss`]: 1 - held.jobsPerSecond / free.jobsPerSecond,
    ...cpuGrowth(name, free, held),
  };
}

/** How much more CPU a job takes, all in all: others at work on the machine hardly change that. */
function cpuGrowth(name: string, free: Drained, held: Drained): Figures {
  const [before, after] = [cpuPerJob(free), cpuPerJob(held)];
  return before === null || after === null ? {} : { [`${name}_cpu_growth`]: after / before - 1 };
}

function cpuPerJob({ databaseCpuMicrosPerJob, workerCpuMicrosPerJob }: Drained): number | null {
  return databaseCpuMicrosPerJob === null ? null : databaseCpuMicrosPerJob + workerCpuMicrosPerJob;
}

import type { Contender } from "../queues/contenders.ts";
import { sum } from "../statistics.ts";
import type { Drained } from "./run_drain.ts";
import type { Figures } from "./scenario.ts";

/**
 * What a hindrance costs: drains of the same size, one without and one with it; in every other round
 * the other way about. There and back (without, with, with, without) where the ratios need it, so that
 * a machine which gets slower or quicker meanwhile does so to both alike. Each with jobs enough to be
 * compared.
 */
export async function measureLoss(
  name: string,
  round: number,
  isThereAndBack: boolean,
  drains: { plain: () => Promise<Drained>; hindered: () => Promise<Drained> },
): Promise<Figures> {
  const [outer, inner] = round % 2 === 0
    ? ["plain", "hindered"] as const
    : ["hindered", "plain"] as const;
  const done: Record<"plain" | "hindered", Drained[]> = { plain: [], hindered: [] };
  for (const which of isThereAndBack ? [outer, inner, inner, outer] : [outer, inner]) {
    done[which].push(await drains[which]());
  }
  const [free, held] = [meanOf(done.plain), meanOf(done.hindered)];
  return {
    [`${name}_plain_drain`]: free.jobsPerSecond,
    [`${name}_drain`]: held.jobsPerSecond,
    [`${name}_loss`]: 1 - held.jobsPerSecond / free.jobsPerSecond,
    ...(free.cpuPerJob !== null && held.cpuPerJob !== null && {
      // Others at work on the machine hardly change that.
      [`${name}_cpu_growth`]: held.cpuPerJob / free.cpuPerJob - 1,
    }),
  };
}

/** Drains as one; all CPU that a job takes, or null where the system does not tell. */
function meanOf(drains: Drained[]): { jobsPerSecond: number; cpuPerJob: number | null } {
  const cpu = drains.map(({ databaseCpuMicrosPerJob, workerCpuMicrosPerJob }) =>
    databaseCpuMicrosPerJob === null ? null : databaseCpuMicrosPerJob + workerCpuMicrosPerJob
  );
  return {
    jobsPerSecond: mean(drains.map(({ jobsPerSecond }) => jobsPerSecond)),
    cpuPerJob: cpu.every((one) => one !== null) ? mean(cpu) : null,
  };
}

function mean(numbers: number[]): number {
  return sum(numbers) / numbers.length;
}

/** Of losses, only ours are asked for; a peer's is for orientation. */
export function entersRatios({ system }: Contender): boolean {
  return system === "streamvibe";
}

import { ProcessTable, ticksToMs } from "./processes.ts";

/** CPU time in milliseconds. */
export interface CpuTimes {
  /** Of the database server and all its backends, those that have ended included. */
  readonly database: number;
  /** Of the benchmark with everything it started, the database included. */
  readonly benchmark: number;
  /** Of the whole machine. */
  readonly machine: number;
}

/** Reads the clocks; null where the system does not tell (anything but Linux). */
export async function cpuTimes(databasePid: number): Promise<CpuTimes | null> {
  const processes = await ProcessTable.read();
  if (!processes) return null;
  return {
    database: processes.tree(databasePid),
    benchmark: processes.tree(Deno.pid),
    machine: await machineMs(),
  };
}

/** The share of all CPU work between two readings that was none of ours. */
export function shareOfOthers(before: CpuTimes, after: CpuTimes): number {
  const all = after.machine - before.machine;
  return all > 0 ? Math.max(0, 1 - (after.benchmark - before.benchmark) / all) : 0;
}

async function machineMs(): Promise<number> {
  const machine = (await Deno.readTextFile("/proc/stat")).split("\n")[0]!.split(/\s+/).slice(1);
  const [user, nice, system, , , irq, softirq] = machine.map(Number);
  return ticksToMs(user! + nice! + system! + irq! + softirq!);
}

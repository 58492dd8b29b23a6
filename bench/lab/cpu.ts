/** Jiffies a second; the kernel's constant on every platform Deno runs on. */
const ticksPerSecond = 100;

/** CPU time in milliseconds; null where the system does not tell (anything but Linux). */
export interface CpuTimes {
  /** Of the database server and all its backends, those that have ended included. */
  readonly database: number;
  /** Of the benchmark with everything it started, the database included. */
  readonly benchmark: number;
  /** Of the whole machine. */
  readonly machine: number;
}

interface ProcessTimes {
  readonly parent: number;
  readonly ticks: number;
}

/** Reads the clocks. */
export async function cpuTimes(databasePid: number): Promise<CpuTimes | null> {
  if (Deno.build.os !== "linux") return null;
  const processes = new Map<number, ProcessTimes>();
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => null);
    if (stat) processes.set(Number(name), readStat(stat));
  }
  const machine = (await Deno.readTextFile("/proc/stat")).split("\n")[0]!.split(/\s+/).slice(1);
  const [user, nice, system, , , irq, softirq] = machine.map(Number);
  return {
    database: milliseconds(ticksBelow(processes, databasePid)),
    benchmark: milliseconds(ticksBelow(processes, Deno.pid)),
    machine: milliseconds(user! + nice! + system! + irq! + softirq!),
  };
}

/** The share of all CPU work between two readings that was none of ours. */
export function shareOfOthers(before: CpuTimes, after: CpuTimes): number {
  const all = after.machine - before.machine;
  return all > 0 ? Math.max(0, 1 - (after.benchmark - before.benchmark) / all) : 0;
}

/** Own time and that of children that were waited for. */
function readStat(stat: string): ProcessTimes {
  // The name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { parent: Number(fields[1]), ticks };
}

function ticksBelow(processes: Map<number, ProcessTimes>, root: number): number {
  let ticks = processes.get(root)?.ticks ?? 0;
  for (const [pid, { parent }] of processes) {
    if (parent === root) ticks += ticksBelow(processes, pid);
  }
  return ticks;
}

function milliseconds(ticks: number): number {
  return ticks * 1000 / ticksPerSecond;
}

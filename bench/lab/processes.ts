/** Jiffies a second; the kernel's constant on every platform Deno runs on. */
const ticksPerSecond = 100;

interface ProcessTimes {
  readonly parent: number;
  readonly ms: number;
}

/** The CPU time of every process at one moment, in milliseconds. Linux only. */
export class ProcessTable {
  private constructor(private readonly processes: ReadonlyMap<number, ProcessTimes>) {}

  /** Reads it; null where the system does not tell. */
  static async read(): Promise<ProcessTable | null> {
    if (Deno.build.os !== "linux") return null;
    const processes = new Map<number, ProcessTimes>();
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => null);
      if (stat) processes.set(Number(name), readStat(stat));
    }
    return new ProcessTable(processes);
  }

  /** Of one process and of its children that have ended. */
  own(pid: number): number {
    return this.processes.get(pid)?.ms ?? 0;
  }

  /** Of a process and of everything it started. */
  tree(root: number): number {
    let ms = this.own(root);
    for (const [pid, { parent }] of this.processes) {
      if (parent === root) ms += this.tree(pid);
    }
    return ms;
  }
}

/** Milliseconds of the kernel's ticks. */
export function ticksToMs(ticks: number): number {
  return ticks * 1000 / ticksPerSecond;
}

function readStat(stat: string): ProcessTimes {
  // The name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { parent: Number(fields[1]), ms: ticksToMs(ticks) };
}

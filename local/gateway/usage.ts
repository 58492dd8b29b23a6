/** What a process has used so far; null where /proc does not tell. */
export interface Usage {
  /** User and system time, in milliseconds. */
  readonly cpuMs: number;
  /** Memory that is its own: heap, buffers, stacks; not its program. */
  readonly ownBytes: number;
}

const tickMs = 10;
const pageBytes = 4096;

/** Reads what a process has used. */
export function usageOf(pid: number): Usage | null {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name before may hold spaces; these are fields 14 and 15 of the whole line.
    const [userTicks, systemTicks] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
    const [, resident, shared] = Deno.readTextFileSync(`/proc/${pid}/statm`).split(" ");
    return {
      cpuMs: (Number(userTicks) + Number(systemTicks)) * tickMs,
      ownBytes: (Number(resident) - Number(shared)) * pageBytes,
    };
  } catch {
    return null;
  }
}

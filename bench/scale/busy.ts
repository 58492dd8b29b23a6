/** How long a process has been on a CPU, in milliseconds; where nobody tells, the wall clock. */
export async function busyMs(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/schedstat`).catch(() => null);
  return stat === null ? performance.now() : Number(stat.split(" ")[0]) / 1e6;
}

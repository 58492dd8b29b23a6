/** Asks again every few milliseconds until the answer is yes; false when time ran out. */
export async function waitUntil(
  isTrue: () => Promise<boolean> | boolean,
  timeoutMs: number,
  everyMs = 25,
): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  while (!await isTrue()) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return true;
}

/**
 * True when a process lives and its command line names `mark`. Process ids are used again, so
 * nothing of ours is ever signalled by its number alone.
 */
export async function isRunning(pid: number, mark: string): Promise<boolean> {
  const command = await commandLine(pid);
  return command !== null && command.includes(mark);
}

/** Sends a signal to a process that may be gone already. */
export function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Processes whose command line has all these words. */
export async function processesNaming(
  ...words: string[]
): Promise<{ pid: number; command: string }[]> {
  const found: { pid: number; command: string }[] = [];
  for (const pid of await allPids()) {
    const command = await commandLine(pid) ?? "";
    if (words.every((word) => command.includes(word))) found.push({ pid, command });
  }
  return found;
}

async function allPids(): Promise<number[]> {
  if (Deno.build.os === "linux") {
    const entries = await Array.fromAsync(Deno.readDir("/proc"));
    return entries.map(({ name }) => Number(name)).filter(Number.isInteger);
  }
  const { stdout } = await new Deno.Command("ps", { args: ["-axo", "pid="] }).output();
  return new TextDecoder().decode(stdout).split("\n").map(Number).filter((pid) => pid > 0);
}

async function commandLine(pid: number): Promise<string | null> {
  if (Deno.build.os === "linux") {
    const state = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => null);
    if (state === null || /\) Z /.test(state)) return null;
    const words = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => null);
    return words?.replaceAll("\0", " ") ?? null;
  }
  const { success, stdout } = await new Deno.Command("ps", {
    args: ["-o", "command=", "-p", String(pid)],
    stderr: "null",
  }).output();
  return success ? new TextDecoder().decode(stdout) : null;
}

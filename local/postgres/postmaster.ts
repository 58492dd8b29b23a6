import { join } from "node:path";
import { isRunning, waitUntil } from "../stack/process.ts";

/** What a server writes about itself into its data folder. */
interface Postmaster {
  readonly pid: number;
  readonly ready: boolean;
}

/** Reads `postmaster.pid`; null when there is none (or only its first half yet). */
export async function readPostmaster(dataDir: string): Promise<Postmaster | null> {
  const text = await Deno.readTextFile(join(dataDir, "postmaster.pid")).catch(() => "");
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 0 ? { pid, ready: lines[7]?.trim() === "ready" } : null;
}

/**
 * Leaves a data folder that a new server can use, whatever happened to the last one: a server
 * that outlived its stack is stopped; a pid file that outlived its server, and whose pid may
 * since belong to some other program, is removed.
 */
export async function clearFormerServer(dataDir: string): Promise<void> {
  const former = await readPostmaster(dataDir);
  if (!former) return;
  if (!await isRunning(former.pid, dataDir)) {
    await Deno.remove(join(dataDir, "postmaster.pid")).catch(() => {});
    return;
  }
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    if (!await isRunning(former.pid, dataDir)) return;
    Deno.kill(former.pid, signal);
    await waitUntil(async () => !await isRunning(former.pid, dataDir), 3000);
  }
}

import { join } from "node:path";
import { readRegistry, registryIn } from "../gateway/function_registry.ts";
import { clearFormerServer } from "../postgres/postmaster.ts";
import { readStackFile } from "./info.ts";
import { repositoryRoot } from "./paths.ts";
import { isRunning, signal, waitUntil } from "./process.ts";
import { stackMark } from "./supervised_part.ts";

/**
 * Ends what a killed supervisor left running: parts that did not notice, functions of a killed
 * gateway, a PostgreSQL nobody holds. Call with the stack's lock in hand.
 */
export async function clearLeftovers(stackDir: string): Promise<void> {
  const former = await readStackFile(join(stackDir, "stack.json"));
  const parts = Object.values(former?.parts ?? {}).map(({ pid }) => pid);
  const functions = Object.values(await readRegistry(registryIn(stackDir))).map(({ pid }) => pid);
  await Promise.all([
    ...parts.map((pid) => end(pid, stackMark(stackDir))),
    ...functions.map((pid) => end(pid, repositoryRoot)),
  ]);
  await clearFormerServer(join(stackDir, "pgdata"));
  await Deno.remove(join(stackDir, "stack.json")).catch(() => {});
}

async function end(pid: number, mark: string): Promise<void> {
  for (const name of ["SIGTERM", "SIGKILL"] as const) {
    if (!await isRunning(pid, mark)) return;
    signal(pid, name);
    await waitUntil(async () => !await isRunning(pid, mark), 3000);
  }
}

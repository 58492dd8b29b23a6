import { join } from "node:path";
import { isRunning, signal } from "../stack/process.ts";

/** The processes that take a function's requests, by its name. */
export type LiveFunctions = Readonly<
  Record<string, { readonly pid: number; readonly port: number }>
>;

/** Where the gateway of a stack writes its functions' processes down. */
export function registryIn(stackDir: string): string {
  return join(stackDir, "functions.json");
}

/** Replaces what is written there, so that a reader never sees half of it. */
export function writeRegistry(path: string, live: LiveFunctions): void {
  Deno.writeTextFileSync(`${path}.draft`, JSON.stringify(live, null, 2) + "\n");
  Deno.renameSync(`${path}.draft`, path);
}

/** What is written there; nothing when there is no such file. */
export async function readRegistry(path: string): Promise<LiveFunctions> {
  try {
    return JSON.parse(await Deno.readTextFile(path)) as LiveFunctions;
  } catch {
    return {};
  }
}

/**
 * Ends function processes that a killed gateway left behind. Most leave by themselves when their
 * input closes; one that is stuck in a loop cannot.
 */
export async function endLeftFunctions(path: string, mark: string): Promise<void> {
  for (const { pid } of Object.values(await readRegistry(path))) {
    if (await isRunning(pid, mark)) signal(pid, "SIGKILL");
  }
  await Deno.remove(path).catch(() => {});
}

import { isRunning, signal } from "../stack/process.ts";

/**
 * Ends function processes that a killed gateway left behind. Most leave by themselves when their
 * input closes; one that is stuck in a loop cannot.
 */
export async function endLeftFunctions(registry: string, mark: string): Promise<void> {
  const text = await Deno.readTextFile(registry).catch(() => "{}");
  for (const { pid } of Object.values(parse(text))) {
    if (await isRunning(pid, mark)) signal(pid, "SIGKILL");
  }
  await Deno.remove(registry).catch(() => {});
}

function parse(text: string): Record<string, { pid: number }> {
  try {
    return JSON.parse(text) as Record<string, { pid: number }>;
  } catch {
    return {};
  }
}

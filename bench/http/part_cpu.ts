import { readRegistry, registryIn } from "../../local/gateway/function_registry.ts";
import type { StackInfo } from "../../local/stack/info.ts";
import { ProcessTable } from "../lab/processes.ts";

/** CPU milliseconds by who burnt them: the benchmark's clients, the stack's parts, its functions. */
export type PartCpu = Readonly<Record<string, number>>;

/** Reads them; null where the system does not tell. */
export async function readPartCpu(stack: StackInfo): Promise<PartCpu | null> {
  const table = await ProcessTable.read();
  if (!table) return null;
  const cpu: Record<string, number> = { clients: table.own(Deno.pid) };
  for (const [name, { pid }] of Object.entries(stack.parts)) {
    // The functions are the gateway's children, and have lines of their own.
    cpu[name] = name === "gateway" ? table.own(pid) : table.tree(pid);
  }
  for (const [name, { pid }] of Object.entries(await readRegistry(registryIn(stack.state_dir)))) {
    cpu[name] = table.tree(pid);
  }
  return cpu;
}

/** What each burnt between two readings for one of `count` calls; those that did nothing are left out. */
export function cpuPerCall(before: PartCpu, after: PartCpu, count: number): PartCpu {
  const perCall = Object.entries(after)
    .map(([name, ms]) => [name, (ms - (before[name] ?? 0)) / count] as const)
    .filter(([, ms]) => ms >= 0.05);
  return Object.fromEntries(perCall);
}

import { assertReachable } from "../../local/postgres/unprivileged.ts";
import { lockStack, type StackLock } from "../../local/stack/lock.ts";
import { makePrivateFolder, stackDirectory } from "../../local/stack/paths.ts";

/** The folder of the benchmarks, held by the one that runs: two would measure each other. */
export async function lockBenchmarks(): Promise<{ folder: string; lock: StackLock }> {
  const folder = await stackDirectory("bench");
  await makePrivateFolder(folder);
  await assertReachable(folder);
  const lock = await lockStack(folder);
  if (!lock) throw new Error("Another benchmark is running; wait until it has ended.");
  return { folder, lock };
}

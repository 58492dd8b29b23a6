import { join } from "node:path";
import { giveBack } from "../own_database/give_back.ts";
import { readOwnDatabase } from "../own_database/secrets_file.ts";
import { readStackFile } from "./info.ts";
import { clearLeftovers } from "./leftovers.ts";
import { isLocked, lockStack } from "./lock.ts";
import { stackDirectory } from "./paths.ts";
import { signal, waitUntil } from "./process.ts";

/**
 * Stops a stack by its supervisor's process id; true when it ran. What a killed supervisor left
 * behind is ended as well, so that afterwards nothing of the stack runs.
 */
export async function stopStack(name: string): Promise<boolean> {
  const stackDir = await stackDirectory(name);
  const ran = await isLocked(stackDir);
  if (ran) {
    const info = await readStackFile(join(stackDir, "stack.json"));
    if (!info) throw new Error(`The stack "${name}" is just being started; try again in a moment.`);
    signal(info.pid, "SIGTERM");
    if (!await waitUntil(async () => !await isLocked(stackDir), 10_000)) {
      throw new Error(`The stack "${name}" (pid ${info.pid}) did not stop within 10 seconds.`);
    }
  }
  await clearLeftoversOf(stackDir);
  return ran;
}

/** What a reset may do. */
export interface ResetOptions {
  /** The name of the database that was given to `--db-url`: what was made there goes only then. */
  readonly dropFrom?: string;
  readonly tell?: (line: string) => void;
}

/**
 * Stops a stack and deletes its data: only that of this name. False when the data is in somebody's
 * database and nobody said that it may go from there.
 */
export async function resetStack(name: string, options: ResetOptions = {}): Promise<boolean> {
  await stopStack(name);
  const stackDir = await stackDirectory(name);
  const database = await readOwnDatabase(stackDir);
  if (database) {
    const { dropFrom: confirmed = null, tell = () => {} } = options;
    const claimant = { stack: name, folder: stackDir };
    if (!await giveBack(database, claimant, { confirmed, tell })) return false;
  }
  await Deno.remove(stackDir, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  return true;
}

async function clearLeftoversOf(stackDir: string): Promise<void> {
  const lock = await lockStack(stackDir).catch(() => null);
  if (!lock) return;
  await clearLeftovers(stackDir);
  lock.release();
}

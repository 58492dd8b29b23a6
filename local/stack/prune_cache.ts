import { join } from "node:path";
import { cacheRoot } from "./paths.ts";

/** What nobody has started from for so long is built anew when it is needed again. */
const keptDays = 30;
/** Half-built things whose builder died. */
const draftDays = 1;

const dayMs = 24 * 60 * 60 * 1000;

/** Marks a folder of the cache as used today, so that it is kept. */
export async function markUsed(folder: string): Promise<void> {
  await Deno.utime(folder, new Date(), new Date()).catch(() => {});
}

/** Removes old servers and prepared clusters from the cache; answers with their names. */
export async function pruneCache(root = cacheRoot(), now = Date.now()): Promise<string[]> {
  const gone: string[] = [];
  for (const kind of ["clusters", "postgres"]) {
    for (const { name, mtime } of await folders(join(root, kind))) {
      const days = (now - mtime) / dayMs;
      if (days < (name.includes(".draft-") ? draftDays : keptDays)) continue;
      await Deno.remove(join(root, kind, name), { recursive: true }).catch(() => {});
      gone.push(`${kind}/${name}`);
    }
  }
  return gone.sort();
}

async function folders(path: string): Promise<{ name: string; mtime: number }[]> {
  const found: { name: string; mtime: number }[] = [];
  try {
    for await (const { name } of Deno.readDir(path)) {
      const info = await Deno.stat(join(path, name)).catch(() => null);
      if (info) found.push({ name, mtime: info.mtime?.getTime() ?? Date.now() });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

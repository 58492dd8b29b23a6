import { deepEqual } from "node:assert/strict";
import { join } from "node:path";
import { markUsed, pruneCache } from "./prune_cache.ts";

Deno.test("pruneCache() removes what nobody has started from for a month, and dead drafts", async () => {
  const root = await Deno.makeTempDir();
  const now = Date.now();
  const make = async (path: string, days: number) => {
    await Deno.mkdir(join(root, path, "bin"), { recursive: true });
    const when = new Date(now - days * 24 * 60 * 60 * 1000);
    await Deno.utime(join(root, path), when, when);
  };
  try {
    await make("postgres/old", 31);
    await make("postgres/used", 31);
    await make("clusters/new", 2);
    await make("clusters/new.draft-7", 2);
    await make("supabase-cli/old", 300);
    await markUsed(join(root, "postgres/used"));
    deepEqual(await pruneCache(root, now), ["clusters/new.draft-7", "postgres/old"]);
    deepEqual(await pruneCache(root, now), []);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

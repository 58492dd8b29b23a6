/** A worker that is told at any moment that its process ends. */
import assert from "node:assert/strict";
import { sleep } from "./clock.ts";
import type { MemoryRow } from "./memory_rows.ts";
import { memoryWorker, type NamedContext } from "./memory_worker.ts";
import { defaultOptions } from "./options.ts";

const MOST_MS = 200;
/** How long each call of the database takes. */
const CALL_MS = 4;

const ways: Record<string, (ctx: NamedContext) => Promise<null>> = {
  short: () => Promise.resolve(null),
  long: (ctx) => ctx.sleep(10_000).then(() => null),
  deaf: () => new Promise(() => {}),
  async steps(ctx) {
    for (let at = ctx.checkpoint?.at ?? 0; at < 9; at += 1) {
      ctx.progress(10 * at, `step ${at}`);
      ctx.log.info(`step ${at}`);
      await ctx.sleep(5);
      await ctx.saveCheckpoint({ at });
      if (ctx.remaining() === 0) ctx.yield({ at });
    }
    return null;
  },
  fails: (ctx) => ctx.sleep(7).then(() => Promise.reject(new Error("no"))),
};

/** What is told when, and what has not been given back or ended half a second later. */
async function endsAt(ms: number): Promise<string[]> {
  const { clock, store, worker, add, addCrashed } = memoryWorker(
    (ctx) => ways[ctx.params.name]!(ctx),
    { concurrency: 6, claim_batch: 2 },
  );
  store.delay = () => sleep(clock, CALL_MS);
  const rows: MemoryRow[] = [addCrashed("steps")];
  for (let n = 0; n < 3; n += 1) rows.push(...Object.keys(ways).map(add));
  worker.run();
  await clock.advance(ms);
  let isOver = false;
  worker.shutdown().then(() => isOver = true);
  await clock.advance(defaultOptions.unload_grace_ms + 200);
  assert.ok(isOver, `at ${ms} ms`);
  return rows.filter(({ status }) => status === "processing")
    .map(({ job }) => `${(job.params as { name: string }).name} at ${ms} ms`);
}

Deno.test("whenever its process is about to end, a worker leaves no job behind, and in time", async () => {
  for (let ms = 0; ms < MOST_MS; ms += 7) assert.deepEqual(await endsAt(ms), []);
});

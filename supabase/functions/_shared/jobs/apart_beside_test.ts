/** Several workers of one process that always have work: one of them gets the process to itself. */
import assert from "node:assert/strict";
import { memoryWorker, type NamedContext } from "./memory_worker.ts";
import { Processor } from "./processor.ts";

const CONCURRENCY = 2;
/** As long as a worker makes others wait for, and a little. */
const SOON_MS = 15_000;

/** As many workers as asked for in one process; the short jobs never come to an end. */
async function setUp(workers: number) {
  const running = new Set<string>();
  const met = new Map<string, string[]>();
  const stopped: string[] = [];
  let isBusy = true;
  const world = memoryWorker(async (ctx: NamedContext) => {
    const { name } = ctx.params;
    const [what, ms] = name.split(" ") as [string, string];
    met.set(name, [...running]);
    running.add(name);
    await ctx.sleep(Number(ms)).catch(() => stopped.push(name));
    running.delete(name);
    if (what === "short" && isBusy) world.add(name);
    return null;
  }, { concurrency: CONCURRENCY, budget_ms: 120_000 });
  let lives = 0;
  const processor = new Processor(
    (isAlone, retireOthers) => world.open({ id: `worker-${lives += 1}`, isAlone, retireOthers }),
    (error) => assert.fail(String(error)),
  );
  for (let n = 0; n < workers * CONCURRENCY + 3; n += 1) world.add(`short ${500 + n}`);
  for (let n = 0; n < workers; n += 1) {
    assert.equal(processor.ring().outcome, "started");
    await world.clock.advance(100);
  }
  const calm = () => isBusy = false;
  return { ...world, processor, running, met, stopped, calm };
}

Deno.test("what has crashed waits no longer where several workers in a process always have work", async () => {
  const { clock, processor, running, met, addCrashed, calm } = await setUp(3);
  await clock.advance(1_000);
  assert.equal(running.size, 3 * CONCURRENCY);
  addCrashed("crashed 100");
  await clock.advance(SOON_MS);
  assert.deepEqual(met.get("crashed 100"), []);
  assert.equal(processor.ring().outcome, "started", "then there may be several again");
  calm();
  await processor.unload();
});

Deno.test("a worker that leaves the process to another one lets its jobs come to their end", async () => {
  const { clock, processor, met, stopped, add, addCrashed, calm } = await setUp(1);
  add("long 40000");
  add("long 40001");
  await clock.advance(1_500);
  processor.ring();
  await clock.advance(1_500);
  addCrashed("crashed 100");
  await clock.advance(60_000);
  assert.deepEqual(met.get("crashed 100"), []);
  assert.deepEqual(stopped, []);
  calm();
  await processor.unload();
});

Deno.test("unless it is told to drain meanwhile", async () => {
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    await ctx.sleep(90_000);
    return null;
  });
  const { job } = add();
  worker.run();
  await clock.advance(100);
  worker.retire();
  await clock.advance(20_000);
  assert.equal(store.row(job.id).status, "processing");
  store.drain = true;
  await clock.advance(15_000);
  assert.equal(store.row(job.id).status, "pending");
});

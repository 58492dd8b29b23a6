import assert from "node:assert/strict";
import { memoryWorker, type NamedContext } from "./memory_worker.ts";
import { Processor } from "./processor.ts";

Deno.test("drained() waits for what one of several workers leaves to another, and counts it", async () => {
  const world = memoryWorker(async (ctx: NamedContext) => {
    const { name } = ctx.params;
    await ctx.sleep(name === "parent" ? 1_000 : name === "child" ? 6_000 : 500);
    if (name === "parent") {
      world.add("child");
      await ctx.sleep(2_000);
    }
    return null;
  }, { concurrency: 1 });
  const { add, clock, open } = world;
  let lives = 0;
  const processor = new Processor(
    (isAlone) => open({ id: `worker-${lives += 1}`, isAlone }),
    (error) => assert.fail(String(error)),
  );
  add("short");
  processor.ring();
  await clock.advance(100);
  add("parent");
  assert.equal(processor.ring().outcome, "started");

  let isOver = false;
  const drained = processor.drained().finally(() => isOver = true);
  await clock.advance(5_000);
  assert.equal(isOver, false, "the child runs");
  await clock.advance(5_000);

  assert.equal(isOver, true);
  const { claimed, completed } = await drained;
  assert.deepEqual({ claimed, completed }, { claimed: 2, completed: 3 });
  await processor.unload();
});

Deno.test("whenever a ring comes, also while the worker is about to leave, its job is done soon", async () => {
  for (let at = 4_900; at < 8_000; at += 100) {
    const { add, clock, open, store } = memoryWorker(() => Promise.resolve(null));
    // What is seen in between: a database that takes its time.
    const { wakeUp } = store;
    const wakeUpLate = async () => {
      await new Promise<void>((resolve) => clock.after(300, resolve));
      return await wakeUp();
    };
    Object.assign(store, { wakeUp: wakeUpLate });
    let lives = 0;
    const processor = new Processor(
      (isAlone) => open({ id: `worker-${lives += 1}`, isAlone }),
      (error) => assert.fail(String(error)),
    );
    processor.ring();
    await clock.advance(at);
    const { job } = add();
    processor.ring();
    const drained = processor.drained();
    await clock.advance(2_000);
    assert.equal(store.row(job.id).status, "completed", `after ${at} ms`);
    assert.equal((await drained).completed, 1, `after ${at} ms`);
    await clock.runUntil(processor.unload());
  }
});

Deno.test("a ring that comes while a worker that crashed signs off starts the next one", async () => {
  const { add, clock, open, store } = memoryWorker(() => Promise.resolve(null));
  const { claim } = store;
  store.unregister = () => new Promise((resolve) => clock.after(500, resolve));
  store.claim = () => {
    throw new Error("broken");
  };
  let lives = 0;
  const crashes: unknown[] = [];
  const processor = new Processor(
    (isAlone) => open({ id: `worker-${lives += 1}`, isAlone }),
    (error) => crashes.push(error),
  );
  processor.ring();
  await clock.advance(100);
  store.claim = claim;
  const { job } = add();
  assert.equal(processor.ring().outcome, "started");
  const drained = processor.drained();
  await clock.advance(1_000);
  assert.equal((await drained).completed, 1);
  assert.equal(store.row(job.id).status, "completed");
  assert.equal(crashes.length, 1);
  await clock.runUntil(processor.unload());
});

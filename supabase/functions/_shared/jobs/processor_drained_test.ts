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

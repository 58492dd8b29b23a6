/** How a worker ends: out of budget, unloaded, drained, or with nothing left to do. */
import assert from "node:assert/strict";
import { deaf, memoryWorker, untilAborted } from "./memory_worker.ts";

Deno.test("a handler that heeds remaining() yields with its checkpoint, and the doorbell rings", async () => {
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    for (let at = (ctx.checkpoint?.at ?? 0) + 1;; at += 1) {
      await ctx.sleep(1_000);
      if (ctx.remaining() === 0) ctx.yield({ at });
    }
  }, { budget_ms: 20_000 });
  const row = add();
  const life = worker.run();
  await clock.advance(11_500);
  assert.equal(row.status, "pending");
  assert.deepEqual(row.checkpoint, { at: 10 });
  await clock.advance(20_000);
  assert.equal((await life).yielded, 1);
  assert.equal(store.rings, 1);
});

Deno.test("a handler that ignores its budget is aborted, then left behind; no failure is counted", async () => {
  for (const handler of [untilAborted, deaf]) {
    const { clock, store, worker, add } = memoryWorker(handler, { budget_ms: 20_000 });
    const row = add();
    const life = worker.run();
    await clock.advance(19_000);
    assert.equal(row.status, "processing");
    await clock.advance(7_000);
    assert.equal(row.status, "pending");
    assert.equal(row.failure, undefined);
    assert.equal((await life).yielded, 1);
    assert.equal(store.rings, 1);
  }
});

Deno.test("what a left-behind handler does later is not written", async () => {
  let late: unknown;
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    await new Promise<void>((resolve) => clock.after(60_000, resolve));
    await ctx.saveCheckpoint({ at: 99 }).catch((error) => late = error);
    return { ok: true };
  }, { budget_ms: 20_000 });
  const row = add();
  worker.run();
  await clock.advance(90_000);
  assert.equal((late as Error).name, "JobAborted");
  assert.equal(row.checkpoint, null);
  assert.equal(store.calls.includes("checkpoint"), false);
});

Deno.test("unloading stops handlers, gives their jobs back at once and rings for another worker", async () => {
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    try {
      await untilAborted(ctx);
    } catch (error) {
      assert.equal((error as { reason?: string }).reason, "shutdown");
      ctx.yield({ at: 5 });
    }
    return { ok: true };
  });
  const [row, other] = [add(), add()];
  const life = worker.run();
  await clock.advance(1_000);
  worker.shutdown();
  await clock.advance(50);
  assert.deepEqual([row.status, other.status], ["pending", "pending"]);
  assert.deepEqual(row.checkpoint, { at: 5 });
  assert.equal((await life).yielded, 2);
  assert.equal(store.rings, 1);
});

Deno.test("unloading does not wait for a handler that hears nothing", async () => {
  const { clock, worker, add } = memoryWorker(deaf);
  const row = add();
  worker.run();
  await clock.advance(1_000);
  worker.shutdown();
  await clock.advance(400);
  assert.equal(row.status, "pending");
});

Deno.test("a worker told to drain finishes what it has, takes nothing new, and rings nobody", async () => {
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    await ctx.sleep(4_000);
    return { ok: true };
  });
  const row = add();
  const life = worker.run();
  await clock.advance(500);
  store.drain = true;
  await clock.advance(2_000);
  const later = add();
  await clock.advance(10_000);
  assert.equal((await life).completed, 1);
  assert.deepEqual([row.status, later.status, store.rings], ["completed", "pending", 0]);
  assert.equal(store.beats.at(-1)!.capacity, 0);
});

Deno.test("work that arrives between the goodbye and the last look is still taken", async () => {
  const { clock, store, worker, add } = memoryWorker(() => Promise.resolve({ ok: true }));
  const unregister = store.unregister.bind(store);
  let row: ReturnType<typeof add> | undefined;
  store.unregister = async () => {
    row ??= add();
    await unregister();
  };
  const life = worker.run();
  await clock.advance(30_000);
  assert.equal(row!.status, "completed");
  assert.equal((await life).completed, 1);
});

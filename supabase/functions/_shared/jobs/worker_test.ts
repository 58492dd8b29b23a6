import assert from "node:assert/strict";
import { sleep } from "./clock.ts";
import { memoryWorker, untilAborted } from "./memory_worker.ts";

Deno.test("a worker claims in one batch, runs together, settles in one batch, and leaves", async () => {
  const { clock, store, worker, lines, add } = memoryWorker(() => Promise.resolve({ ok: true }));
  for (let n = 0; n < 8; n += 1) add();
  const life = worker.run();
  await clock.advance(10);
  assert.ok([...store.rows.values()].every((row) => row.status === "completed"));
  assert.equal(store.calls.filter((call) => call.startsWith("complete")).join(), "complete 8");
  assert.equal(store.calls.filter((call) => call === "progress").length, 0);
  await clock.advance(20_000);
  assert.equal((await life).completed, 8);
  assert.equal(store.calls.at(-1), "unregister");
  assert.equal(store.rings, 0);
  const line = lines.find((line) => line.message === "job")!;
  assert.deepEqual(
    [line.job_type, line.attempt, line.outcome, typeof line.job_id, typeof line.duration_ms],
    ["test_job", 1, "completed", "string", "number"],
  );
});

Deno.test("a handler that takes its time shows a first progress right after the claim", async () => {
  const { clock, worker, add } = memoryWorker(untilAborted);
  const row = add();
  worker.run();
  await clock.advance(100);
  assert.deepEqual(row.progress, [{ percent: 1, message: "Starting" }]);
});

Deno.test("each job says so a moment after its own start, and one that is over by then never does", async () => {
  const { clock, worker, add } = memoryWorker(async (ctx) => {
    await ctx.sleep(ctx.params.name === "short" ? 10 : 1_000);
    return { ok: true };
  });
  const first = [add("long"), add("short")];
  worker.run();
  await clock.advance(15);
  const second = [add("long"), add("short")];
  await clock.advance(10);
  assert.deepEqual(first.map(({ progress }) => progress.length), [1, 0]);
  assert.deepEqual(second.map(({ progress }) => progress.length), [0, 0]);
  await clock.advance(15);
  assert.deepEqual(second.map(({ progress }) => progress), [
    [{ percent: 1, message: "Starting" }],
    [],
  ]);
});

Deno.test("a job that is over while its log is being written does not say that it starts", async () => {
  const { clock, store, worker, add } = memoryWorker((ctx) => {
    ctx.log.info("Done");
    return Promise.resolve({ ok: true });
  });
  store.addLogs = () => sleep(clock, 100).then(() => []);
  const row = add();
  worker.run();
  await clock.advance(200);
  assert.deepEqual([row.status, row.progress], ["completed", []]);
});

Deno.test("no more than `concurrency` jobs run at once, and a free slot is filled", async () => {
  let running = 0;
  let most = 0;
  const { clock, worker, add } = memoryWorker(async (ctx) => {
    most = Math.max(most, running += 1);
    await ctx.sleep(100);
    running -= 1;
    return { ok: true };
  }, { concurrency: 3 });
  for (let n = 0; n < 10; n += 1) add();
  const life = worker.run();
  await clock.advance(30_000);
  assert.equal((await life).completed, 10);
  assert.equal(most, 3);
});

Deno.test("new work is taken at once while the worker is awake", async () => {
  const { clock, worker, add } = memoryWorker(() => Promise.resolve({ ok: true }));
  worker.run();
  await clock.advance(3_000);
  const row = add();
  await clock.advance(1);
  assert.equal(row.status, "completed");
});

Deno.test("a parent holds no slot while its children run, and goes on when they have ended", async () => {
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    if (ctx.job.parent_job_id) {
      await ctx.sleep(1_000);
      return { ok: true };
    }
    if (ctx.checkpoint) return { ok: (await ctx.children()).completed === 2 };
    const children = ["a", "b"].map((name) => ({ job_type: "test_job", params: { name } }));
    await ctx.createChildren(children);
    return ctx.waitForChildren({ whenDone: "resume", checkpoint: { at: 1 } });
  }, { concurrency: 1 });
  const row = add("parent");
  const life = worker.run();
  await clock.advance(500);
  assert.deepEqual([row.status, store.childrenOf(row.job.id)[0]!.status], [
    "pending",
    "processing",
  ]);
  await clock.advance(30_000);
  assert.deepEqual([row.status, row.result], ["completed", { ok: true }]);
  const { waiting, completed, yielded } = await life;
  assert.deepEqual({ waiting, completed, yielded }, { waiting: 1, completed: 3, yielded: 0 });
});

Deno.test("a worker that stays full says so at once, and again when it has room", async () => {
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    await ctx.sleep(ctx.params.name === "short" ? 1_000 : 1_500);
    return { ok: true };
  }, { concurrency: 2, heartbeat_ms: 60_000 });
  add("short");
  add("long");
  const life = worker.run();
  await clock.advance(200);
  assert.deepEqual(store.beats.map(({ in_flight }) => in_flight), [0, 2]);
  await clock.advance(1_000);
  assert.deepEqual(store.beats.map(({ in_flight }) => in_flight), [0, 2, 1]);
  await clock.advance(60_000);
  await life;
});

Deno.test("a worker that is full and free again in no time makes no calls of it", async () => {
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    await ctx.sleep(20);
    return { ok: true };
  }, { concurrency: 2 });
  for (let n = 0; n < 200; n += 1) add();
  const life = worker.run();
  await clock.advance(10_000);
  assert.equal(await store.hasDueWork(), false);
  assert.ok(store.beats.length <= 6, `${store.beats.length} heartbeats`);
  await clock.advance(30_000);
  assert.equal((await life).completed, 200);
});

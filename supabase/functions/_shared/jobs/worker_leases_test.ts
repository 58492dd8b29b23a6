/** What a worker holds, by heartbeats, and how it learns that it holds it no more. */
import assert from "node:assert/strict";
import { memoryWorker, untilAborted } from "./memory_worker.ts";
import { claimedJob } from "./testing.ts";

Deno.test("a job whose lease was used up by its own claim does not make the heart race", async () => {
  const { clock, store, worker } = memoryWorker(untilAborted);
  store.add(claimedJob({ params: { name: "late" }, lease_ms: -2_000 }));
  let beats = 0;
  const { heartbeat } = store;
  store.heartbeat = (beat) => {
    // A heart that races stops the clock: this brings it to an end.
    return (beats += 1) > 100 ? Promise.reject(new Error("enough")) : heartbeat.call(store, beat);
  };
  worker.run();
  await clock.advance(3_000);
  assert.ok(beats > 1 && beats <= 12, `${beats} heartbeats in three seconds`);
});

Deno.test("one heartbeat holds all leases, and brings a cancel to its handler only", async () => {
  const { clock, store, worker, lines, add } = memoryWorker(untilAborted);
  const [one, two] = [add(), add()];
  const life = worker.run();
  await clock.advance(1_000);
  store.cancel(one.job.id);
  await clock.advance(3_000);
  assert.equal(store.beats.at(-1)!.leases.length, 1);
  assert.equal(lines.find((line) => line.message === "job")!.outcome, "cancelled");
  assert.equal(two.status, "processing");
  await worker.shutdown();
  assert.equal((await life).cancelled, 1);
});

Deno.test("a refused write stops the handler, and nothing of it is recorded", async () => {
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    await ctx.sleep(500);
    await ctx.saveCheckpoint({ at: 1 });
    return { ok: true };
  });
  const row = add();
  const life = worker.run();
  await clock.advance(100);
  store.steal(row.job.id);
  await clock.advance(30_000);
  assert.equal((await life).lost, 1);
  assert.equal(row.checkpoint, null);
  assert.ok(!store.calls.some((call) => call.startsWith("complete") || call.startsWith("fail")));
});

Deno.test("a worker that is given its own lost job again runs it once, and settles the new attempt", async () => {
  let runs = 0;
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    runs += 1;
    await ctx.sleep(runs === 1 ? 60_000 : 3_000);
    return { ok: true };
  });
  const row = add();
  const life = worker.run();
  await clock.advance(100);
  store.steal(row.job.id);
  row.status = "pending";
  worker.nudge();
  await clock.advance(2_000);
  assert.deepEqual([runs, row.status], [2, "processing"]);
  await clock.advance(30_000);
  assert.equal(row.status, "completed");
  const counts = await life;
  assert.deepEqual([counts.completed, counts.lost], [1, 1]);
});

Deno.test("a heartbeat that found the old attempt lost does not stop the new one", async () => {
  let runs = 0;
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    runs += 1;
    await ctx.sleep(runs === 1 ? 60_000 : 3_000);
    return { ok: true };
  });
  const row = add();
  const life = worker.run();
  await clock.advance(100);
  const gate = Promise.withResolvers<void>();
  const heartbeat = store.heartbeat.bind(store);
  store.heartbeat = async (beat) => {
    await gate.promise;
    return await heartbeat(beat);
  };
  await clock.advance(2_000);
  store.steal(row.job.id);
  row.status = "pending";
  worker.nudge();
  await clock.advance(10);
  gate.resolve();
  await clock.advance(30_000);
  assert.deepEqual([runs, row.status], [2, "completed"]);
  assert.equal((await life).completed, 1);
});

Deno.test("progress() throws once the job was cancelled, for handlers that never wait", async () => {
  let thrown: unknown;
  const { clock, store, worker, add } = memoryWorker(async (ctx) => {
    for (let percent = 1;; percent += 1) {
      await new Promise<void>((resolve) => clock.after(100, resolve));
      try {
        ctx.progress(percent % 100);
      } catch (error) {
        thrown = error;
        throw error;
      }
    }
  });
  const row = add();
  const life = worker.run();
  await clock.advance(500);
  store.cancel(row.job.id);
  await clock.advance(20_000);
  assert.equal((thrown as Error).name, "JobAborted");
  assert.equal((await life).completed, 0);
});

Deno.test("while its heartbeat fails a worker claims nothing, and stops handlers at the lease's end", async () => {
  const { clock, store, worker, add } = memoryWorker(untilAborted);
  add();
  const life = worker.run();
  await clock.advance(1_000);
  store.down = new Error("the database is away");
  await clock.advance(20_000);
  const claims = store.calls.filter((call) => call === "claim").length;
  await clock.advance(5_000);
  assert.equal(store.calls.filter((call) => call === "claim").length, claims);
  await clock.advance(10_000);
  store.down = null;
  await clock.advance(20_000);
  assert.equal((await life).lost, 1);
});

Deno.test("an outcome that the database never takes does not keep a worker for ever", async () => {
  const { clock, store, worker, add } = memoryWorker(() => Promise.resolve({ ok: true }));
  const row = add();
  store.complete = () => Promise.reject(new Error("internal error"));
  const life = worker.run();
  await clock.advance(50_000);
  assert.ok(store.beats.at(-1)!.leases.length === 1, "its lease is kept meanwhile");
  await clock.advance(60_000);
  assert.equal((await life).lost, 1);
  assert.equal(row.status, "processing");
});

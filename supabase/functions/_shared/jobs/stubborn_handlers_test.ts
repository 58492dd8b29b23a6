/** Handlers that go on when they have ended, or do not when they are told to stop. */
import assert from "node:assert/strict";
import { sleep } from "./clock.ts";
import { memoryWorker, type NamedContext } from "./memory_worker.ts";
import { defaultOptions } from "./options.ts";
import { Strays } from "./strays.ts";

const deaf = () => new Promise<never>(() => {});

const deafOrNot = ({ params }: NamedContext) =>
  params.name === "deaf" ? deaf() : Promise.resolve(null);

Deno.test("a handler that leaves something running, which reports for ever, ends all the same", async () => {
  let stopped: unknown;
  const { clock, store, worker, add } = memoryWorker((ctx) => {
    let reports = 0;
    const report = () => {
      try {
        ctx.progress(50, `report ${reports += 1}`);
        clock.after(30, report);
      } catch (error) {
        stopped = error;
      }
    };
    report();
    return Promise.resolve(null);
  });
  store.saveProgress = () => sleep(clock, 70).then(() => true);
  const row = add("job");
  worker.run();
  await clock.advance(500);
  assert.equal(row.status, "completed");
  assert.equal((stopped as Error).name, "JobAborted");
  await worker.shutdown();
});

Deno.test("unloading cuts the time of a handler that was told to stop before", async () => {
  const budget_ms = 20_000;
  const { clock, worker, add } = memoryWorker(deaf, { budget_ms });
  const row = add("deaf");
  const life = worker.run();
  await clock.advance(budget_ms + 500);
  assert.equal(row.status, "processing", "it was told when its slice was over");
  worker.shutdown();
  await clock.advance(defaultOptions.unload_grace_ms + 100);
  assert.equal(row.status, "pending");
  assert.deepEqual([(await life).yielded, (await life).lost], [1, 0]);
});

Deno.test("nor does unloading record anything of a job that was cancelled before", async () => {
  const { clock, store, worker, add } = memoryWorker(deaf);
  const row = add("deaf");
  const life = worker.run();
  await clock.advance(1_000);
  store.cancel(row.job.id);
  await clock.advance(defaultOptions.heartbeat_ms);
  worker.shutdown();
  await clock.advance(defaultOptions.unload_grace_ms + 100);
  assert.deepEqual([row.status, (await life).cancelled], ["cancelled", 1]);
});

Deno.test("what has crashed does not run beside a handler that was left behind", async () => {
  const release = Promise.withResolvers<null>();
  const started: string[] = [];
  const { clock, store, worker, add, addCrashed } = memoryWorker((ctx) => {
    started.push(ctx.params.name);
    return ctx.params.name === "deaf" ? release.promise : Promise.resolve(null);
  });
  const row = add("deaf");
  worker.run();
  await clock.advance(1_000);
  store.cancel(row.job.id);
  await clock.advance(defaultOptions.heartbeat_ms + defaultOptions.abort_grace_ms);
  assert.equal(store.beats.at(-1)!.in_flight, 0, "it is not held any more");
  addCrashed("crashed");
  for (let n = 0; n < 20; n += 1) {
    add(`other ${n}`);
    await clock.advance(1_000);
  }
  assert.deepEqual(started.filter((name) => !name.startsWith("other")), ["deaf"]);
  assert.equal(started.length, 21, "which keeps no other work waiting");
  release.resolve(null);
  await clock.advance(defaultOptions.heartbeat_ms);
  assert.ok(started.includes("crashed"));
  await worker.shutdown();
});

Deno.test("nor in the next life of its process, but it does not wait for ever", async () => {
  const { clock, store, open, add, addCrashed } = memoryWorker(deafOrNot, { budget_ms: 20_000 });
  const strays = new Strays(clock);
  const row = add("deaf");
  open({ strays }).run();
  await clock.advance(25_000);
  assert.deepEqual([strays.size, row.status], [1, "pending"]);
  store.cancel(row.job.id);
  const crashed = addCrashed("crashed");
  open({ strays }).run();
  await clock.advance(396_000);
  assert.equal(crashed.status, "pending");
  open({ strays }).run();
  await clock.advance(20_000);
  assert.equal(crashed.status, "completed");
});

Deno.test("other work is kept out for a while where a job that has crashed was left behind", async () => {
  const started: string[] = [];
  const { clock, store, worker, add, addCrashed } = memoryWorker((ctx) => {
    started.push(ctx.params.name);
    return deafOrNot(ctx);
  }, { linger_ms: 60_000 });
  const row = addCrashed("deaf");
  worker.run();
  await clock.advance(1_000);
  store.cancel(row.job.id);
  add("other");
  await clock.advance(defaultOptions.heartbeat_ms + defaultOptions.abort_grace_ms + 5_000);
  assert.deepEqual(started, ["deaf"]);
  await clock.advance(defaultOptions.crash_patience_ms - 5_000 + 300);
  assert.deepEqual(started, ["deaf", "other"]);
  await worker.shutdown();
});

import assert from "node:assert/strict";
import { z } from "zod";
import { createLogger } from "../log.ts";
import { defineJob } from "./define_job.ts";
import { MemoryStore } from "./memory_store.ts";
import { defaultOptions, type WorkerOptions } from "./options.ts";
import { claimedJob, FakeClock, noDb } from "./testing.ts";
import { Worker } from "./worker.ts";

/** A worker whose jobs take as long as they say, and what ran beside each of them. */
function setUp(changed: Partial<WorkerOptions> = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore(() => clock.now());
  const running = new Set<string>();
  const company = new Map<string, Set<string>>();
  const startedAt = new Map<string, number>();
  const job = defineJob({
    type: "test_job",
    params: z.object({ name: z.string(), ms: z.number() }),
    checkpoint: z.never(),
    result: z.null(),
    async run(ctx) {
      const { name, ms } = ctx.params;
      for (const other of running) company.get(other)!.add(name);
      company.set(name, new Set(running));
      startedAt.set(name, clock.now());
      running.add(name);
      await ctx.sleep(ms).finally(() => running.delete(name));
      return null;
    },
  });
  const worker = new Worker({
    id: "worker-1",
    store,
    jobs: [job],
    deps: {},
    db: noDb,
    clock,
    logger: createLogger({}, () => {}),
    options: { ...defaultOptions, ...changed },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  });
  const row = (name: string, ms: number) => claimedJob({ params: { name, ms } });
  const add = (name: string, ms = 5) => store.add(row(name, ms));
  const addCrashed = (name: string, ms = 5) => Object.assign(add(name, ms), { hasCrashed: true });
  const create = (name: string, ms = 5) => store.create(row(name, ms));
  return { clock, store, worker, company, startedAt, add, addCrashed, create };
}

Deno.test("a worker begins its life with what has crashed, and runs each alone", async () => {
  const { clock, store, worker, company, startedAt, add, addCrashed } = setUp();
  for (let n = 0; n < 20; n += 1) add(`job ${n}`, 50);
  addCrashed("crashed", 30);
  worker.run();
  await clock.advance(200);
  assert.equal(startedAt.get("crashed"), 0);
  assert.deepEqual([...company.get("crashed")!], []);
  assert.ok(Array.from(store.rows.values()).every(({ status }) => status === "completed"));
  await worker.shutdown();
});

Deno.test("an idle worker takes one after the other at once when it has heard of them", async () => {
  const { clock, worker, company, addCrashed } = setUp();
  worker.run();
  await clock.advance(100);
  const crashed = Array.from({ length: 10 }, (_, n) => addCrashed(`crashed ${n}`));
  await clock.advance(defaultOptions.heartbeat_ms + 200);
  assert.ok(crashed.every(({ status }) => status === "completed"));
  assert.ok(Array.from(company.values()).every(({ size }) => size === 0));
  await worker.shutdown();
});

Deno.test("what is announced or handed over meanwhile waits, and the database is told that there is no room", async () => {
  const { clock, store, worker, company, startedAt, add, addCrashed, create } = setUp();
  worker.run();
  await clock.advance(100);
  addCrashed("crashed", 5_000);
  await clock.advance(defaultOptions.heartbeat_ms);
  assert.ok(startedAt.has("crashed"));
  add("announced");
  create("handed over");
  await clock.advance(1_000);
  assert.deepEqual([store.beats.at(-1)!.capacity, store.beats.at(-1)!.in_flight], [1, 1]);
  assert.deepEqual([...startedAt.keys()], ["crashed"]);
  await clock.advance(4_100);
  assert.deepEqual([...startedAt.keys()].sort(), ["announced", "crashed", "handed over"]);
  assert.equal(company.get("crashed")!.size, 0);
  assert.equal(store.beats.at(-1)!.capacity, defaultOptions.concurrency);
  await worker.shutdown();
});

Deno.test("a worker that is never without work makes room for what has waited for long, now and then", async () => {
  const { clock, worker, company, startedAt, add, addCrashed } = setUp({ concurrency: 4 });
  let count = 0;
  const keepBusy = () => {
    while (count < clock.now() / 200 + 20) add(`job ${count++}`, 600 + count % 7 * 130);
    clock.after(1_000, keepBusy);
  };
  keepBusy();
  worker.run();
  await clock.advance(1_000);
  const crashed = [addCrashed("crashed 1", 2_000), addCrashed("crashed 2", 2_000)];
  await clock.advance(defaultOptions.crash_patience_ms - 1_000);
  assert.ok(!startedAt.has("crashed 1"), "others may have been without work");
  await clock.advance(4_000);
  assert.ok(startedAt.has("crashed 1"));
  await clock.advance(12_000);
  assert.ok(crashed.every(({ status }) => status === "completed"));
  assert.ok(crashed.every((_, n) => company.get(`crashed ${n + 1}`)!.size === 0));
  const pause = startedAt.get("crashed 2")! - startedAt.get("crashed 1")!;
  assert.ok(pause >= 4_000, "other work has had its turn in between");
  await worker.shutdown();
});

Deno.test("making room ends when it takes too long, and may take longer the next time", async () => {
  const { clock, worker, company, startedAt, add, addCrashed } = setUp({
    concurrency: 2,
    budget_ms: 200_000,
  });
  add("long", 45_000);
  worker.run();
  await clock.advance(1_000);
  addCrashed("crashed", 10);
  await clock.advance(defaultOptions.crash_patience_ms + 3_000);
  add("meanwhile");
  await clock.advance(5_000);
  assert.ok(!startedAt.has("meanwhile"), "it makes room");
  await clock.advance(6_000);
  assert.ok(startedAt.has("meanwhile"), "it has given up");
  await clock.advance(25_000);
  assert.equal(company.get("crashed")!.size, 0);
  await worker.shutdown();
});

Deno.test("a handler that is stopped does not end its job's streak of crashes", async () => {
  const { clock, store, worker, add } = setUp();
  const given: (boolean | undefined)[] = [];
  const giveBack = store.giveBack.bind(store);
  store.giveBack = (jobs) => {
    given.push(...jobs.map(({ is_cut_short }) => is_cut_short));
    return giveBack(jobs);
  };
  add("long", 60_000);
  worker.run();
  await clock.advance(100);
  const end = worker.shutdown();
  await clock.advance(1_000);
  await end;
  assert.deepEqual(given, [true]);
});

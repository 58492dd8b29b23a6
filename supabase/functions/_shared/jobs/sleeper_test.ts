import assert from "node:assert/strict";
import { z } from "zod";
import { createLogger } from "../log.ts";
import type { JobContext } from "./context.ts";
import { defineJob } from "./define_job.ts";
import { readHandOvers, readNotice } from "./hand_over.ts";
import type { GiveBack } from "./job_store.ts";
import { MemoryStore } from "./memory_store.ts";
import { defaultOptions, type WorkerOptions } from "./options.ts";
import { claimedJob, FakeClock, noDb } from "./testing.ts";
import { Worker } from "./worker.ts";

type Handler = (ctx: JobContext<{ name: string }, never>) => Promise<null>;

/** A worker that has nothing to do, and a count of what it was asked and asked for. */
async function asleep(handler: Handler, changed: Partial<WorkerOptions> = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore(() => clock.now());
  const lines: Record<string, unknown>[] = [];
  const worker = new Worker({
    id: "worker-1",
    store,
    jobs: [defineJob({
      type: "test_job",
      params: z.object({ name: z.string() }),
      checkpoint: z.never(),
      result: z.null(),
      run: (ctx, deps: { handler: Handler }) => deps.handler(ctx),
    })],
    deps: { handler },
    db: noDb,
    clock,
    logger: createLogger({}, (line) => lines.push(JSON.parse(line))),
    options: { ...defaultOptions, linger_ms: 5_000, ...changed },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  });
  const givenBack: GiveBack[] = [];
  const giveBack = store.giveBack.bind(store);
  store.giveBack = (jobs) => {
    givenBack.push(...jobs);
    return giveBack(jobs);
  };
  const life = worker.run();
  await clock.advance(10);
  const create = (name = "job") =>
    store.create(claimedJob({ params: { name }, fencing_token: 1e12 + store.rows.size }));
  const claims = () => store.calls.filter((call) => call === "claim").length;
  return { clock, store, worker, life, lines, givenBack, create, claims };
}

const quick: Handler = () => Promise.resolve(null);

Deno.test("a job that is handed over starts without a claim", async () => {
  let claimsAtStart = 0;
  const { clock, create, claims } = await asleep(() => {
    claimsAtStart = claims();
    return Promise.resolve(null);
  });
  const before = claims();
  const row = create();
  await clock.advance(0);
  assert.equal(row.status, "completed");
  assert.equal(claimsAtStart, before);
});

Deno.test("a worker sleeps again after each, so that jobs which trickle in are all handed over", async () => {
  const { clock, create, claims, store } = await asleep(quick);
  const rows = [];
  for (let n = 0; n < 20; n += 1) {
    rows.push(create());
    await clock.advance(15);
  }
  assert.ok(rows.every(({ status }) => status === "completed"));
  assert.ok(claims() < 8, `${store.calls.filter((call) => call === "claim").length} claims`);
});

Deno.test("of jobs that come at once one is handed over, and the others are claimed together", async () => {
  const { clock, create, claims } = await asleep(quick);
  // It knows then that an end of these promises nothing.
  create();
  await clock.advance(600);
  const before = claims();
  const rows = Array.from({ length: 5 }, () => create());
  await clock.advance(20);
  assert.ok(rows.every(({ status }) => status === "completed"));
  assert.equal(claims(), before + 1);
});

Deno.test("a worker that is called again and again does not fall asleep", async () => {
  const { clock, store } = await asleep(quick);
  let sleeps = 0;
  const goToSleep = store.sleep.goToSleep.bind(store.sleep);
  store.sleep.goToSleep = (sleep) => {
    sleeps += 1;
    return goToSleep(sleep);
  };
  for (let n = 0; n < 50; n += 1) {
    store.add(claimedJob({ params: { name: "job" } }));
    await clock.advance(2);
  }
  assert.equal(sleeps, 0);
});

Deno.test("what is handed over to a worker that has filled up meanwhile goes back", async () => {
  const { clock, store, create, givenBack } = await asleep(() => new Promise(() => {}), {
    concurrency: 1,
  });
  store.add(claimedJob({ params: { name: "fills it" } }));
  await clock.advance(1);
  const row = create();
  await clock.advance(1);
  assert.deepEqual(givenBack.map(({ job_id }) => job_id), [row.job.id]);
  assert.equal(row.status, "pending");
});

Deno.test("what was handed over unheard comes with the next sleep, and begins once", async () => {
  let runs = 0;
  const { clock, store, create } = await asleep(() => {
    runs += 1;
    return Promise.resolve(null);
  });
  store.sleep.isDeaf = true;
  const row = create();
  await clock.advance(100);
  assert.equal(row.status, "processing");
  await clock.advance(1_000);
  assert.equal(row.status, "completed");
  assert.equal(runs, 1);
});

Deno.test("a hand-over that is heard twice begins once", async () => {
  let runs = 0;
  const { clock, store, create } = await asleep(async (ctx) => {
    runs += 1;
    await ctx.sleep(2_000);
    return null;
  });
  const row = create();
  const handOver = { job: row.job, asleep_at: clock.now(), held_ms: 10_000 };
  store.sleep.goToSleep = () => Promise.resolve([handOver]);
  await clock.advance(5_000);
  assert.equal(row.status, "completed");
  assert.equal(runs, 1);
});

Deno.test("a hand-over that took too long to arrive is not begun", async () => {
  const { clock, store, create, givenBack } = await asleep(quick, { linger_ms: 60_000 });
  const said = Promise.withResolvers<void>();
  store.sleep.isDeaf = true;
  const row = create();
  store.sleep.goToSleep = async () => {
    await said.promise;
    return [{ job: row.job, asleep_at: 3, held_ms: 10_000 }];
  };
  await clock.advance(7_500);
  said.resolve();
  await clock.advance(10);
  assert.deepEqual(givenBack.map(({ job_id }) => job_id), [row.job.id]);
});

Deno.test("a worker that is busy with what it is handed does not leave as idle", async () => {
  const { clock, store, life, create } = await asleep(quick);
  for (let n = 0; n < 20; n += 1) {
    create();
    await clock.advance(1_000);
  }
  assert.ok(!store.calls.includes("unregister"));
  await clock.advance(20_000);
  assert.equal((await life).completed, 20);
});

Deno.test("what was handed over to a worker that leaves is done first, or goes back", async () => {
  const idle = await asleep(quick);
  idle.store.sleep.isDeaf = true;
  idle.store.sleep.goToSleep = () => Promise.resolve([]);
  const row = idle.create();
  await idle.clock.advance(20_000);
  await idle.life;
  assert.equal(row.status, "completed");

  const told = await asleep(quick);
  told.store.sleep.isDeaf = true;
  const late = told.create();
  const shutdown = told.worker.shutdown();
  await told.clock.advance(100);
  await shutdown;
  assert.deepEqual(told.givenBack.map(({ job_id }) => job_id), [late.job.id]);
});

Deno.test("drained() waits for what was handed over and is still on its way", async () => {
  const { clock, store, worker, create } = await asleep(quick);
  store.sleep.isDeaf = true;
  const row = create();
  const drained = worker.drained();
  await clock.advance(500);
  assert.equal((await drained).completed, 1);
  assert.equal(row.status, "completed");
});

Deno.test("readNotice() takes nothing but a hand-over", () => {
  const notice = {
    id: crypto.randomUUID(),
    job_type: "test_job",
    params: { a: 1 },
    fencing_token: 1_000_000_000_007,
    lease_ms: 60_000,
    held_ms: 10_000,
    asleep_at: 12,
  };
  const { job, asleep_at } = readNotice(JSON.stringify(notice))!;
  assert.deepEqual([job.params, job.user_id, job.fencing_token, asleep_at], [
    { a: 1 },
    null,
    1_000_000_000_007,
    12,
  ]);
  for (const text of ["", "{", "null", "[]", JSON.stringify({ ...notice, id: "x" })]) {
    assert.equal(readNotice(text), null);
  }
  assert.deepEqual(readHandOvers(null), []);
  assert.equal(readHandOvers([notice]).length, 1);
});

import assert from "node:assert/strict";
import { z } from "zod";
import { createLogger } from "../log.ts";
import { defineJob } from "./define_job.ts";
import { MemoryStore } from "./memory_store.ts";
import { defaultOptions, type WorkerOptions } from "./options.ts";
import { claimedJob, FakeClock, noDb } from "./testing.ts";
import { Worker } from "./worker.ts";

/** A worker whose jobs take 5 ms unless they say otherwise, and a count of its claims. */
function setUp(changed: Partial<WorkerOptions> = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const job = (type: string) =>
    defineJob({
      type,
      params: z.object({ ms: z.number().default(5) }),
      checkpoint: z.never(),
      result: z.null(),
      run: (ctx) => ctx.sleep(ctx.params.ms).then(() => null),
    });
  const worker = new Worker({
    id: "worker-1",
    store,
    jobs: [job("test_job"), job("capped")],
    deps: {},
    db: noDb,
    clock,
    logger: createLogger({}, () => {}),
    options: { ...defaultOptions, ...changed },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  });
  const claims = () => store.calls.filter((call) => call === "claim").length;
  const add = (type = "test_job") => store.add(claimedJob({ job_type: type }));
  /** From now on the type has one slot; a claim passes over it while that is taken. */
  const cap = (type: string) => {
    const claim = store.claim.bind(store);
    store.claim = async (id, limit, types) => {
      const of = Array.from(store.rows.values()).filter(({ job }) => job.job_type === type);
      const isTaken = of.some(({ status }) => status === "processing");
      if (isTaken) return await claim(id, limit, types.filter((other) => other !== type));
      const [first] = await claim(id, 1, [type]);
      return first ? [first] : await claim(id, limit, types.filter((other) => other !== type));
    };
  };
  return { clock, store, worker, claims, add, cap };
}

async function trickle(jobs: number, pauseMs: number): Promise<number> {
  const { clock, store, worker, claims, add } = setUp();
  worker.run();
  await clock.advance(100);
  const before = claims();
  for (let n = 0; n < jobs; n += 1) {
    const row = add();
    await clock.advance(6);
    assert.equal(row.status, "completed", "it was taken as soon as it was announced");
    await clock.advance(pauseMs - 6);
  }
  const made = claims() - before;
  assert.ok([...store.rows.values()].every(({ status }) => status === "completed"));
  await worker.shutdown();
  return made;
}

Deno.test("jobs that trickle in cost a claim each, and hardly any that finds nothing", async () => {
  const made = await trickle(50, 50);
  assert.ok(made <= 53, `${made} claims for 50 jobs`);
});

Deno.test("a job that comes alone costs its own claim and the one that makes sure", async () => {
  const made = await trickle(20, 300);
  assert.ok(made <= 42, `${made} claims for 20 jobs`);
});

Deno.test("a claim that came back short although more was due is made again soon", async () => {
  const { clock, store, worker } = setUp({ poll_listening_ms: 5_000 });
  worker.run();
  await clock.advance(2_000);
  const claim = store.claim.bind(store);
  let isShort = true;
  store.claim = (id, limit, types) => {
    const most = isShort ? 1 : limit;
    isShort = false;
    return claim(id, most, types);
  };
  // Both are there when the first one is announced, and that one runs on and on.
  const first = store.add(claimedJob({ params: { ms: 60_000 } }));
  const late = { ...first, job: claimedJob({ id: "late" }) };
  store.rows.set("late", late);
  await clock.advance(defaultOptions.poll_min_ms - 1);
  assert.equal(late.status, "pending");
  await clock.advance(10);
  assert.equal(late.status, "completed");
  await worker.shutdown();
});

Deno.test("jobs of a capped type follow one another at once, also when others end in between", async () => {
  const { clock, store, worker, add, cap } = setUp();
  cap("capped");
  worker.run();
  await clock.advance(100);
  for (let n = 0; n < 40; n += 1) add("capped");
  await clock.advance(15);
  for (let n = 0; n < 10; n += 1) {
    add();
    await clock.advance(37);
  }
  const left = Array.from(store.rows.values()).filter(({ status }) => status !== "completed");
  assert.equal(left.length, 0);
  await worker.shutdown();
});

Deno.test("a cap that sets something free after all is met within a short pause, then at once", async () => {
  const { clock, store, worker, add, cap } = setUp();
  cap("capped");
  worker.run();
  await clock.advance(100);
  // Nothing waits behind these: the worker learns that their ends bring nothing.
  for (let n = 0; n < 3; n += 1) {
    add("capped");
    await clock.advance(2_000);
  }
  for (let n = 0; n < 20; n += 1) add("capped");
  await clock.advance(defaultOptions.poll_min_ms + 20 * 6);
  assert.ok(Array.from(store.rows.values()).every(({ status }) => status === "completed"));
  await worker.shutdown();
});

Deno.test("a full house is filled again as soon as a slot is free", async () => {
  const { clock, store, worker, claims, add } = setUp({ concurrency: 4, settle_window_ms: 0 });
  worker.run();
  await clock.advance(100);
  const before = claims();
  for (let n = 0; n < 40; n += 1) add();
  await clock.advance(60);
  assert.ok(Array.from(store.rows.values()).every(({ status }) => status === "completed"));
  assert.ok(claims() - before <= 25, `${claims() - before} claims`);
  await worker.shutdown();
});

import assert from "node:assert/strict";
import { z } from "zod";
import { createLogger } from "../log.ts";
import { sleep } from "./clock.ts";
import { defineJob } from "./define_job.ts";
import { MemoryStore } from "./memory_store.ts";
import { defaultOptions, type WorkerOptions } from "./options.ts";
import { claimedJob, FakeClock, noDb } from "./testing.ts";
import { Worker } from "./worker.ts";

/** A backlog of 60 jobs of 5 ms, a worker whose claims take 10 ms, and what became of it. */
function setUp(changed: Partial<WorkerOptions>) {
  const clock = new FakeClock();
  const store = new MemoryStore();
  for (let n = 0; n < 60; n += 1) store.add(claimedJob());
  const rows = Array.from(store.rows.values());
  const held = () => rows.filter(({ status }) => status === "processing").length;

  const seen = { asked: new Set<number>(), claims: 0, underWay: 0, held: 0 };
  let underWay = 0;
  const claim = store.claim.bind(store);
  store.claim = async (id, limit, types) => {
    seen.claims += 1;
    seen.asked.add(limit);
    seen.underWay = Math.max(seen.underWay, underWay += 1);
    await sleep(clock, 10);
    underWay -= 1;
    const jobs = await claim(id, limit, types);
    seen.held = Math.max(seen.held, held());
    return jobs;
  };
  const worker = new Worker({
    id: "worker-1",
    store,
    jobs: [defineJob({
      type: "test_job",
      params: z.unknown(),
      checkpoint: z.never(),
      result: z.null(),
      run: (ctx) => ctx.sleep(5).then(() => null),
    })],
    deps: {},
    db: noDb,
    clock,
    logger: createLogger({}, () => {}),
    options: { ...defaultOptions, settle_window_ms: 0, ...changed },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  });
  return { clock, worker, rows, seen, held };
}

Deno.test("while there is room for a whole batch more the next claim is on its way already", async () => {
  const { clock, worker, rows, seen } = setUp({ concurrency: 20, claim_batch: 5 });
  worker.run();
  await clock.advance(200);
  assert.ok(rows.every(({ status }) => status === "completed"));
  assert.deepEqual([seen.underWay, seen.asked], [2, new Set([5])]);
  const { claims } = seen;
  await clock.advance(1_000);
  assert.ok(seen.claims - claims <= 2, "an empty queue is asked by one claim at a time");
  await worker.shutdown();
});

Deno.test("claims under way never ask for more than there are free slots", async () => {
  for (const [concurrency, underWay] of [[7, 1], [12, 2]] as const) {
    const { clock, worker, rows, seen } = setUp({ concurrency, claim_batch: 5 });
    worker.run();
    await clock.advance(1_000);
    assert.ok(rows.every(({ status }) => status === "completed"));
    assert.ok(seen.held <= concurrency, `${seen.held} jobs held`);
    assert.equal(seen.underWay, underWay);
    await worker.shutdown();
  }
});

Deno.test("what claims under way bring to a worker that leaves is given back", async () => {
  const { clock, worker, rows, seen, held } = setUp({ concurrency: 20, claim_batch: 5 });
  const life = worker.run();
  await clock.advance(15);
  worker.shutdown();
  await clock.advance(500);
  await life;
  assert.equal(seen.underWay, 2);
  assert.equal(held(), 0);
  assert.ok(rows.some(({ status }) => status === "pending"));
});

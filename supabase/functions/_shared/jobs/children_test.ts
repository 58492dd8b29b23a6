import assert from "node:assert/strict";
import { z } from "zod";
import { child } from "./children.ts";
import type { JobContext } from "./context.ts";
import { defineJob } from "./define_job.ts";
import { JobRun } from "./job_run.ts";
import type { JobStore } from "./job_store.ts";
import { LogBuffer } from "./log_buffer.ts";
import { MemoryStore } from "./memory_store.ts";
import { runHandler } from "./run_handler.ts";
import { claimedJob, FakeClock, noDb, runInMemory } from "./testing.ts";

type Context = JobContext<Record<string, never>, { at: number }>;

const leaf = { type: "leaf", params: z.object({ secret: z.string(), n: z.int().default(1) }) };

function parent(run: (ctx: Context) => Promise<unknown>) {
  return defineJob({
    type: "test_job",
    params: z.strictObject({}),
    checkpoint: z.object({ at: z.number() }),
    result: z.unknown(),
    run,
  });
}

/** Runs a parent on a store in which it is the only job. */
async function run(
  handler: (ctx: Context) => Promise<unknown>,
  change: (store: MemoryStore) => Partial<JobStore> = () => ({}),
  cancelledAt = Infinity,
) {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const row = store.add(claimedJob());
  const [job] = await store.claim("w", 1, ["test_job"]);
  store.calls.length = 0;
  Object.assign(store, change(store));
  const attempt = new JobRun(job!, {
    store,
    clock,
    db: noDb,
    progressIntervalMs: 0,
    remaining: () => 1_000,
    logs: new LogBuffer(store, clock, 0),
    onTrouble() {},
  });
  if (cancelledAt < Infinity) clock.after(cancelledAt, () => attempt.abort("cancelled"));
  const { outcome } = await clock.runUntil(runHandler(parent(handler), attempt, undefined));
  return { outcome, store, row, clock };
}

const manyLeaves = (count: number) =>
  Array.from({ length: count }, (_, n) => child(leaf, { secret: "s" }, { key: `${n}` }));

Deno.test("child() takes params as the handler of its type wants them, and keeps them as they are", () => {
  const options = { key: "first", priority: 2, delayMs: 5_000 };
  assert.deepEqual(child(leaf, { secret: "s" }, options), {
    job_type: "leaf",
    params: { secret: "s" },
    key: "first",
    priority: 2,
    delay_ms: 5_000,
  });
  // @ts-expect-error: the compiler refuses it as well
  const wrong = () => child(leaf, { secret: 42 });
  assert.throws(wrong, { code: "INVALID_PARAMS", message: /secret/ });
  assert.throws(wrong, (error: Error) => !error.message.includes("42"));
});

Deno.test("createChildren() sends a thousand at a time, and the checkpoint with the last of them", async () => {
  const { outcome, store, row } = await run(async (ctx) => {
    await ctx.createChildren(manyLeaves(2_500), { checkpoint: { at: 7 } });
    return null;
  }, (store) => ({
    async createChildren(lease, children, checkpoint) {
      assert.equal(checkpoint === undefined, children.length === 1_000);
      return await MemoryStore.prototype.createChildren.call(store, lease, children, checkpoint);
    },
  }));
  assert.equal(outcome.kind, "completed");
  assert.deepEqual(store.calls, ["create 1000", "create 1000", "create 500"]);
  assert.deepEqual(row.checkpoint, { at: 7 });
});

Deno.test("createChildren() without children still stores its checkpoint", async () => {
  const { row } = await run(async (ctx) => {
    assert.deepEqual(await ctx.createChildren([], { checkpoint: { at: 1 } }), {
      created: 0,
      joined: 0,
    });
    return null;
  });
  assert.deepEqual(row.checkpoint, { at: 1 });
});

Deno.test("createChildren() of a job that is no longer held stops the handler and creates nothing", async () => {
  let steal = (_id: string) => {};
  const { outcome, store } = await run(async (ctx) => {
    steal(ctx.job.id);
    await ctx.createChildren(manyLeaves(1));
    return null;
  }, (store) => {
    steal = (id) => store.steal(id);
    return {};
  });
  assert.deepEqual(outcome, { kind: "lost" });
  assert.equal(store.rows.size, 1);
});

Deno.test("children the database refuses fail the job for good, by their code if it has one", async () => {
  for (const [hint, code] of [["UNKNOWN_JOB_TYPE", "UNKNOWN_JOB_TYPE"], ["", "INVALID_PARAMS"]]) {
    const { outcome } = await run(async (ctx) => {
      await ctx.createChildren(manyLeaves(1));
      return null;
    }, () => ({
      createChildren: () => Promise.reject(Object.assign(new RangeError("no"), { hint })),
    }));
    assert.ok(outcome.kind === "failed");
    assert.deepEqual([outcome.code, outcome.retryable], [code, false]);
  }
});

Deno.test("a database in trouble is asked again, for what a handler saves and for what it reads", async () => {
  const outages: Record<string, number> = {};
  const shaky =
    <A extends unknown[], T>(name: string, call: (...args: A) => Promise<T>) => (...args: A) => {
      outages[name] = (outages[name] ?? 0) + 1;
      return outages[name] <= 3 ? Promise.reject(new Error("no route")) : call(...args);
    };
  const { outcome, row } = await run(async (ctx) => {
    await ctx.createChildren(manyLeaves(2));
    await ctx.saveCheckpoint({ at: 1 });
    const { total } = await ctx.children();
    return total + (await Array.fromAsync(ctx.childResults())).length;
  }, (store) => ({
    createChildren: shaky("create", store.createChildren.bind(store)),
    saveCheckpoint: shaky("save", store.saveCheckpoint.bind(store)),
    readBatch: shaky("batch", store.readBatch.bind(store)),
    readChildren: shaky("read", store.readChildren.bind(store)),
  }));
  assert.deepEqual(outcome, { kind: "completed", result: 4 });
  assert.deepEqual(row.checkpoint, { at: 1 });
});

Deno.test("a database that stays in trouble costs an attempt, which can be retried", async () => {
  const { outcome, clock } = await run(async (ctx) => {
    await ctx.createChildren(manyLeaves(1));
    return null;
  }, () => ({ createChildren: () => Promise.reject(new Error("no route")) }));
  assert.equal(outcome.kind === "failed" && outcome.retryable, true);
  assert.ok(clock.now() > 15_000 && clock.now() <= 20_000, `after ${clock.now()} ms`);
});

Deno.test("a handler that waits for the database stops when it is cancelled", async () => {
  const { outcome, clock } = await run(
    async (ctx) => {
      await ctx.saveCheckpoint({ at: 1 });
      return null;
    },
    () => ({ saveCheckpoint: () => Promise.reject(new Error("no route")) }),
    1_000,
  );
  assert.deepEqual([outcome.kind, clock.now()], ["cancelled", 1_000]);
});

Deno.test("waitForChildren() ends the slice with what the handler wants", async () => {
  const { outcome } = await run((ctx) =>
    Promise.reject(
      ctx.waitForChildren({
        onChildFailure: "fail_fast",
        whenDone: "resume",
        checkpoint: { at: 2 },
      }),
    )
  );
  assert.deepEqual(outcome, {
    kind: "waiting",
    onChildFailure: "fail_fast",
    whenDone: "resume",
    checkpoint: { at: 2 },
  });
});

Deno.test("childResults() reads every child, a page at a time", async () => {
  const { outcome, store } = await run(async (ctx) => {
    await ctx.createChildren(manyLeaves(120));
    const results = await Array.fromAsync(ctx.childResults());
    return { count: new Set(results.map(({ key }) => key)).size, ...await ctx.children() };
  });
  assert.deepEqual(outcome.kind === "completed" && outcome.result, {
    count: 120,
    total: 120,
    completed: 0,
    failed: 0,
    cancelled: 0,
  });
  assert.equal(store.calls.filter((call) => call === "children").length, 3);
});

Deno.test("a handler's test sees the children it asked for, and can say how they ended", async () => {
  const fanOut = parent(async (ctx) => {
    if (ctx.checkpoint) return await Array.fromAsync(ctx.childResults(), ({ status }) => status);
    await ctx.createChildren(manyLeaves(2), { checkpoint: { at: 1 } });
    return ctx.waitForChildren({ whenDone: "resume" });
  });
  const first = await runInMemory(fanOut, { params: {}, deps: undefined });
  assert.deepEqual(first.children.map(({ key }) => key), ["0", "1"]);
  assert.deepEqual([first.outcome.kind, first.checkpoints], ["waiting", [{ at: 1 }]]);
  const children = [{ result: 1 }, { status: "failed", error_code: "HANDLER_ERROR" }];
  const options = { params: {}, deps: undefined, checkpoint: { at: 1 }, children };
  const { outcome } = await runInMemory(fanOut, options);
  assert.deepEqual(outcome, { kind: "completed", result: ["completed", "failed"] });
});

Deno.test("a checkpoint that cannot be stored fails the job for good", async () => {
  const { outcome } = await run(async (ctx) => {
    await ctx.saveCheckpoint({ at: 1 });
    return null;
  }, () => ({ saveCheckpoint: () => Promise.reject(new RangeError("\\u0000")) }));
  assert.ok(outcome.kind === "failed");
  assert.deepEqual([outcome.code, outcome.retryable], ["INVALID_RESULT", false]);
});

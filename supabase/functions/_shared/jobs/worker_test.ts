import assert from "node:assert/strict";
import { z } from "zod";
import { createLogger } from "../log.ts";
import { sleep } from "./clock.ts";
import type { JobContext } from "./context.ts";
import { defineJob } from "./define_job.ts";
import { FatalError, RetryableError } from "./errors.ts";
import { MemoryStore } from "./memory_store.ts";
import { defaultOptions, type WorkerOptions } from "./options.ts";
import { claimedJob, FakeClock, noDb, settled } from "./testing.ts";
import { Worker } from "./worker.ts";

type Context = JobContext<{ name: string }, { at: number }>;
type Handler = (ctx: Context) => Promise<{ ok: boolean }>;

const options: WorkerOptions = { ...defaultOptions, linger_ms: 5_000 };

function setUp(handler: Handler, changed: Partial<WorkerOptions> = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const lines: Record<string, unknown>[] = [];
  const job = defineJob({
    type: "test_job",
    params: z.object({ name: z.string() }),
    checkpoint: z.object({ at: z.number() }),
    result: z.object({ ok: z.boolean() }),
    run: (ctx: Context, deps: { handler: Handler }) => deps.handler(ctx),
  });
  const worker = new Worker({
    id: "worker-1",
    store,
    jobs: [job],
    deps: { handler },
    db: noDb,
    clock,
    logger: createLogger({}, (line) => lines.push(JSON.parse(line))),
    options: { ...options, ...changed },
    limits: { cpu_ms: null, memory_bytes: null },
    region: "local",
  });
  const add = (name = "job") => store.add(claimedJob({ params: { name } }));
  return { clock, store, worker, lines, add };
}

/** A handler that works until it is told to stop. */
const untilAborted: Handler = (ctx) =>
  new Promise((_, reject) =>
    ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason), { once: true })
  );

const deaf: Handler = () => new Promise(() => {});

Deno.test("a worker claims in one batch, runs together, settles in one batch, and leaves", async () => {
  const { clock, store, worker, lines, add } = setUp(() => Promise.resolve({ ok: true }));
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

Deno.test("a job whose lease was used up by its own claim does not make the heart race", async () => {
  const { clock, store, worker } = setUp(untilAborted);
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

Deno.test("a handler that takes its time shows a first progress right after the claim", async () => {
  const { clock, worker, add } = setUp(untilAborted);
  const row = add();
  worker.run();
  await clock.advance(100);
  assert.deepEqual(row.progress, [{ percent: 1, message: "Starting" }]);
});

Deno.test("each job says so a moment after its own start, and one that is over by then never does", async () => {
  const { clock, worker, add } = setUp(async (ctx) => {
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
  const { clock, store, worker, add } = setUp((ctx) => {
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
  const { clock, worker, add } = setUp(async (ctx) => {
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
  const { clock, worker, add } = setUp(() => Promise.resolve({ ok: true }));
  worker.run();
  await clock.advance(3_000);
  const row = add();
  await clock.advance(1);
  assert.equal(row.status, "completed");
});

Deno.test("params that do not fit are fatal, and so is a result that does not", async () => {
  let runs = 0;
  const { clock, store, worker, add } = setUp(() => {
    runs += 1;
    return Promise.resolve({ ok: "yes" } as unknown as { ok: boolean });
  });
  const bad = store.add(claimedJob({ params: { name: 7 } }));
  const good = add();
  worker.run();
  await clock.advance(50);
  assert.equal(bad.failure?.error_code, "INVALID_PARAMS");
  assert.equal(good.failure?.error_code, "INVALID_RESULT");
  assert.deepEqual([bad.status, good.status, runs], ["failed", "failed", 1]);
});

Deno.test("errors are fatal or retryable as the handler says, and counted so", async () => {
  const { clock, worker, store, add } = setUp((ctx) => {
    if (ctx.params.name === "fatal") throw new FatalError("PROVIDER_REJECTED");
    if (ctx.params.name === "retry") throw new RetryableError("PROVIDER_UNAVAILABLE");
    throw new Error("unknown: token=abc123");
  });
  const [fatal, retry, unknown] = ["fatal", "retry", "unknown"].map(add);
  const life = worker.run();
  await clock.advance(20_000);
  assert.deepEqual([fatal!.failure!.retryable, retry!.failure!.retryable], [false, true]);
  assert.equal(unknown!.failure!.error_code, "HANDLER_ERROR");
  assert.equal(unknown!.failure!.retryable, true);
  assert.doesNotMatch(unknown!.failure!.error_message, /abc123/);
  assert.equal(store.logs.filter((line) => line.message === "Attempt failed").length, 3);
  const counts = await life;
  assert.deepEqual([counts.failed, counts.retried], [1, 2]);
});

Deno.test("whatever a handler throws, its job fails and its neighbour goes on", async () => {
  const { clock, worker, add } = setUp(async (ctx) => {
    await ctx.sleep(100);
    if (ctx.params.name === "odd") throw Object.create(null);
    return { ok: true };
  });
  const [odd, good] = ["odd", "good"].map(add);
  worker.run();
  await clock.advance(500);
  assert.deepEqual([odd!.failure?.error_code, good!.status], ["HANDLER_ERROR", "completed"]);
});

Deno.test("one heartbeat holds all leases, and brings a cancel to its handler only", async () => {
  const { clock, store, worker, lines, add } = setUp(untilAborted);
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
  const { clock, store, worker, add } = setUp(async (ctx) => {
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
  const { clock, store, worker, add } = setUp(async (ctx) => {
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
  const { clock, store, worker, add } = setUp(async (ctx) => {
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
  const { clock, store, worker, add } = setUp(async (ctx) => {
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
  const { clock, store, worker, add } = setUp(untilAborted);
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

Deno.test("a handler that heeds remaining() yields with its checkpoint, and the doorbell rings", async () => {
  const { clock, store, worker, add } = setUp(async (ctx) => {
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
    const { clock, store, worker, add } = setUp(handler, { budget_ms: 20_000 });
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
  const { clock, store, worker, add } = setUp(async (ctx) => {
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
  const { clock, store, worker, add } = setUp(async (ctx) => {
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
  const { clock, worker, add } = setUp(deaf);
  const row = add();
  worker.run();
  await clock.advance(1_000);
  worker.shutdown();
  await clock.advance(400);
  assert.equal(row.status, "pending");
});

Deno.test("a worker told to drain finishes what it has, takes nothing new, and rings nobody", async () => {
  const { clock, store, worker, add } = setUp(async (ctx) => {
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
  const { clock, store, worker, add } = setUp(() => Promise.resolve({ ok: true }));
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

Deno.test("drained() resolves when nothing is left, with what was done since it was asked", async () => {
  const { clock, worker, add } = setUp(async (ctx) => {
    await ctx.sleep(100);
    return { ok: true };
  });
  add();
  worker.run();
  await clock.advance(300);
  for (let n = 0; n < 20; n += 1) add();
  let counts: unknown;
  worker.drained().then((done) => counts = done);
  await clock.advance(150);
  assert.equal(counts, undefined);
  await clock.advance(1_000);
  assert.deepEqual(counts, {
    claimed: 20,
    completed: 20,
    failed: 0,
    retried: 0,
    yielded: 0,
    waiting: 0,
    cancelled: 0,
    lost: 0,
  });
});

Deno.test("a log line of a handler is stored before the job ends, and redacted", async () => {
  const { clock, store, worker, add } = setUp((ctx) => {
    ctx.log.info("Using Bearer ya29.secret-token", { access_token: "hidden", page: 3 });
    return Promise.resolve({ ok: true });
  });
  add();
  worker.run();
  await clock.advance(50);
  await settled();
  assert.deepEqual(store.logs.map(({ log_level, metadata }) => ({ log_level, metadata })), [
    { log_level: "info", metadata: { access_token: "[redacted]", page: 3 } },
  ]);
  assert.doesNotMatch(JSON.stringify(store.logs), /ya29|hidden/);
});

Deno.test("a parent holds no slot while its children run, and goes on when they have ended", async () => {
  const { clock, store, worker, add } = setUp(async (ctx) => {
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

Deno.test("drained() is not fooled by a claim that found a capped type in other hands", async () => {
  const { clock, store, worker, add } = setUp(() => Promise.resolve({ ok: true }));
  const life = worker.run();
  await clock.advance(100);
  let blocked = 3;
  const claim = store.claim.bind(store);
  store.claim = async (...args) => (blocked -= 1) >= 0 ? [] : await claim(...args);
  add();
  const drained = worker.drained();
  await clock.advance(1_000);
  assert.equal((await drained).completed, 1);
  await clock.advance(30_000);
  await life;
});

Deno.test("drained() does not wait for what nobody may start", async () => {
  const { clock, store, worker } = setUp(() => Promise.resolve({ ok: true }));
  store.hasDueWork = () => Promise.resolve(true);
  worker.run();
  let isDrained = false;
  worker.drained().then(() => isDrained = true);
  await clock.advance(100);
  assert.equal(isDrained, false);
  await clock.advance(900);
  assert.equal(isDrained, true);
});

Deno.test("a worker that stays full says so at once, and again when it has room", async () => {
  const { clock, store, worker, add } = setUp(async (ctx) => {
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
  const { clock, store, worker, add } = setUp(async (ctx) => {
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

Deno.test("why an attempt failed stands in the log also when its handler has filled it", async () => {
  const { clock, store, worker, add } = setUp((ctx) => {
    for (let n = 0; n < 1_500; n += 1) ctx.log.debug(`line ${n}`);
    throw new FatalError("PROVIDER_REJECTED");
  });
  add();
  worker.run();
  await clock.advance(100);
  assert.deepEqual(store.logs.slice(-2).map(({ message }) => message.slice(0, 14)), [
    "Log truncated:",
    "Attempt failed",
  ]);
});

Deno.test("an outcome that the database never takes does not keep a worker for ever", async () => {
  const { clock, store, worker, add } = setUp(() => Promise.resolve({ ok: true }));
  const row = add();
  store.complete = () => Promise.reject(new Error("internal error"));
  const life = worker.run();
  await clock.advance(50_000);
  assert.ok(store.beats.at(-1)!.leases.length === 1, "its lease is kept meanwhile");
  await clock.advance(60_000);
  assert.equal((await life).lost, 1);
  assert.equal(row.status, "processing");
});

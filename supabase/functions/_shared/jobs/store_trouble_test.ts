import assert from "node:assert/strict";
import { z } from "zod";
import { createLogger } from "../log.ts";
import { sleep, systemClock } from "./clock.ts";
import type { JobContext } from "./context.ts";
import { defineJob } from "./define_job.ts";
import { FatalError, RetryAfterError } from "./errors.ts";
import { defaultOptions } from "./options.ts";
import { CallTimeout, Pool } from "./pool.ts";
import { openQueue, type Queue } from "./real_queue.ts";
import { SilentWay } from "./silent_way.ts";
import { openStore } from "./store.ts";
import { noDb } from "./testing.ts";
import { Worker } from "./worker.ts";

type Context = JobContext<Record<string, unknown>, unknown>;

function openWorker(
  { type, store }: Pick<Queue, "type" | "store">,
  run: (ctx: Context) => Promise<unknown>,
) {
  return new Worker({
    id: `worker-${crypto.randomUUID()}`,
    store,
    jobs: [defineJob({
      type,
      params: z.record(z.string(), z.unknown()),
      checkpoint: z.unknown(),
      result: z.unknown(),
      run,
    })],
    deps: undefined,
    db: noDb,
    clock: systemClock,
    logger: createLogger({}, () => {}),
    options: { ...defaultOptions, linger_ms: 200, poll_min_ms: 20, heartbeat_ms: 300 },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  });
}

/** A queue, and a store that reaches it by a way which can fall silent. */
async function openSilentQueue() {
  const queue = await openQueue();
  const { way, url } = SilentWay.to(queue.url);
  const store = openStore({ url, callTimeoutMs: 700, listenProofMs: 700 });
  return {
    ...queue,
    store,
    way,
    async [Symbol.asyncDispose]() {
      await store.close();
      way.close();
      await queue[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a result that breaks off half-way leaves no holes in the next one", async () => {
  await using queue = await openQueue();
  const pool = new Pool({
    url: queue.url,
    maxConnections: 1,
    pooled: false,
    serverTimeoutMs: 5_000,
  });
  const sql = pool.tag(5_000);
  try {
    await assert.rejects(
      sql`select 1 / (5 - n) from generate_series(1, 6) as n`,
      /division by zero/,
    );
    assert.deepEqual(await sql`select 42 as answer`, [{ answer: 42 }]);
  } finally {
    await pool.close();
  }
});

Deno.test("a call that gets no answer is given up, and the next one has a connection that works", async () => {
  await using queue = await openSilentQueue();
  await queue.add();
  assert.equal((await queue.store.claim("w", 1, ["another_type"])).length, 0);
  queue.way.silence();
  const askedAt = performance.now();
  const error = await queue.store.claim("w", 1, [queue.type]).catch((error) => error);
  assert.ok(error instanceof CallTimeout, String(error));
  assert.ok(performance.now() - askedAt < 2_000);
  assert.equal(queue.store.isBadInput(error), false);
  assert.equal((await queue.store.claim("w", 1, [queue.type])).length, 1);
});

Deno.test("the server is told to give up as well, so that nothing goes on behind our back", async () => {
  await using queue = await openQueue({ callTimeoutMs: 800 });
  const [id] = await queue.add();
  const [job] = await queue.store.claim("w", 1, [queue.type]);
  const lease = { job_id: id!, fencing_token: job!.fencing_token };
  const release = Promise.withResolvers<void>();
  const holding = queue.sql.begin(async (sql) => {
    await sql`select from public.job_queue where id = ${id!} for update`;
    await release.promise;
  });
  await sleep(systemClock, 100);
  const error = await queue.store.saveCheckpoint(lease, { at: 1 }).catch((error) => error);
  release.resolve();
  await holding;
  assert.equal(error.code, "57014", String(error));
  assert.equal(await queue.store.saveCheckpoint(lease, { at: 2 }), true);
});

Deno.test("a claim passes writes that wait for a row", async () => {
  await using queue = await openQueue();
  const { sql, store, type } = queue;
  const [id] = await queue.add();
  const [job] = await store.claim("w", 1, [type]);
  const lease = { job_id: id!, fencing_token: job!.fencing_token };
  await queue.add();
  const release = Promise.withResolvers<void>();
  const holding = sql.begin(async (sql) => {
    await sql`select from public.job_queue where id = ${id!} for update`;
    await release.promise;
  });
  await sleep(systemClock, 100);
  let written = 0;
  const writes = [1, 2, 3].map((at) =>
    store.saveCheckpoint(lease, { at }).then(() => written += 1)
  );
  assert.equal((await store.claim("w", 2, [type])).length, 1);
  assert.equal(written, 0);
  release.resolve();
  await Promise.all([holding, ...writes]);
});

Deno.test("LISTEN that gets no answer means polling, not waiting", async () => {
  await using queue = await openSilentQueue();
  queue.way.isDead = true;
  const askedAt = performance.now();
  assert.equal(await queue.store.listen(() => {}), null);
  assert.ok(performance.now() - askedAt < 2_000);
});

Deno.test("a worker whose connections fall silent again and again still ends every job and leaves", async () => {
  await using queue = await openSilentQueue();
  await queue.sql`
    update public.job_type set lease = '2 seconds', max_crashes = 100 where name = ${queue.type}`;
  const ids = await queue.add(30);
  const worker = openWorker(queue, async (ctx) => {
    await ctx.saveCheckpoint({ at: 1 });
    await ctx.sleep(100);
    return null;
  });
  const life = worker.run();
  for (let times = 0; times < 3; times += 1) {
    await sleep(systemClock, 150);
    queue.way.silence();
  }
  await life;
  // A claim whose answer was lost costs a lease; whoever comes next takes those.
  const late = openWorker({ type: queue.type, store: queue.store }, () => Promise.resolve(null));
  await sleep(systemClock, 2_000);
  await late.run();
  const rows = await queue.sql`select status from public.job_queue where id in ${queue.sql(ids)}`;
  assert.deepEqual([...new Set(rows.map(({ status }) => status))], ["completed"]);
});

const circle: Record<string, unknown> = {};
circle.itself = circle;

/** What a handler leaves behind, and what is recorded of it. */
const odd: Record<string, [run: (ctx: Context) => unknown, status: string, code: string | null]> = {
  "a result with NUL": [() => ({ text: "a\0b" }), "failed", "INVALID_RESULT"],
  "a result with half a character": [() => "\ud83d", "failed", "INVALID_RESULT"],
  "a result with a bigint": [() => ({ views: 7n }), "failed", "INVALID_RESULT"],
  "a result that contains itself": [() => circle, "failed", "INVALID_RESULT"],
  "a result too large": [() => "x".repeat(300_000), "failed", "RESULT_TOO_LARGE"],
  "a yield with NUL": [(ctx) => ctx.yield({ text: "\0" }), "failed", "INVALID_RESULT"],
  "a snooze for ever": [(ctx) => ctx.snooze(1e300), "failed", "INVALID_RESULT"],
  "a saved bigint": [(ctx) => ctx.saveCheckpoint({ at: 1n }), "failed", "INVALID_RESULT"],
  "a saved nothing": [(ctx) => ctx.saveCheckpoint(undefined), "failed", "INVALID_RESULT"],
  "a reason with NUL": [
    () => Promise.reject(new FatalError("PROVIDER_REJECTED", { message: "a\0b\ud83d" })),
    "failed",
    "PROVIDER_REJECTED",
  ],
  "a retry in the far future": [
    () => Promise.reject(new RetryAfterError("PROVIDER_UNAVAILABLE", 1e300)),
    "pending",
    "PROVIDER_UNAVAILABLE",
  ],
  "nothing": [() => undefined, "completed", null],
  "progress with NUL": [(ctx) => ctx.progress(50, "a\0b"), "completed", null],
  "a checkpoint whose progress has NUL": [
    (ctx) => ctx.saveCheckpoint({ at: 1 }, { percent: 50, message: "a\0b" }),
    "completed",
    null,
  ],
  "a log line with NUL": [(ctx) => ctx.log.info("a\0b", { c: "d\0" }), "completed", null],
};

Deno.test("whatever a handler leaves behind, its job is recorded, and its neighbours with it", async () => {
  await using queue = await openQueue();
  const ids = new Map<string, string>();
  for (const name of Object.keys(odd)) ids.set(name, (await queue.add(1, { name }))[0]!);
  const plain = await queue.add(5, { name: "nothing" });
  const worker = openWorker(queue, async (ctx) => {
    await ctx.sleep(50);
    return await odd[ctx.params.name as string]![0](ctx);
  });
  const { failed } = await worker.run();
  assert.equal(failed, Object.values(odd).filter(([, status]) => status === "failed").length);
  for (const [name, [, status, code]] of Object.entries(odd)) {
    const row = await queue.row(ids.get(name)!);
    assert.deepEqual([row.status, row.error_code, row.crash_count], [status, code, 0], name);
  }
  for (const id of plain) assert.equal((await queue.row(id)).status, "completed");
});

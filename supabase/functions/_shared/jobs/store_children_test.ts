import assert from "node:assert/strict";
import { z } from "zod";
import { createLogger } from "../log.ts";
import { child } from "./children.ts";
import { sleep, systemClock } from "./clock.ts";
import type { JobContext } from "./context.ts";
import { defineJob } from "./define_job.ts";
import type { Lease, Wait } from "./job_store.ts";
import { defaultOptions } from "./options.ts";
import { openQueue, type Queue } from "./real_queue.ts";
import { noDb } from "./testing.ts";
import { Worker } from "./worker.ts";

type Context = JobContext<{ n?: number }, { phase: string }>;

const params = z.strictObject({ n: z.int().optional() });

async function claimParent({ store, type, add }: Queue): Promise<Lease> {
  await add();
  const [job] = await store.claim("children-test", 1, [type]);
  return { job_id: job!.id, fencing_token: job!.fencing_token };
}

function waitOf(lease: Lease, wait: Partial<Wait> = {}): Wait {
  return { ...lease, on_child_failure: "partial", when_done: "complete", ...wait };
}

function openWorker({ type, store }: Queue, run: (ctx: Context) => Promise<unknown>) {
  return new Worker({
    id: `worker-${crypto.randomUUID()}`,
    store,
    jobs: [defineJob({
      type,
      params,
      checkpoint: z.object({ phase: z.string() }),
      result: z.unknown(),
      run,
    })],
    deps: undefined,
    db: noDb,
    clock: systemClock,
    logger: createLogger({}, () => {}),
    options: { ...defaultOptions, linger_ms: 500, poll_min_ms: 20 },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  });
}

Deno.test("children are created once, together with the checkpoint", async () => {
  await using queue = await openQueue();
  const { store, type } = queue;
  const lease = await claimParent(queue);
  const [a, b] = ["a", "b"].map((key) => child({ type, params }, { n: 1 }, { key })) as [
    ReturnType<typeof child>,
    ReturnType<typeof child>,
  ];
  const nameless = child({ type, params }, { n: 2 }, { priority: 3, delayMs: 60_000 });
  assert.deepEqual(await store.createChildren(lease, [a, nameless], { phase: "one" }), [
    "created",
    "created",
  ]);
  assert.deepEqual(await store.createChildren(lease, [b, a, nameless]), [
    "created",
    "joined",
    "joined",
  ]);
  assert.deepEqual((await queue.row(lease.job_id)).checkpoint, { phase: "one" });
  const counts = { total: 3, completed: 0, failed: 0, cancelled: 0 };
  assert.deepEqual(await store.readBatch(lease.job_id), counts);
  const [later] = await queue.sql`
    select job_priority, scheduled_for > now() + interval '50 seconds' as is_later
    from public.job_queue where parent_job_id = ${lease.job_id} and params = '{"n": 2}'`;
  assert.deepEqual([later!.job_priority, later!.is_later], [3, true]);
});

Deno.test("a job that has no children has a batch of zeros", async () => {
  await using queue = await openQueue();
  const lease = await claimParent(queue);
  const counts = { total: 0, completed: 0, failed: 0, cancelled: 0 };
  assert.deepEqual(await queue.store.readBatch(lease.job_id), counts);
  const nothing = { children: [], next: null };
  assert.deepEqual(await queue.store.readChildren(lease.job_id, null, 5), nothing);
});

Deno.test("a worker that lost its lease creates no children and ends no slice", async () => {
  await using queue = await openQueue();
  const { store, type } = queue;
  const held = await claimParent(queue);
  const lost = { ...held, fencing_token: held.fencing_token - 1 };
  assert.equal(await store.createChildren(lost, [child({ type, params }, {})]), null);
  assert.equal(await store.waitForChildren(waitOf(lost)), null);
  assert.equal((await store.readBatch(held.job_id)).total, 0);
  assert.equal((await queue.row(held.job_id)).status, "processing");
});

Deno.test("children of a kind nobody knows are refused, all of them, as bad input", async () => {
  await using queue = await openQueue();
  const { store, type } = queue;
  const lease = await claimParent(queue);
  const children = [type, "no_such_type"].map((job_type) => ({ job_type, params: {} }));
  const error = await store.createChildren(lease, children).catch((error) => error);
  assert.deepEqual([store.isBadInput(error), error.hint], [true, "UNKNOWN_JOB_TYPE"]);
  assert.equal((await store.readBatch(lease.job_id)).total, 0);
});

Deno.test("a parent without children is over as soon as it waits", async () => {
  await using queue = await openQueue();
  const lease = await claimParent(queue);
  assert.equal(await queue.store.waitForChildren(waitOf(lease)), "completed");
});

Deno.test("children are read a page at a time, with what became of them", async () => {
  await using queue = await openQueue();
  const { store, type } = queue;
  const lease = await claimParent(queue);
  const keyed = ["a", "b", "c", "d"].map((key) => child({ type, params }, {}, { key }));
  await store.createChildren(lease, [...keyed, child({ type, params }, { n: 9 })]);
  const wait = waitOf(lease, { when_done: "resume", checkpoint: { phase: "after" } });
  assert.equal(await store.waitForChildren(wait), "pending");
  const jobs = await store.claim("children-test", 5, [type]);
  const leases = jobs.map(({ id, fencing_token }) => ({ job_id: id, fencing_token }));
  await store.complete(leases.slice(1).map((held) => ({ ...held, result: { ok: true } })));
  await store.fail([{
    ...leases[0]!,
    error_code: "PROVIDER_REJECTED",
    error_message: "no",
    retryable: false,
  }]);

  const pages = [];
  for (let after: string | null = null;;) {
    const page = await store.readChildren(lease.job_id, after, 2);
    pages.push(page.children);
    after = page.next;
    if (after === null) break;
  }
  assert.deepEqual(pages.map((page) => page.length), [2, 2, 1]);
  const children = pages.flat();
  assert.deepEqual(
    children.map(({ key }) => key).toSorted(),
    ["a", "b", "c", "d", null].toSorted(),
  );
  const failed = children.find(({ status }) => status === "failed")!;
  assert.deepEqual([failed.job_id, failed.error_code, failed.result], [
    leases[0]!.job_id,
    "PROVIDER_REJECTED",
    null,
  ]);
  assert.equal(children.filter(({ result }) => (result as { ok: true })?.ok).length, 4);
  const parent = await queue.row(lease.job_id);
  assert.deepEqual([parent.status, parent.held_by], ["pending", null]);
  assert.deepEqual(parent.checkpoint, { phase: "after" });
});

Deno.test("two workers carry 1 200 children and their parent to one end", async () => {
  await using queue = await openQueue();
  const kind = { type: queue.type, params };
  const [id] = await queue.add();
  let ends = 0;
  const run = async (ctx: Context) => {
    if (ctx.job.parent_job_id) return { square: ctx.params.n! ** 2 };
    if (ctx.checkpoint === null) {
      const wanted = Array.from({ length: 1_200 }, (_, n) => child(kind, { n }, { key: `${n}` }));
      const asked = await ctx.createChildren(wanted, { checkpoint: { phase: "spread" } });
      assert.equal(asked.created + asked.joined, 1_200);
      return ctx.waitForChildren({ whenDone: "resume", checkpoint: { phase: "collect" } });
    }
    ends += 1;
    let sum = 0;
    for await (const { result } of ctx.childResults()) sum += (result as { square: number }).square;
    return { sum, ...await ctx.children() };
  };
  let waits = 0;
  let row = await queue.row(id!);
  // On a busy machine a child may end uncounted, and the workers leave; the sweep is there for it.
  for (let rounds = 0; rounds < 20 && row.status === "pending"; rounds += 1) {
    const lives = [openWorker(queue, run).run(), openWorker(queue, run).run()];
    for (const { waiting } of await Promise.all(lives)) waits += waiting;
    await queue.sql`select private.sweep_batches()`;
    row = await queue.row(id!);
  }
  const sum = Array.from({ length: 1_200 }, (_, n) => n ** 2).reduce((a, b) => a + b);
  const expected = { sum, total: 1_200, completed: 1_200, failed: 0, cancelled: 0 };
  assert.deepEqual([row.status, row.result, ends], ["completed", expected, 1]);
  assert.deepEqual([waits, row.retry_count, row.crash_count], [1, 0, 0]);
});

Deno.test("the stack runs a self test with children, and a parent whose end is the engine's", async () => {
  await using queue = await openQueue();
  const start = async (params: Record<string, number | string>) => {
    const [row] = await queue.sql<{ id: string }[]>`
      insert into public.job_queue (job_type, params)
      values ('self_test', ${queue.sql.json(params)}) returning id`;
    await queue.sql`select private.ring_doorbell()`;
    return row!.id;
  };
  const ended = async (id: string) => {
    for (let tries = 0; tries < 200; tries += 1) {
      const row = await queue.row(id);
      if (!["pending", "processing"].includes(row.status)) return row;
      await sleep(systemClock, 100);
    }
    throw new Error(`the self test ${id} did not end`);
  };
  const spread = { step_ms: 5, children: 6, failing_children: 2 };
  const ids = [await start(spread), await start({ ...spread, when_done: "complete" })];
  const [resumed, completed] = [await ended(ids[0]!), await ended(ids[1]!)];
  const counts = { total: 6, completed: 4, failed: 2, cancelled: 0 };
  assert.deepEqual(resumed.result, { steps: 5, slices: 2, children: counts });
  const { children, ...engine } = completed.result;
  assert.deepEqual([engine, children.length], [counts, 6]);
  await queue.sql`delete from public.job_queue where id in ${queue.sql(ids)}`;
});

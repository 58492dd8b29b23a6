import assert from "node:assert/strict";
import { z } from "zod";
import { createLogger } from "../log.ts";
import { sleep, systemClock } from "./clock.ts";
import { defineJob } from "./define_job.ts";
import { type ClaimedJob, HELD, type JobStore, type Lease } from "./job_store.ts";
import { defaultOptions, type WorkerOptions } from "./options.ts";
import { isTransactionPooler } from "./pool.ts";
import { openQueue, type Queue } from "./real_queue.ts";
import { openStore } from "./store.ts";
import { noDb } from "./testing.ts";
import { Worker } from "./worker.ts";

function leaseOf(job: ClaimedJob): Lease {
  return { job_id: job.id, fencing_token: job.fencing_token };
}

async function claimOne({ store, type }: Queue, worker = "store-test"): Promise<Lease> {
  // The stack's own tick may be recovering the same job this very moment.
  for (let tries = 0; tries < 20; tries += 1) {
    const [fresh] = await store.claim(worker, 1, [type]);
    const job = fresh ?? (await store.claimCrashed(worker, 1, [type]))[0];
    if (job) return leaseOf(job);
    await sleep(systemClock, 100);
  }
  throw new Error("there was no job to claim");
}

Deno.test("isTransactionPooler() knows a pooler by its port or mark", () => {
  assert.equal(isTransactionPooler("postgresql://u:p@db.example.com:5432/postgres"), false);
  assert.equal(isTransactionPooler("postgresql://u:p@pooler.example.com:6543/postgres"), true);
  assert.equal(isTransactionPooler("postgresql://u:p@h:5432/postgres?pgbouncer=true"), true);
});

Deno.test("a claim brings the job with its lease as a duration, and only of known types", async () => {
  await using queue = await openQueue();
  const [id] = await queue.add(1, { a: "b" });
  assert.equal((await queue.store.claim("w", 5, ["another_type"])).length, 0);
  const [job] = await queue.store.claim("w", 5, [queue.type]);
  assert.equal(job!.id, id);
  assert.deepEqual(job!.params, { a: "b" });
  assert.equal(job!.fencing_token, 1);
  assert.ok(job!.lease_ms > 15_000 && job!.lease_ms <= 20_000, `lease_ms ${job!.lease_ms}`);
});

Deno.test("every write of a worker that lost its lease is refused and changes nothing", async () => {
  await using queue = await openQueue();
  const { store } = queue;
  const [id] = await queue.add();
  const stale = await claimOne(queue, "slow");
  await queue.dropLeases();
  const current = await claimOne(queue, "quick");
  assert.equal(current.job_id, stale.job_id);
  await store.saveCheckpoint(current, { at: "current" }, { percent: 30, message: "mine" });

  const failure = { ...stale, error_message: "x", error_code: "HANDLER_ERROR", retryable: true };
  assert.equal(await store.saveProgress(stale, { percent: 90, message: "late" }), false);
  assert.equal(await store.saveCheckpoint(stale, { at: "late" }), false);
  assert.deepEqual(
    await store.complete([{ ...stale, result: { late: true } }]),
    new Map([[stale.job_id, null]]),
  );
  assert.deepEqual(await store.fail([failure]), new Map());
  assert.deepEqual(await store.giveBack([stale]), new Map());
  await store.addLogs([{
    ...stale,
    log_level: "info",
    message: "late",
    metadata: {},
    created_at: new Date().toISOString(),
  }]);
  const reply = await store.heartbeat({
    worker_id: "slow",
    leases: [stale],
    capacity: 1,
    in_flight: 1,
    region: null,
  });
  assert.deepEqual(reply.lost, [id]);

  const row = await queue.row(id!);
  assert.equal(row.status, "processing");
  assert.deepEqual(row.checkpoint, { at: "current" });
  assert.equal(row.progress_percent, 30);
  assert.equal(row.crash_count, 1);
  const logs = await queue.sql`select from public.job_log where job_id = ${id!}`;
  assert.equal(logs.length, 0);
  await store.unregister("slow");
});

Deno.test("log lines of a job that somebody holds are answered, and the others written", async () => {
  await using queue = await openQueue();
  const { store, sql } = queue;
  await queue.add(2);
  const leases = (await store.claim("w", 2, [queue.type])).map(leaseOf);
  const lines = leases.map((lease) => ({
    ...lease,
    log_level: "info" as const,
    message: lease.job_id,
    metadata: {},
    created_at: new Date().toISOString(),
  }));
  const held = await sql.begin(async (tx) => {
    await tx`select from public.job_queue where id = ${leases[0]!.job_id} for update`;
    return await store.addLogs(lines);
  });
  assert.deepEqual(held, lines.slice(0, 1));
  assert.deepEqual(await store.addLogs(held), []);
  const written = await sql<{ message: string }[]>`
    select message from public.job_log where job_id = any(${leases.map(({ job_id }) => job_id)})
    order by id`;
  assert.deepEqual(written.map(({ message }) => message), [
    leases[1]!.job_id,
    leases[0]!.job_id,
  ]);
});

Deno.test("settlements are recorded in batches: complete, retry, fail, give back", async () => {
  await using queue = await openQueue();
  const { store } = queue;
  await queue.add(4);
  const leases = (await store.claim("w", 4, [queue.type])).map(leaseOf);
  const [done, again, never, back] = leases as [Lease, Lease, Lease, Lease];
  const failure = { error_message: "went wrong", error_code: "HANDLER_ERROR" };
  assert.deepEqual(await store.complete([{ ...done, result: { ok: 1 } }]), new Map());
  assert.deepEqual(
    await store.fail([
      { ...again, ...failure, retryable: true, retry_after_ms: 7_000 },
      { ...never, ...failure, retryable: false },
    ]),
    new Map([[again.job_id, "pending"], [never.job_id, "failed"]]),
  );
  await store.giveBack([{ ...back, checkpoint: { page: 2 }, delay_ms: 60_000 }]);

  assert.deepEqual((await queue.row(done.job_id)).result, { ok: 1 });
  const retried = await queue.row(again.job_id);
  assert.equal(retried.retry_count, 1);
  const wait = retried.scheduled_for.getTime() - retried.updated_at.getTime();
  assert.equal(wait, 7_000);
  const yielded = await queue.row(back.job_id);
  assert.equal(yielded.status, "pending");
  assert.deepEqual(yielded.checkpoint, { page: 2 });
  assert.deepEqual([yielded.retry_count, yielded.crash_count], [0, 0]);
});

Deno.test("a batch of completions names those it refused; each result goes to its own job", async () => {
  await using queue = await openQueue();
  const { store } = queue;
  await queue.add(3);
  const [one, two, stale] = (await store.claim("w", 3, [queue.type])).map(leaseOf) as Lease[];
  const refused = await store.complete([
    { ...one!, result: null },
    { ...stale!, fencing_token: stale!.fencing_token + 1, result: { stale: true } },
    { ...two!, result: { page: 'a,b"{}' } },
  ]);
  assert.deepEqual(refused, new Map([[stale!.job_id, null]]));
  const rows = await Promise.all([one, two, stale].map((lease) => queue.row(lease!.job_id)));
  assert.deepEqual(rows.map(({ status }) => status), ["completed", "completed", "processing"]);
  assert.deepEqual(rows.map(({ result }) => result), [null, { page: 'a,b"{}' }, null]);
  assert.deepEqual(await store.complete([{ ...stale!, result: undefined }]), new Map());
});

Deno.test("what somebody else's transaction holds is not waited for, and is said to be held", async () => {
  await using queue = await openQueue();
  const { store } = queue;
  await queue.add(6);
  const leases = (await store.claim("w", 6, [queue.type])).map(leaseOf);
  const failure = { error_message: "x", error_code: "HANDLER_ERROR", retryable: false };
  const settled = () =>
    Promise.all([
      store.complete(leases.slice(0, 2).map((lease) => ({ ...lease, result: null }))),
      store.fail(leases.slice(2, 4).map((lease) => ({ ...lease, ...failure }))),
      store.giveBack(leases.slice(4)),
    ]);
  const [done, , never, failed, back, givenBack] = leases.map(({ job_id }) => job_id);
  await queue.holding([done!, never!, back!], async () => {
    assert.deepEqual(await settled(), [
      new Map([[done, HELD]]),
      new Map([[never, HELD], [failed, "failed"]]),
      new Map([[back, HELD], [givenBack, "pending"]]),
    ]);
  });
  assert.equal((await store.complete([{ ...leases[0]!, result: null }])).size, 0);
});

Deno.test("an input that can never be stored is told from a database in trouble", async () => {
  await using queue = await openQueue();
  await queue.add();
  const lease = await claimOne(queue);
  const tooLarge = await queue.store
    .complete([{ ...lease, result: { text: crypto.randomUUID().repeat(20_000) } }])
    .catch((error) => error);
  assert.equal(tooLarge.hint, "RESULT_TOO_LARGE");
  assert.equal(queue.store.isBadInput(tooLarge), true);
  const gone = openStore({ url: queue.url.replace(/:\d+\/postgres$/, ":1/postgres") });
  const refused = await gone.claim("w", 1, [queue.type]).catch((error) => error);
  assert.equal(gone.isBadInput(refused), false);
  await gone.close();
});

Deno.test("a listener on a session connection hears of work and can hang up", async () => {
  await using queue = await openQueue();
  const heard = Promise.withResolvers<void>();
  let calls = 0;
  const ear = await queue.store.listen({
    onReady: () => (calls += 1) > 1 && heard.resolve(),
    onHandOver: () => {},
  });
  assert.ok(ear);
  await queue.sql`select pg_notify('job_ready', '')`;
  await heard.promise;
  await ear.close();
});

interface StepDeps {
  /** Called with worker and job before each of three steps. */
  onStep(job: string, step: number, signal: AbortSignal): Promise<void>;
}

function openWorker(
  queue: Queue,
  deps: StepDeps,
  options: Partial<WorkerOptions> = {},
  store: JobStore = queue.store,
) {
  const job = defineJob({
    type: queue.type,
    params: z.object({}),
    checkpoint: z.object({ step: z.number() }),
    result: z.object({ steps: z.number() }),
    async run(ctx, { onStep }: StepDeps) {
      for (let step = (ctx.checkpoint?.step ?? 0) + 1; step <= 3; step += 1) {
        await onStep(ctx.job.id, step, ctx.signal);
        await ctx.saveCheckpoint({ step }, { percent: step * 30, message: `step ${step}` });
      }
      return { steps: 3 };
    },
  });
  return new Worker({
    id: `worker-${crypto.randomUUID()}`,
    store,
    jobs: [job],
    deps,
    db: noDb,
    clock: systemClock,
    logger: createLogger({}, () => {}),
    options: { ...defaultOptions, linger_ms: 200, poll_min_ms: 20, ...options },
    limits: { cpu_ms: null, memory_bytes: null },
    region: null,
  });
}

Deno.test("two workers share a queue and never run one job twice", async () => {
  await using queue = await openQueue();
  await queue.add(60);
  const steps: string[] = [];
  const onStep = (job: string, step: number) => Promise.resolve(void steps.push(`${job} ${step}`));
  const workers = [1, 2].map(() => openWorker(queue, { onStep }, { concurrency: 5 }));
  const counts = await Promise.all(workers.map((worker) => worker.run()));
  assert.equal(counts[0]!.completed + counts[1]!.completed, 60);
  assert.equal(steps.length, 180);
  assert.equal(new Set(steps).size, 180);
  const ids = workers.map(({ id }) => id);
  const left = await queue.sql`
    select from public.job_worker where worker_id in ${queue.sql(ids)}`;
  assert.equal(left.length, 0, "both have signed off");
});

Deno.test("another worker goes on from the checkpoint of one that stopped answering", async () => {
  await using queue = await openQueue();
  const [id] = await queue.add();
  let dead = false;
  const gone = () => Promise.reject(new Error("no route to the database"));
  const store: JobStore = {
    ...queue.store,
    claim: (...args) => dead ? gone() : queue.store.claim(...args),
    heartbeat: (...args) => dead ? gone() : queue.store.heartbeat(...args),
  };
  const stuck = Promise.withResolvers<void>();
  const firstSteps: number[] = [];
  const onFirstStep = async (_job: string, step: number, signal: AbortSignal) => {
    firstSteps.push(step);
    if (step < 2) return;
    dead = true;
    stuck.resolve();
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const first = openWorker(queue, { onStep: onFirstStep }, { heartbeat_ms: 200 }, store).run();
  await stuck.promise;
  await queue.dropLeases();

  const steps: number[] = [];
  const onStep = (_job: string, step: number) => Promise.resolve(void steps.push(step));
  const heir = openWorker(queue, { onStep }, { linger_ms: 1_000 });
  assert.equal((await heir.run()).completed, 1);
  assert.deepEqual([firstSteps, steps], [[1, 2], [2, 3]]);

  // Back from the dead, the first worker learns that it has lost the job.
  dead = false;
  assert.equal((await first).lost, 1);
  const row = await queue.row(id!);
  assert.equal(row.status, "completed");
  assert.deepEqual([row.crash_count, row.retry_count], [1, 0]);
});

Deno.test("a cancelled job's handler is told within a heartbeat", async () => {
  await using queue = await openQueue();
  const [id] = await queue.add();
  const running = Promise.withResolvers<void>();
  const worker = openWorker(queue, {
    async onStep(_job, _step, signal) {
      running.resolve();
      await new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    },
  }, { heartbeat_ms: 500, first_progress_ms: 60_000 });
  const life = worker.run();
  await running.promise;
  const cancelledAt = performance.now();
  await queue.sql`select public.cancel_job(${id!})`;
  assert.equal((await life).cancelled, 1);
  assert.ok(performance.now() - cancelledAt < 5_000);
  assert.equal((await queue.row(id!)).status, "cancelled");
});

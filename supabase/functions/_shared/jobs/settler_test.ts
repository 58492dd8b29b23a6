import assert from "node:assert/strict";
import type { Completion, Failure } from "./job_store.ts";
import { MemoryStore } from "./memory_store.ts";
import type { Outcome } from "./outcomes.ts";
import type { Attempt, Recorded } from "./settlement.ts";
import { Settler } from "./settler.ts";
import { claimedJob, FakeClock, settled } from "./testing.ts";

const done: Outcome = { kind: "completed", result: { ok: true } };
const fatal: Outcome = { kind: "failed", code: "HANDLER_ERROR", message: "no", retryable: false };

async function setUp(jobs: number, company = true) {
  const clock = new FakeClock();
  const store = new MemoryStore();
  for (let n = 0; n < jobs; n += 1) store.add(claimedJob());
  const claimed = await store.claim("w", jobs, ["test_job"]);
  const trouble: unknown[] = [];
  const waiting = new Map<Attempt, (recorded: Recorded) => void>();
  const settler = new Settler({
    store,
    clock,
    windowMs: 4,
    maxBatch: 100,
    company: () => company,
    notYet: () => Promise.resolve(new Set()),
    onRecorded(ended, recordedOf) {
      for (const { attempt } of ended) waiting.get(attempt)!(recordedOf(attempt.job.id));
    },
    onTrouble: (error) => trouble.push(error),
  });
  const settle = (attempt: Attempt, outcome: Outcome) =>
    new Promise<Recorded>((resolve) => {
      waiting.set(attempt, resolve);
      settler.settle({ attempt, outcome });
    });
  const attempts = claimed.map((job) => ({
    job,
    lease: { job_id: job.id, fencing_token: job.fencing_token },
    until: 30_000,
  }));
  store.calls.length = 0;
  return { clock, store, settle, attempts, trouble };
}

Deno.test("a lone job is settled at once", async () => {
  const { store, settle, attempts } = await setUp(1, false);
  assert.equal(await settle(attempts[0]!, done), "completed");
  assert.deepEqual(store.calls, ["complete 1"]);
});

Deno.test("jobs that end within a few milliseconds share one statement per kind", async () => {
  const { clock, store, settle, attempts } = await setUp(8);
  const outcomes = attempts.map((attempt, n) => settle(attempt, n < 6 ? done : fatal));
  assert.deepEqual(store.calls, []);
  await clock.advance(4);
  const recorded = await Promise.all(outcomes);
  assert.deepEqual(store.calls.toSorted(), ["complete 6", "fail 2"]);
  assert.deepEqual(recorded, [...Array(6).fill("completed"), "failed", "failed"]);
});

Deno.test("what ends while a batch is under way goes together with the next", async () => {
  const { clock, store, settle, attempts } = await setUp(3);
  const gate = Promise.withResolvers<void>();
  const complete = store.complete.bind(store);
  store.complete = async (jobs: Completion[]) => {
    await gate.promise;
    return await complete(jobs);
  };
  const first = settle(attempts[0]!, done);
  await clock.advance(4);
  const rest = [
    settle(attempts[1]!, done),
    settle(attempts[2]!, done),
  ];
  await clock.advance(50);
  gate.resolve();
  await Promise.all([first, ...rest]);
  assert.deepEqual(store.calls, ["complete 1", "complete 2"]);
});

Deno.test("a full batch does not wait for the one before it, the next one does", async () => {
  const { clock, store, settle, attempts } = await setUp(350);
  const gate = Promise.withResolvers<void>();
  const sizes: number[] = [];
  const complete = store.complete.bind(store);
  store.complete = async (jobs: Completion[]) => {
    sizes.push(jobs.length);
    await gate.promise;
    return await complete(jobs);
  };
  const recorded = Promise.all(attempts.map((attempt) => settle(attempt, done)));
  await clock.advance(50);
  assert.deepEqual(sizes, [100, 100]);
  gate.resolve();
  await recorded;
  assert.deepEqual(sizes, [100, 100, 100, 50]);
});

Deno.test("an outcome of a lost lease is refused, and the others of its batch are not", async () => {
  const { clock, store, settle, attempts } = await setUp(2);
  store.steal(attempts[0]!.job.id);
  const recorded = Promise.all(attempts.map((attempt) => settle(attempt, done)));
  await clock.advance(4);
  assert.deepEqual(await recorded, [null, "completed"]);
});

for (
  const outcome of [done, fatal, { kind: "yielded", delayMs: 0 }] satisfies Outcome[]
) {
  Deno.test(`what somebody holds is asked for again, and nobody waits for it: ${outcome.kind}`, async () => {
    const { clock, store, settle, attempts } = await setUp(4);
    const [held, other, later, lost] = attempts.map(({ job }) => job.id);
    store.heldByOthers.add(held!).add(lost!);
    const known = new Map<string, Recorded>();
    const watch = (n: number) =>
      settle(attempts[n]!, outcome).then((recorded) => known.set(attempts[n]!.job.id, recorded));
    for (const n of [0, 1, 3]) watch(n);
    await clock.advance(4);
    const recorded = outcome === done ? "completed" : outcome === fatal ? "failed" : "pending";
    assert.deepEqual(known, new Map([[other, recorded]]), "others of its batch");
    watch(2);
    await clock.advance(4);
    assert.equal(known.get(later!), recorded, "and what ends while it is held");
    await clock.advance(1_000);
    store.steal(lost!);
    store.heldByOthers.clear();
    await clock.advance(2_000);
    assert.equal(known.get(held!), recorded);
    assert.equal(known.get(lost!), null, "what was taken away meanwhile is lost");
  });
}

Deno.test("cancelled and lost jobs are not settled at all", async () => {
  const { store, settle, attempts } = await setUp(2);
  assert.equal(await settle(attempts[0]!, { kind: "cancelled" }), null);
  assert.equal(await settle(attempts[1]!, { kind: "lost" }), null);
  assert.deepEqual(store.calls, []);
});

Deno.test("a result that cannot be stored fails its own job only", async () => {
  const { clock, store, settle, attempts } = await setUp(3);
  store.onComplete = (jobs) => {
    const bad = jobs.some((job) => job.job_id === attempts[1]!.job.id);
    if (bad) throw Object.assign(new RangeError("too large"), { hint: "RESULT_TOO_LARGE" });
  };
  const recorded = Promise.all(attempts.map((attempt) => settle(attempt, done)));
  await clock.advance(4);
  assert.deepEqual(await recorded, ["completed", "failed", "completed"]);
  assert.equal(store.rows.get(attempts[1]!.job.id)!.failure!.error_code, "RESULT_TOO_LARGE");
});

Deno.test("a database that is away is asked again until it is back", async () => {
  const { clock, store, settle, attempts, trouble } = await setUp(1, false);
  store.down = new Error("connection refused");
  const recorded = settle(attempts[0]!, done);
  await clock.advance(1_000);
  store.down = null;
  await clock.advance(2_000);
  assert.equal(await recorded, "completed");
  assert.ok(trouble.length > 1);
});

Deno.test("a database that stays away is given up on when the lease ends", async () => {
  const { clock, store, settle, attempts } = await setUp(1, false);
  store.down = new Error("connection refused");
  let recorded: unknown = "waiting";
  settle({ ...attempts[0]!, until: 5_000 }, done).then((status) => recorded = status);
  await clock.advance(4_000);
  assert.equal(recorded, "waiting");
  await clock.advance(3_000);
  await settled();
  assert.equal(recorded, null);
});

Deno.test("a wait is settled by itself, and its job may have ended with it", async () => {
  const { store, settle, attempts } = await setUp(2);
  const wait: Outcome = { kind: "waiting", onChildFailure: "partial", whenDone: "complete" };
  await store.createChildren(attempts[1]!.lease, [{ job_type: "test_job", params: {} }]);
  assert.equal(await settle(attempts[0]!, wait), "completed");
  assert.equal(await settle(attempts[1]!, wait), "pending");
  store.steal(attempts[1]!.job.id);
  assert.equal(await settle(attempts[1]!, wait), null);
});

Deno.test("one outcome among many that cannot be stored costs a few statements, not one for each", async () => {
  const { clock, store, settle, attempts } = await setUp(64);
  store.onComplete = (jobs) => {
    if (jobs.some((job) => job.job_id === attempts[42]!.job.id)) throw new RangeError("no");
  };
  const recorded = Promise.all(attempts.map((attempt) => settle(attempt, done)));
  await clock.advance(4);
  const counts = Map.groupBy(await recorded, (status) => status ?? "none");
  assert.deepEqual([counts.get("completed")?.length, counts.get("failed")?.length], [63, 1]);
  assert.ok(store.calls.length <= 1 + 2 * Math.log2(64) + 1, `${store.calls.length} statements`);
});

/** Settles one outcome on a store that refuses some failures. */
async function settledAs(outcome: Outcome, refuses: (failure: Failure) => boolean = () => false) {
  const { store, settle, attempts } = await setUp(1, false);
  const fail = store.fail.bind(store);
  store.fail = async (jobs) => {
    if (jobs.some(refuses)) throw new RangeError("no");
    return await fail(jobs);
  };
  const no = () => Promise.reject(new RangeError("no"));
  Object.assign(store, { giveBack: no, waitForChildren: no });
  const status = await settle(attempts[0]!, outcome);
  return { status, failure: store.row(attempts[0]!.job.id).failure };
}

Deno.test("a yield or a wait whose checkpoint cannot be stored is a failure, not a lost job", async () => {
  const wait = { kind: "waiting", onChildFailure: "partial", whenDone: "complete" } as const;
  for (const outcome of [{ kind: "yielded", delayMs: 0 } as const, wait]) {
    const { status, failure } = await settledAs({ ...outcome, checkpoint: "\0" });
    assert.equal(status, "failed");
    assert.deepEqual(
      [failure?.error_code, failure?.error_message],
      ["INVALID_RESULT", "Checkpoint cannot be stored"],
    );
  }
});

Deno.test("a failure that cannot be stored is recorded in the catalogue's words, as retryable as it was", async () => {
  const odd = { kind: "failed", code: "PROVIDER_UNAVAILABLE", message: "\0" } as const;
  const refuses = (failure: Failure) =>
    failure.error_message === "\0" || failure.retry_after_ms !== undefined;
  const { status, failure } = await settledAs(
    { ...odd, retryable: true, retryAfterMs: 1e300 },
    refuses,
  );
  assert.equal(status, "pending");
  assert.equal(failure?.error_message, "The platform does not answer.");
  assert.equal((await settledAs({ ...odd, retryable: false }, refuses)).status, "failed");
});

Deno.test("a failure that not even plain words can say is given up, once", async () => {
  let refusals = 0;
  const { status } = await settledAs(fatal, () => (refusals += 1) > 0);
  assert.deepEqual([status, refusals], [null, 2]);
});

Deno.test("an outcome is tried for as long as heartbeats keep its lease", async () => {
  const { clock, store, settle, attempts } = await setUp(1, false);
  const attempt = { ...attempts[0]!, until: 5_000 };
  store.down = new Error("connection refused");
  const recorded = settle(attempt, done);
  await clock.advance(4_000);
  attempt.until = 20_000;
  await clock.advance(8_000);
  store.down = null;
  await clock.advance(3_000);
  assert.equal(await recorded, "completed");
});

Deno.test("an outcome whose answer was lost is said to be recorded, and only if it was", async () => {
  const { clock, store, settle, attempts } = await setUp(3);
  const [recorded, stolen] = attempts.slice(1);
  store.steal(stolen!.job.id);
  const { complete } = store;
  store.complete = async (jobs) => {
    store.complete = complete;
    await store.complete(jobs);
    throw new Error("the connection was cut");
  };
  const first = settle(recorded!, done);
  const other = settle(stolen!, done);
  await clock.advance(200);
  assert.deepEqual([await first, await other], ["completed", null]);
  const calls = store.calls.length;
  const third = settle(attempts[0]!, done);
  await clock.advance(10);
  assert.equal(await third, "completed");
  assert.deepEqual(
    store.calls.slice(calls),
    ["complete 1"],
    "nobody asks where no answer was lost",
  );
});

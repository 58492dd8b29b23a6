import assert from "node:assert/strict";
import type { z } from "zod";
import { runInMemory, TestQueue } from "../testing.ts";
import { selfTest } from "./self_test.ts";

type Params = z.input<typeof selfTest.params>;

async function drained(params: Params, options: { sliceMs?: number } = {}) {
  const queue = new TestQueue([selfTest], undefined, options);
  const row = queue.add(selfTest, params);
  await queue.drain();
  return { queue, row };
}

Deno.test("self_test takes its steps, shows each, and says how many", async () => {
  const { queue, row } = await drained({});
  assert.deepEqual([row.status, row.result], ["completed", { steps: 5, slices: 1 }]);
  assert.deepEqual(row.progress.map(({ percent, message }) => `${percent} ${message}`), [
    "20 Step 1 of 5",
    "40 Step 2 of 5",
    "59 Step 3 of 5",
    "79 Step 4 of 5",
    "99 Step 5 of 5",
  ]);
  assert.equal(queue.clock.now(), 5 * 200);
});

Deno.test("self_test ends its slice after every n steps, and goes on where it was", async () => {
  const { queue, row } = await drained({ steps: 7, yield_every: 3 });
  assert.deepEqual(row.result, { steps: 7, slices: 3 });
  assert.deepEqual(queue.runs.map(({ startedAt }) => startedAt), [0, 600, 1_200]);
});

Deno.test("self_test ends its slice when the time is up", async () => {
  const { row } = await drained({ steps: 10, step_ms: 100 }, { sliceMs: 300 });
  assert.deepEqual(row.result, { steps: 10, slices: 4 });
});

Deno.test("self_test fails so many attempts as it is asked to, each where the last one stopped", async () => {
  const { queue, row } = await drained({ steps: 4, fail: "retryable", fail_attempts: 2 });
  assert.deepEqual([row.status, row.job.retry_count], ["completed", 2]);
  assert.deepEqual(row.result, { steps: 4, slices: 3 });
  assert.deepEqual(queue.runs.map(({ outcome }) => outcome.kind), [
    "failed",
    "failed",
    "completed",
  ]);
  assert.equal(queue.logsOf(row).filter(({ message }) => message === "Failing as asked").length, 2);
});

Deno.test("self_test that fails for ever uses up its retries", async () => {
  const { row } = await drained({ steps: 1, fail: "retryable" });
  assert.deepEqual([row.status, row.job.retry_count], ["failed", 3]);
  assert.equal(row.failure?.error_code, "SELF_TEST_FAILED");
});

Deno.test("self_test can ask for the time of its next attempt", async () => {
  const { queue } = await drained({ step_ms: 0, fail: "retry_after", fail_attempts: 1 });
  assert.deepEqual(queue.runs.map(({ startedAt }) => startedAt), [0, 1_000]);
});

Deno.test("self_test can fail for good, and run on after a manual retry", async () => {
  const { queue, row } = await drained({ steps: 4, fail: "fatal", fail_attempts: 1 });
  assert.deepEqual([row.status, row.job.retry_count], ["failed", 0]);
  row.status = "pending";
  await queue.drain();
  assert.deepEqual(row.result, { steps: 4, slices: 2 });
});

Deno.test("self_test waits for its children before its own steps, and counts them", async () => {
  const { queue, row } = await drained({
    steps: 2,
    children: 4,
    child_steps: 3,
    failing_children: 1,
  });
  assert.deepEqual(row.result, {
    steps: 2,
    slices: 2,
    children: { total: 4, completed: 3, failed: 1, cancelled: 0 },
  });
  const runs = queue.runs.map(({ job }) => job.parent_job_id ? "child" : "parent");
  assert.deepEqual(runs, ["parent", "child", "child", "child", "child", "parent"]);
});

Deno.test("self_test can leave its end to the engine, and to its first failed child", async () => {
  const whole = await drained({ children: 2, when_done: "complete" });
  const result = whole.row.result as { completed: number; children: { key: string }[] };
  assert.deepEqual([result.completed, result.children.map(({ key }) => key)], [2, ["1", "2"]]);
  const broken = await drained({ children: 3, failing_children: 1, on_child_failure: "fail_fast" });
  assert.equal(broken.row.failure?.error_code, "CHILD_FAILED");
  const states = broken.queue.store.childrenOf(broken.row.job.id).map(({ status }) => status);
  assert.deepEqual(states, ["failed", "cancelled", "cancelled"]);
});

Deno.test("self_test fills its result when asked", async () => {
  const { row } = await drained({ steps: 1, result_size: 1_000 });
  assert.equal((row.result as { filling: string }).filling.length, 1_000);
});

Deno.test("self_test stops when it is cancelled", async () => {
  const { outcome } = await runInMemory(selfTest, {
    params: {},
    deps: undefined,
    started: ({ abort }) => abort("cancelled"),
  });
  assert.deepEqual(outcome, { kind: "cancelled" });
});

Deno.test("self_test refuses what it does not know and what would take too long", async () => {
  const refused: Record<string, unknown>[] = [
    { stepz: 1 },
    { steps: 0 },
    { steps: 101 },
    { step_ms: 5_001 },
    { steps: 100, step_ms: 1_201 },
    { children: 101 },
    { children: 100, child_steps: 11, step_ms: 0 },
    { children: 100, child_steps: 10, step_ms: 121 },
    { fail: "sometimes" },
    { result_size: 300_001 },
  ];
  for (const params of refused) {
    const { outcome } = await runInMemory(selfTest, { params, deps: undefined });
    assert.equal(
      outcome.kind === "failed" && outcome.code,
      "INVALID_PARAMS",
      JSON.stringify(params),
    );
  }
});

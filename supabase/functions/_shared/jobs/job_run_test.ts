import assert from "node:assert/strict";
import type { AbortReason } from "./errors.ts";
import { JobRun } from "./job_run.ts";
import { LogBuffer } from "./log_buffer.ts";
import { MemoryStore } from "./memory_store.ts";
import type { RunParts } from "./run_parts.ts";
import { claimedJob, FakeClock, noDb } from "./testing.ts";

async function setUp(onAbort?: RunParts["onAbort"]) {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const row = store.add(claimedJob());
  const [job] = await store.claim("w", 1, ["test_job"]);
  const run = new JobRun(job!, {
    store,
    clock,
    db: noDb,
    logs: new LogBuffer(store, clock, 500),
    progressIntervalMs: 0,
    remaining: () => 1_000,
    onTrouble() {},
    onAbort,
  });
  return { clock, store, row, run };
}

Deno.test("a signal that is first asked for after the abort has fired, with the first reason", async () => {
  const { run } = await setUp();
  run.abort("cancelled");
  run.abort("shutdown");
  assert.equal(run.signal.aborted, true);
  assert.equal(run.signal.reason.reason, "cancelled");
  assert.throws(() => run.mustBeOpen(), { name: "JobAborted", reason: "cancelled" });
});

Deno.test("a signal that was asked for before fires once", async () => {
  const { run } = await setUp();
  let fired = 0;
  run.signal.addEventListener("abort", () => fired += 1);
  run.abort("shutdown");
  run.abort("cancelled");
  assert.deepEqual([fired, run.aborted], [1, "shutdown"]);
});

Deno.test("an abort is told once, and not at all when the handler has ended", async () => {
  const heard: AbortReason[] = [];
  const { run } = await setUp((_run, reason) => heard.push(reason));
  run.abort("lease_lost");
  run.abort("slice_over");
  const ended = await setUp((_run, reason) => heard.push(reason));
  ended.run.isOver = true;
  ended.run.abort("shutdown");
  assert.deepEqual(heard, ["lease_lost"]);
});

Deno.test("a run that is closed announces, logs and writes nothing", async () => {
  const { clock, store, row, run } = await setUp();
  run.close();
  run.announce();
  run.log.info("late");
  run.progress.report(50);
  await run.flush();
  await clock.advance(1_000);
  assert.deepEqual([row.progress, store.logs], [[], []]);
  assert.throws(() => run.mustBeOpen(), { reason: "lease_lost" });
});

Deno.test("flush() sends what the handler has said", async () => {
  const { store, row, run } = await setUp();
  assert.equal(run.hasSpoken, false);
  run.progress.report(50, "Half-way");
  run.log.info("half-way");
  assert.equal(run.hasSpoken, true);
  await run.flush();
  assert.deepEqual(row.progress, [{ percent: 50, message: "Half-way" }]);
  assert.deepEqual(store.logs.map(({ message }) => message), ["half-way"]);
});

Deno.test("a job says that it starts, or resumes, unless its handler has said something", async () => {
  const fresh = await setUp();
  fresh.run.announce();
  await fresh.run.flush();
  assert.deepEqual(fresh.row.progress, [{ percent: 1, message: "Starting" }]);
  const said = await setUp();
  said.run.progress.report(7, "Reading");
  said.run.announce();
  await said.run.flush();
  assert.deepEqual(said.row.progress, [{ percent: 7, message: "Reading" }]);
});

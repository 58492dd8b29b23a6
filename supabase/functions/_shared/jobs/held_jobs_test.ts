import assert from "node:assert/strict";
import { FakeClock } from "./fake_clock.ts";
import { claimedJob, noDb } from "./fakes.ts";
import { HeldJobs } from "./held_jobs.ts";
import { JobRun } from "./job_run.ts";
import { LogBuffer } from "./log_buffer.ts";
import { MemoryStore } from "./memory_store.ts";

function setUp(names: string[]) {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const logs = new LogBuffer(store, clock, 1);
  const parts = {
    store,
    clock,
    logs,
    db: noDb,
    progressIntervalMs: 1,
    remaining: () => 1,
    onTrouble() {},
  };
  const held = new HeldJobs();
  const runs = names.map((id) => new JobRun(claimedJob({ id }), parts, 10, 100));
  for (const run of runs) held.add(run);
  const namesHeld = () => Array.from(held, ({ job }) => job.id).join("");
  return { clock, held, runs, namesHeld };
}

Deno.test("jobs are held in the order in which they were started, whichever of them ends", () => {
  const names = ["a", "b", "c", "d"];
  for (const gone of [[0], [1], [3], [0, 1], [2, 3], [3, 2], [1, 2], [1, 3, 0], [0, 1, 2, 3]]) {
    const { held, runs, namesHeld } = setUp(names);
    for (const n of gone) held.remove(runs[n]!);
    const left = names.filter((_, n) => !gone.includes(n));
    assert.deepEqual([namesHeld(), held.size], [left.join(""), left.length]);
    held.add(runs[gone[0]!]!);
    assert.deepEqual([namesHeld(), held.size], [left.join("") + names[gone[0]!], left.length + 1]);
  }
});

Deno.test("a job that is not held is not removed again", () => {
  const { held, runs, namesHeld } = setUp(["a", "b"]);
  for (let n = 0; n < 2; n += 1) {
    held.remove(runs[0]!);
    assert.deepEqual([namesHeld(), held.size], ["b", 1]);
  }
});

Deno.test("what is still held when the time is over is told to stop, and waited for", async () => {
  const { clock, held, runs: [first, second] } = setUp(["a", "b"]);
  const emptied = held.emptyWithin(clock, 50);
  held.remove(first!);
  await clock.advance(49);
  assert.equal(second!.aborted, null);
  await clock.advance(1);
  assert.equal(second!.aborted, "slice_over");
  assert.equal(first!.aborted, null);
  held.remove(second!);
  await emptied;
});

Deno.test("news of a heartbeat reaches the attempts that it was asked about", () => {
  const { held, runs: [a, b, c] } = setUp(["a", "b", "c"]);
  held.heed({ held: ["a"], cancelled: ["b"], lost: ["c", "of another worker"], drain: false }, 10);
  assert.deepEqual([a!.aborted, b!.aborted, c!.aborted], [null, "cancelled", "lease_lost"]);
  assert.equal(a!.until, 10 + 30_000 * 0.75);
  assert.equal(b!.until, 100);
  const younger = setUp(["b"]);
  younger.held.heed({ held: [], cancelled: ["b"], lost: ["b"], drain: false }, 9);
  assert.equal(younger.runs[0]!.aborted, null);
});

import assert from "node:assert/strict";
import type { BatchRow } from "./describe_job.ts";
import { estimateRemaining, type Paced } from "./estimate_remaining.ts";

type Case = Partial<Paced> & { batch?: BatchRow };

const NOW = Date.UTC(2026, 0, 1, 0, 1, 0);
const at = (secondsAgo: number) => new Date(NOW - secondsAgo * 1000).toISOString();

function job(parts: Partial<Paced> = {}): Paced {
  return {
    status: "processing",
    held_by: null,
    created_at: at(60),
    requested_at: at(60),
    scheduled_for: at(60),
    slice_started_at: at(20),
    runtime_seconds: 0,
    progress_base_seconds: 0,
    progress_percent: 40,
    ...parts,
  };
}

const waiting = { status: "pending", slice_started_at: null } as const;
const batch = { total: 10, completed: 3, failed: 1, cancelled: 0, created_at: at(20) };
const parent = { ...waiting, held_by: "children", progress_percent: 40, batch } as const;

const cases: [string, Case, number | null][] = [
  ["goes on at the pace so far", {}, 30],
  ["adds the work of earlier slices", { runtime_seconds: 60 }, 120],
  [
    "leaves out work from before the progress went back to 0",
    { runtime_seconds: 600, progress_base_seconds: 600 },
    30,
  ],
  ["stands still between two slices", { ...waiting, runtime_seconds: 20 }, 30],
  [
    "adds the wait that is known",
    { ...waiting, runtime_seconds: 20, scheduled_for: at(-45) },
    75,
  ],
  ["is a parent's by how fast its children end", parent, 30],
  ["is null at 0 %", { progress_percent: 0 }, null],
  ["is null before two seconds of work", { slice_started_at: at(1.9) }, null],
  [
    "is null before two seconds of work since a fresh start",
    { runtime_seconds: 600, progress_base_seconds: 600, slice_started_at: at(1) },
    null,
  ],
  ["is null for a job that has not begun", { ...waiting, progress_percent: 0 }, null],
  ["is null when nothing is left", { progress_percent: 100 }, null],
  [
    "is null while the user is paused",
    { ...waiting, runtime_seconds: 20, held_by: "user_pause" },
    null,
  ],
  [
    "is null before a child has ended",
    { ...parent, batch: { ...batch, completed: 0, failed: 0 } },
    null,
  ],
  [
    "is null before two seconds of children",
    { ...parent, batch: { ...batch, created_at: at(1) } },
    null,
  ],
  ["is null for a parent that does its own work", { batch }, null],
  ["is null after a retry by hand", { requested_at: at(30) }, null],
  ["is null after a parent's retry by hand", { ...parent, requested_at: at(30) }, null],
  ["is null when it has ended", { ...waiting, status: "failed", runtime_seconds: 20 }, null],
];

for (const [what, { batch = null, ...parts }, seconds] of cases) {
  Deno.test(`estimateRemaining() ${what}`, () => {
    assert.equal(estimateRemaining(job(parts), batch, NOW), seconds);
  });
}

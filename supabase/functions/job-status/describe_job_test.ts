import assert from "node:assert/strict";
import { describeJob, estimateRemaining, type JobRow } from "./describe_job.ts";

const NOW = Date.UTC(2026, 0, 1, 0, 1, 0);

function job(parts: Partial<JobRow> = {}): JobRow {
  return {
    id: "j",
    job_type: "sync_youtube",
    status: "processing",
    progress_percent: 40,
    progress_message: "100 of 250",
    result: null,
    error_code: null,
    error_message: null,
    created_at: "2026-01-01T00:00:00+00:00",
    started_at: "2026-01-01T00:00:40+00:00",
    slice_started_at: "2026-01-01T00:00:40+00:00",
    runtime_seconds: 0,
    completed_at: null,
    updated_at: "2026-01-01T01:00:50+01:00",
    retry_count: 0,
    crash_count: 0,
    seq: 3,
    ...parts,
  };
}

Deno.test("estimateRemaining() goes on at the pace so far", () => {
  assert.equal(estimateRemaining(job(), NOW), 30);
});

Deno.test("estimateRemaining() counts the work of earlier slices, not the wait between them", () => {
  const later = job({ runtime_seconds: 60, started_at: "2025-12-31T00:00:00+00:00" });
  assert.equal(estimateRemaining(later, NOW), 120);
});

for (
  const [what, parts] of [
    ["nothing is done", { progress_percent: 0 }],
    ["it has hardly begun", { slice_started_at: "2026-01-01T00:00:59+00:00" }],
    ["it waits", { status: "pending", slice_started_at: null }],
    ["it has ended", { status: "completed", progress_percent: 100, slice_started_at: null }],
  ] as const
) {
  Deno.test(`estimateRemaining() is null when ${what}`, () => {
    assert.equal(estimateRemaining(job(parts), NOW), null);
  });
}

Deno.test("describeJob() shows times in UTC and an error only for a failed job", () => {
  const waiting = job({
    status: "pending",
    error_code: "PROVIDER_UNAVAILABLE",
    error_message: "m",
  });
  assert.equal(describeJob(waiting, NOW).updated_at, "2026-01-01T00:00:50.000Z");
  assert.equal(describeJob(waiting, NOW).error, null);
  assert.deepEqual(describeJob({ ...waiting, status: "failed" }, NOW).error, {
    code: "PROVIDER_UNAVAILABLE",
    message: "m",
  });
});

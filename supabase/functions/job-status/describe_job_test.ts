import assert from "node:assert/strict";
import { type ChildRow, describeJob, type JobRow } from "./describe_job.ts";

const NOW = Date.UTC(2026, 0, 1, 0, 1, 0);

function job(parts: Partial<JobRow> = {}): JobRow {
  return {
    id: "j",
    parent_job_id: null,
    job_type: "sync_youtube",
    status: "processing",
    job_priority: 5,
    progress_percent: 40,
    progress_message: "100 of 250",
    result: null,
    error_code: null,
    error_message: null,
    created_at: "2026-01-01T00:00:00+00:00",
    requested_at: "2026-01-01T00:00:00+00:00",
    scheduled_for: "2026-01-01T00:00:00+00:00",
    started_at: "2026-01-01T00:00:40+00:00",
    slice_started_at: "2026-01-01T00:00:40+00:00",
    runtime_seconds: 0,
    progress_base_seconds: 0,
    held_by: null,
    completed_at: null,
    updated_at: "2026-01-01T01:00:50+01:00",
    retry_count: 0,
    crash_count: 0,
    seq: 3,
    ...parts,
  };
}

function child(parts: Partial<ChildRow> = {}): ChildRow {
  return {
    id: "c",
    dedupe_key: "key:tiktok",
    job_type: "self_test",
    status: "processing",
    progress_percent: 10,
    error_code: null,
    error_message: null,
    ...parts,
  };
}

Deno.test("describeJob() shows progress with an estimate, and times in UTC", () => {
  const shown = describeJob({ job: job(), batch: null, children: [] }, NOW);
  assert.deepEqual(shown.progress, { percent: 40, message: "100 of 250", eta_seconds: 30 });
  assert.equal(shown.updated_at, "2026-01-01T00:00:50.000Z");
  assert.equal(shown.completed_at, null);
});

Deno.test("describeJob() says nothing of children when there are none", () => {
  assert.equal("children" in describeJob({ job: job(), batch: null, children: [] }, NOW), false);
});

Deno.test("describeJob() counts the children of a parent and lists the first", () => {
  const batch = {
    total: 60,
    completed: 2,
    failed: 1,
    cancelled: 3,
    created_at: "2026-01-01T00:00:00+00:00",
  };
  const failed = child({
    id: "d",
    dedupe_key: "0a1b2c",
    status: "failed",
    error_code: "SELF_TEST_FAILED",
    error_message: "m",
  });
  assert.deepEqual(describeJob({ job: job(), batch, children: [child(), failed] }, NOW).children, {
    total: 60,
    completed: 2,
    failed: 1,
    cancelled: 3,
    active: 54,
    items: [
      {
        id: "c",
        key: "tiktok",
        type: "self_test",
        status: "processing",
        progress: { percent: 10 },
        error: null,
      },
      {
        id: "d",
        type: "self_test",
        status: "failed",
        progress: { percent: 10 },
        error: { code: "SELF_TEST_FAILED", message: "m" },
      },
    ],
  });
});

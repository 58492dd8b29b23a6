import assert from "node:assert/strict";
import { createLogger } from "../log.ts";
import { endingOf, JobReport } from "./job_report.ts";
import type { ClaimedJob } from "./job_store.ts";
import type { Outcome } from "./outcomes.ts";
import { claimedJob } from "./testing.ts";

const completed: Outcome = { kind: "completed", result: null };
const failed: Outcome = {
  kind: "failed",
  code: "HANDLER_ERROR",
  message: "It went wrong",
  retryable: true,
  cause: "Error: ann@mail.example",
};

/** What is logged of these ends, in this order. */
function linesOf(ends: [job: ClaimedJob, outcome: Outcome, durationMs: number][]) {
  const lines: string[] = [];
  const report = new JobReport(createLogger({ function: "f" }, (line) => lines.push(line)));
  for (const [job, outcome, durationMs] of ends) {
    report.log(job, outcome, endingOf(outcome, "pending"), durationMs);
  }
  return lines.map((line) => {
    const { time, ...said } = JSON.parse(line);
    assert.match(time, /Z$/);
    return said;
  });
}

Deno.test("a job's line says the same whatever the lines before it said", () => {
  const job = (changes: Partial<ClaimedJob> = {}) =>
    claimedJob({ id: crypto.randomUUID(), fencing_token: 7, ...changes });
  const ends: [ClaimedJob, Outcome, number][] = [
    [job(), completed, 5],
    [job(), completed, 5.2],
    [job(), completed, 4.9],
    [job(), failed, 5],
    [job(), completed, 5],
    [job(), { kind: "cancelled" }, 5],
    [job(), { kind: "cancelled" }, 5],
    [job(), completed, 6],
    [job({ fencing_token: 8 }), completed, 6],
    [job({ fencing_token: 8, retry_count: 1, crash_count: 1 }), completed, 6],
    [job({ fencing_token: 8, job_type: "another" }), completed, 6],
    [job({ fencing_token: 8, job_type: "another" }), completed, 6],
    [job(), completed, 5],
  ];
  const alone = ends.flatMap((end) => linesOf([end]));
  assert.deepEqual(linesOf(ends), alone);
  const { id, job_type } = ends[2]![0];
  assert.deepEqual(alone[2], {
    level: "info",
    message: "job",
    function: "f",
    job_id: id,
    job_type,
    attempt: 1,
    claim: 7,
    duration_ms: 5,
    outcome: "completed",
  });
  assert.equal(alone[9].attempt, 3);
});

Deno.test("the line of a failed attempt says why, redacted", () => {
  const [line] = linesOf([[claimedJob(), failed, 1]]);
  assert.equal(line.error, "HANDLER_ERROR");
  assert.equal(line.error_message, "It went wrong");
  assert.equal(line.cause, "Error: [redacted]");
});

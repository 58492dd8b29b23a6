import type { BatchRow, JobRow } from "./describe_job.ts";

/** What an estimate is made of. */
export type Paced = Pick<
  JobRow,
  | "status"
  | "held_by"
  | "created_at"
  | "requested_at"
  | "scheduled_for"
  | "slice_started_at"
  | "runtime_seconds"
  | "progress_base_seconds"
  | "progress_percent"
>;

/** A job is asked for a moment after its transaction began, which is when it was created. */
const ASKED_AGAIN_MS = 1_000;

/** Below this much work a percentage says nothing about the rest. */
const EVIDENCE_SECONDS = 2;

/** Seconds until the job ends if it goes on at the pace so far; null while nothing supports an estimate. */
export function estimateRemaining(
  job: Paced,
  batch: BatchRow | null,
  now: number,
): number | null {
  if (job.status !== "pending" && job.status !== "processing") return null;
  // Retried by hand: what was done before shows in the percentage, and in no clock.
  if (Date.parse(job.requested_at) - Date.parse(job.created_at) > ASKED_AGAIN_MS) return null;
  if (job.held_by === "children") return batch && ofChildren(batch, now);
  // Nobody knows when a pause ends; and the percentage of a parent is its children's, not its own work.
  if (job.held_by === "user_pause" || batch !== null) return null;
  return ofOwnWork(job, now);
}

/** Work only, since the progress was last at 0: waiting between slices would stretch the estimate. */
function ofOwnWork(job: Paced, now: number): number | null {
  const slice = job.slice_started_at === null ? 0 : secondsBetween(job.slice_started_at, now);
  const worked = job.runtime_seconds - job.progress_base_seconds + slice;
  const left = remaining(worked, job.progress_percent, 100);
  if (left === null || job.status === "processing") return left;
  return left + Math.ceil(Math.max(0, -secondsBetween(job.scheduled_for, now)));
}

/** Children run side by side and wait for each other's slots: only the clock knows their pace. */
function ofChildren(batch: BatchRow, now: number): number | null {
  const ended = batch.completed + batch.failed + batch.cancelled;
  return remaining(secondsBetween(batch.created_at, now), ended, batch.total);
}

function remaining(seconds: number, done: number, total: number): number | null {
  if (seconds < EVIDENCE_SECONDS || done <= 0 || done >= total) return null;
  return Math.ceil(seconds * (total - done) / done);
}

function secondsBetween(time: string, now: number): number {
  return (now - Date.parse(time)) / 1000;
}

import type { Database } from "../_shared/database.types.ts";
import { errorOf, toUtc, waitingFor } from "../_shared/job_view.ts";
import { estimateRemaining } from "./estimate_remaining.ts";

type Tables = Database["public"]["Tables"];

/** The columns of {@link JobRow}. */
export const JOB_COLUMNS =
  "id, parent_job_id, job_type, status, job_priority, progress_percent, progress_message, result, error_code, error_message, created_at, requested_at, scheduled_for, started_at, slice_started_at, runtime_seconds, progress_base_seconds, held_by, completed_at, updated_at, retry_count, crash_count, seq";

/** The columns of {@link BatchRow}. */
export const BATCH_COLUMNS = "total, completed, failed, cancelled, created_at";

/** The counted children of a job. */
export type BatchRow = Pick<
  Tables["job_batch"]["Row"],
  "total" | "completed" | "failed" | "cancelled" | "created_at"
>;

/** The part of a job that its owner is told about. */
export type JobRow = Pick<
  Tables["job_queue"]["Row"],
  | "id"
  | "parent_job_id"
  | "job_type"
  | "status"
  | "job_priority"
  | "progress_percent"
  | "progress_message"
  | "result"
  | "error_code"
  | "error_message"
  | "created_at"
  | "requested_at"
  | "scheduled_for"
  | "started_at"
  | "slice_started_at"
  | "runtime_seconds"
  | "progress_base_seconds"
  | "held_by"
  | "completed_at"
  | "updated_at"
  | "retry_count"
  | "crash_count"
  | "seq"
>;

/** The columns of {@link ChildRow}. */
export const CHILD_COLUMNS =
  "id, dedupe_key, job_type, status, progress_percent, error_code, error_message";

/** A child as its parent's status lists it. */
export type ChildRow = Pick<
  Tables["job_queue"]["Row"],
  | "id"
  | "dedupe_key"
  | "job_type"
  | "status"
  | "progress_percent"
  | "error_code"
  | "error_message"
>;

/** Everything that a status is made of; `children` are the first of those that `batch` counts. */
export interface JobRows {
  job: JobRow;
  batch: BatchRow | null;
  children: ChildRow[];
}

/** A job as the API shows it. */
export function describeJob({ job, batch, children }: JobRows, now: number) {
  return {
    id: job.id,
    parent_job_id: job.parent_job_id,
    type: job.job_type,
    status: job.status,
    waiting_for: waitingFor(job, now),
    priority: job.job_priority,
    progress: {
      percent: job.progress_percent,
      message: job.progress_message,
      eta_seconds: estimateRemaining(job, batch, now),
    },
    result: job.result,
    error: errorOf(job),
    created_at: toUtc(job.created_at),
    scheduled_for: toUtc(job.scheduled_for),
    started_at: toUtc(job.started_at),
    completed_at: toUtc(job.completed_at),
    updated_at: toUtc(job.updated_at),
    retry_count: job.retry_count,
    crash_count: job.crash_count,
    seq: job.seq,
    ...(batch && { children: describeChildren(batch, children) }),
  };
}

function describeChildren({ total, completed, failed, cancelled }: BatchRow, items: ChildRow[]) {
  const active = total - completed - failed - cancelled;
  return { total, completed, failed, cancelled, active, items: items.map(describeChild) };
}

function describeChild(child: ChildRow) {
  // What follows "key:" is the name its parent gave it; else the key is a digest and names nothing.
  const key = /^key:(.*)$/s.exec(child.dedupe_key ?? "")?.[1];
  return {
    id: child.id,
    ...(key !== undefined && { key }),
    type: child.job_type,
    status: child.status,
    progress: { percent: child.progress_percent },
    error: errorOf(child),
  };
}

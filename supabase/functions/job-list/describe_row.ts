import type { Database, Json } from "../_shared/database.types.ts";
import { errorOf, toUtc, waitingFor } from "../_shared/job_view.ts";

/** A row of `get_user_jobs()`; which of its columns may be null, only the table says. */
export type JobListRow =
  & Pick<
    Database["public"]["Tables"]["job_queue"]["Row"],
    | "id"
    | "job_type"
    | "status"
    | "job_priority"
    | "progress_percent"
    | "progress_message"
    | "error_code"
    | "error_message"
    | "retry_count"
    | "crash_count"
    | "held_by"
    | "scheduled_for"
    | "created_at"
    | "started_at"
    | "completed_at"
    | "updated_at"
    | "seq"
  >
  & { has_result: boolean; params: Json };

/** A job as a list shows it: as `job-status` does, without what only a closer look needs. */
export function describeRow(job: JobListRow, now: number) {
  return {
    id: job.id,
    type: job.job_type,
    status: job.status,
    waiting_for: waitingFor(job, now),
    priority: job.job_priority,
    params: job.params,
    progress: { percent: job.progress_percent, message: job.progress_message },
    has_result: job.has_result,
    error: errorOf(job),
    created_at: toUtc(job.created_at),
    scheduled_for: toUtc(job.scheduled_for),
    started_at: toUtc(job.started_at),
    completed_at: toUtc(job.completed_at),
    updated_at: toUtc(job.updated_at),
    retry_count: job.retry_count,
    crash_count: job.crash_count,
    seq: job.seq,
  };
}

import type { Database } from "../_shared/database.types.ts";

/** The columns {@link describeJob} reads. */
export const JOB_COLUMNS =
  "id, job_type, status, progress_percent, progress_message, result, error_code, error_message, created_at, started_at, slice_started_at, runtime_seconds, completed_at, updated_at, retry_count, crash_count, seq";

/** The part of a job that its owner is told about. */
export type JobRow = Pick<
  Database["public"]["Tables"]["job_queue"]["Row"],
  | "id"
  | "job_type"
  | "status"
  | "progress_percent"
  | "progress_message"
  | "result"
  | "error_code"
  | "error_message"
  | "created_at"
  | "started_at"
  | "slice_started_at"
  | "runtime_seconds"
  | "completed_at"
  | "updated_at"
  | "retry_count"
  | "crash_count"
  | "seq"
>;

/** Below this much work a percentage says nothing about the rest. */
const EVIDENCE_SECONDS = 2;

/** A job as the API shows it. */
export function describeJob(job: JobRow, now: number) {
  return {
    id: job.id,
    type: job.job_type,
    status: job.status,
    progress: {
      percent: job.progress_percent,
      message: job.progress_message,
      eta_seconds: estimateRemaining(job, now),
    },
    result: job.result,
    // A job that waits for its retry keeps the last error; it has not failed with it.
    error: job.status === "failed" && job.error_code
      ? { code: job.error_code, message: job.error_message }
      : null,
    created_at: toUtc(job.created_at),
    started_at: toUtc(job.started_at),
    completed_at: toUtc(job.completed_at),
    updated_at: toUtc(job.updated_at),
    retry_count: job.retry_count,
    crash_count: job.crash_count,
    seq: job.seq,
  };
}

/** Seconds of work left if it goes on at the pace so far; null while nothing supports an estimate. */
export function estimateRemaining(job: JobRow, now: number): number | null {
  const percent = job.progress_percent;
  if (job.status !== "processing" || job.slice_started_at === null) return null;
  if (percent <= 0 || percent >= 100) return null;
  // Waiting between slices is not work: it would stretch the estimate for no reason.
  const worked = job.runtime_seconds + (now - Date.parse(job.slice_started_at)) / 1000;
  return worked < EVIDENCE_SECONDS ? null : Math.ceil(worked * (100 - percent) / percent);
}

function toUtc(time: string | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}

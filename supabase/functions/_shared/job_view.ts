/** What the endpoints say alike about a job: where to watch it, what it waits for, how it ended. */

import type { Database } from "./database.types.ts";
import { linkEnv } from "./env.ts";

type JobRow = Database["public"]["Tables"]["job_queue"]["Row"];

/** Why a pending job does not start although a worker may be free; null = it is simply next. */
export type WaitingFor = "children" | "pause" | "retry" | "schedule" | null;

/** Where a job can be followed: by asking, and live. */
export function whereToWatch(jobId: string) {
  return {
    polling_endpoint: `${linkEnv().publicUrl}/functions/v1/job-status?job_id=${jobId}`,
    websocket_channel: `job_status:${jobId}`,
  };
}

/** What a job that is not running waits for. */
export function waitingFor(
  job: Pick<JobRow, "status" | "held_by" | "scheduled_for" | "retry_count" | "error_code">,
  now: number,
): WaitingFor {
  if (job.status !== "pending") return null;
  if (job.held_by === "children") return "children";
  if (job.held_by === "user_pause") return "pause";
  if (Date.parse(job.scheduled_for) <= now) return null;
  return job.retry_count > 0 && job.error_code !== null ? "retry" : "schedule";
}

/** The error a job has ended with. One that waits for its retry keeps the last, but has not ended with it. */
export function errorOf(job: Pick<JobRow, "status" | "error_code" | "error_message">) {
  const isWhy = job.status === "failed" ||
    (job.status === "cancelled" && job.error_code === "SUPERSEDED");
  return isWhy && job.error_code ? { code: job.error_code, message: job.error_message } : null;
}

/** A time of the database in UTC, as the API writes times. */
export function toUtc(time: string): string;
export function toUtc(time: string | null): string | null;
export function toUtc(time: string | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}

/**
 * The state of a job as a page shows it, read from either of its two sources: the answer of
 * `job-status` and the broadcast `job_update`. Both carry the whole state, never a difference, so
 * the one with the higher `seq` is all there is to know.
 * @module
 */

/** Where a job is in its life. */
export type JobStatus = "pending" | "processing" | "completed" | "failed" | "cancelled";

/** How many children of a job are where. */
export interface ChildCounts {
  readonly total: number;
  readonly active: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
}

/** One state of a job. */
export interface JobState {
  readonly id: string;
  readonly type: string;
  readonly status: JobStatus;
  /** 0 to 100. */
  readonly percent: number;
  readonly message: string | null;
  readonly error: { readonly code: string; readonly message: string | null } | null;
  /** Undefined while it is not known: a broadcast leaves out what is larger than 32 KB. */
  readonly result: unknown;
  readonly seq: number;
  /** When it should be done, in ms since 1970, as `job-status` last estimated; else null. */
  readonly etaAt: number | null;
  /** As `job-status` last counted; null for a job without children. */
  readonly children: ChildCounts | null;
}

type Fields = Readonly<Record<string, unknown>>;

const statuses: readonly string[] = ["pending", "processing", "completed", "failed", "cancelled"];

/** Has the job ended? Only a manual retry brings it back. */
export function hasEnded({ status }: JobState): boolean {
  return status !== "pending" && status !== "processing";
}

/** Reads the answer of `job-status`; null when it is not one. */
export function fromStatus(answer: unknown, now = Date.now()): JobState | null {
  const job = fields(fields(answer).job);
  const progress = fields(job.progress);
  const eta = progress.eta_seconds;
  return checked({
    status: job.status,
    seq: job.seq,
    id: job.id,
    type: job.type,
    percent: progress.percent,
    message: progress.message ?? null,
    error: job.error ?? null,
    result: job.result ?? null,
    etaAt: typeof eta === "number" ? now + eta * 1000 : null,
    children: childCounts(job.children),
  });
}

/** Reads a broadcast; what only `job-status` knows is taken over from the state before. */
export function fromBroadcast(payload: unknown, before: JobState | null): JobState | null {
  const job = fields(payload);
  const failed = job.status === "failed" && typeof job.error_code === "string";
  return checked({
    status: job.status,
    seq: job.seq,
    id: job.job_id,
    type: job.job_type,
    percent: job.progress_percent,
    message: job.progress_message ?? null,
    error: failed ? { code: job.error_code, message: job.error_message ?? null } : null,
    result: job.status === "completed" ? job.result : null,
    etaAt: job.status === "processing" ? before?.etaAt ?? null : null,
    children: before?.children ?? null,
  });
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? value as Fields : {};
}

function childCounts(value: unknown): ChildCounts | null {
  const counts = fields(value);
  return typeof counts.total === "number" ? counts as unknown as ChildCounts : null;
}

// Whatever arrives is somebody else's text until its parts have been looked at.
function checked(state: { readonly [key in keyof JobState]: unknown }): JobState | null {
  const isOne = typeof state.id === "string" && typeof state.type === "string" &&
    typeof state.seq === "number" && typeof state.percent === "number" &&
    statuses.includes(String(state.status));
  return isOne ? state as JobState : null;
}

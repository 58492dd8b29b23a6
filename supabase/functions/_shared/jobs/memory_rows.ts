import type {
  BatchSummary,
  ChildResult,
  ClaimedJob,
  Failure,
  Progress,
  Wait,
} from "./job_store.ts";

/** A job in memory: what the database would hold, and what happened on the way. */
export interface MemoryRow {
  job: ClaimedJob;
  status: "pending" | "processing" | "completed" | "failed" | "cancelled";
  /** Earliest moment of its next start; Infinity while it waits for its children. */
  dueAt: number;
  /** Its name among the children of its parent. */
  key: string;
  checkpoint: unknown;
  result?: unknown;
  /** How the latest attempt failed. */
  failure?: Pick<Failure, "error_code" | "error_message" | "retryable">;
  /** Every progress that was written. */
  progress: Progress[];
  wait?: Wait;
  /** It has crashed, and is taken apart from the others. */
  hasCrashed?: boolean;
}

/** Whether nothing more will happen to it. */
export function hasEnded({ status }: MemoryRow): boolean {
  return status !== "pending" && status !== "processing";
}

/** Children counted the way `job_batch` does. */
export function summaryOf(children: readonly { status: string }[]): BatchSummary {
  const count = (status: string) => children.filter((row) => row.status === status).length;
  return {
    total: children.length,
    completed: count("completed"),
    failed: count("failed"),
    cancelled: count("cancelled"),
  };
}

/** A child as its parent reads it. */
export function childResult({ job, key, status, failure, result }: MemoryRow): ChildResult {
  return {
    job_id: job.id,
    key: key.startsWith("key:") ? key.slice(4) : null,
    job_type: job.job_type,
    status,
    error_code: status === "failed" ? failure?.error_code ?? null : null,
    result: result ?? null,
  };
}

/** Brings a parent that waits up to date with its children, as the database does when one ends. */
export function settleParent(parent: MemoryRow, children: MemoryRow[], now: number): void {
  const { wait } = parent;
  if (!wait || hasEnded(parent)) return;
  const summary = summaryOf(children);
  const isFailedFast = wait.on_child_failure === "fail_fast" && summary.failed > 0;
  if (!isFailedFast && !children.every(hasEnded)) return;
  delete parent.wait;
  if (isFailedFast) fail(parent);
  else if (wait.when_done === "resume") parent.dueAt = now;
  else if (summary.completed === 0 && summary.failed > 0) fail(parent);
  else {
    parent.status = "completed";
    parent.result = { ...summary, children: children.map(childResult) };
  }
}

function fail(parent: MemoryRow): void {
  parent.status = "failed";
  parent.failure = {
    error_code: "CHILD_FAILED",
    error_message: "A part of the job failed.",
    retryable: false,
  };
}

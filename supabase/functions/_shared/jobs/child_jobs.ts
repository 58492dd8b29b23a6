import type { Lease } from "./job_store.ts";

/** A job to create under another one; made by `child()`. */
export interface ChildJob {
  job_type: string;
  params: unknown;
  key?: string;
  priority?: number;
  delay_ms?: number;
}

/** How many children a job has, and how those that ended did. */
export interface BatchSummary {
  total: number;
  completed: number;
  failed: number;
  cancelled: number;
}

export interface ChildResult {
  job_id: string;
  /** The key it was created with, if any. */
  key: string | null;
  job_type: string;
  status: string;
  error_code: string | null;
  result: unknown;
}

export interface ChildPage {
  children: ChildResult[];
  /** Where the next page begins; null after the last one. */
  next: string | null;
}

/** How a slice ends that leaves the rest to the job's children. */
export interface Wait extends Lease {
  on_child_failure: "fail_fast" | "partial";
  when_done: "complete" | "resume";
  /** Left out, the stored checkpoint stays. */
  checkpoint?: unknown;
}

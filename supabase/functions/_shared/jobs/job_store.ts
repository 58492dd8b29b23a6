import type { Calling } from "./calling.ts";
import type { BatchSummary, ChildJob, ChildPage, Wait } from "./child_jobs.ts";

export type { BatchSummary, ChildJob, ChildPage, ChildResult, Wait } from "./child_jobs.ts";

/** What proves to the database that a write comes from the attempt that holds the job. */
export interface Lease {
  readonly job_id: string;
  readonly fencing_token: number;
}

/**
 * A job as it was claimed: the row's facts that the worker and a handler need. Counts of nothing are
 * null, as most are: they then cost neither end of the wire anything.
 */
export interface ClaimedJob {
  readonly id: string;
  readonly user_id: string | null;
  readonly job_type: string;
  readonly params: unknown;
  readonly checkpoint: unknown;
  readonly progress_percent: number | null;
  readonly retry_count: number | null;
  readonly crash_count: number | null;
  readonly parent_job_id: string | null;
  readonly fencing_token: number;
  /** How long the lease was when it was given; a duration, so that clocks need not agree. */
  readonly lease_ms: number;
}

/** A job that has crashed, and among how many it may run, itself counted. */
export interface CrashedJob extends ClaimedJob {
  readonly company: number;
}

export interface Beat {
  worker_id: string;
  leases: Lease[];
  capacity: number;
  in_flight: number;
  region: string | null;
}

/** What a heartbeat learned: job ids by fate, and whether the worker should drain. */
export interface HeartbeatReply {
  held: string[];
  cancelled: string[];
  lost: string[];
  drain: boolean;
  /** For how long jobs that have crashed their worker have waited, if there are any; see `Apart`. */
  crashed_ms?: number;
}

export interface Completion extends Lease {
  result: unknown;
}

export interface Failure extends Lease {
  error_message: string;
  error_code: string;
  retryable: boolean;
  retry_after_ms?: number;
}

export interface GiveBack extends Lease {
  /** Left out, the stored checkpoint stays. */
  checkpoint?: unknown;
  delay_ms?: number;
  /** Its handler was stopped: it has not moved on, and its streak of crashes goes on. */
  is_cut_short?: boolean;
}

export type LogLevel = "debug" | "info" | "warning" | "error";

export interface LogLine extends Lease {
  log_level: LogLevel;
  message: string;
  metadata: Record<string, unknown>;
  created_at: string;
}

export interface Progress {
  percent: number;
  message?: string | null;
}

/**
 * What is answered in place of an outcome while somebody else's transaction holds the job, as whoever
 * deletes an account does: nothing is recorded, nothing is lost, ask again.
 */
export const HELD = "held";

/**
 * The worker's view of the job tables. `store.ts` speaks to the database; `testing.ts` keeps it in
 * memory. Every write is fenced: `false`, null or a missing id means it was refused because the
 * lease is gone, and nothing was changed.
 */
export interface JobStore extends Calling {
  claim(workerId: string, limit: number, types: string[]): Promise<ClaimedJob[]>;
  /** Jobs that have crashed, to be run apart by a worker with room for so many that runs nothing else. */
  claimCrashed(
    workerId: string,
    concurrency: number,
    types: string[],
    /** What of these runs already, and the least company that one of it may have. */
    group?: { running: number; company: number },
  ): Promise<CrashedJob[]>;
  /** What was claimed for this worker, besides what it knows of: the answer was lost. */
  readUnheard(workerId: string, known: Lease[]): Promise<Lease[]>;
  heartbeat(beat: Beat): Promise<HeartbeatReply>;
  unregister(workerId: string): Promise<void>;
  saveProgress(lease: Lease, progress: Progress): Promise<boolean>;
  saveCheckpoint(lease: Lease, checkpoint: unknown, progress?: Progress): Promise<boolean>;
  /** The jobs whose completion was not recorded, by id, as a rule none: {@link HELD}, or null for refused. */
  complete(jobs: Completion[]): Promise<Map<string, typeof HELD | null>>;
  /** New status, or {@link HELD}, by id; a job whose failure was refused is left out. */
  fail(jobs: Failure[]): Promise<Map<string, string>>;
  /** `pending`, or {@link HELD}, by id; a job that was not ours to give back is left out. */
  giveBack(jobs: GiveBack[]): Promise<Map<string, string>>;
  /** What these attempts have recorded as their outcome, as the job's status by id; left out if nothing. */
  readRecorded(attempts: Lease[]): Promise<Map<string, string>>;
  /** The parent's new status: all children may have ended already. Null when it was refused. */
  waitForChildren(wait: Wait): Promise<string | null>;
  /** Per child whether it was created or joined, and with all of them the checkpoint; null when refused. */
  createChildren(
    lease: Lease,
    children: readonly ChildJob[],
    checkpoint?: unknown,
  ): Promise<("created" | "joined")[] | null>;
  /** Zeros for a job without children. */
  readBatch(parentId: string): Promise<BatchSummary>;
  readChildren(parentId: string, after: string | null, limit: number): Promise<ChildPage>;
  /** Answers the lines of jobs that somebody else holds this moment, to be written later. */
  addLogs(lines: LogLine[]): Promise<LogLine[]>;
  /** Whether some job could start now, of whatever type. */
  hasDueWork(): Promise<boolean>;
  /** Asks for another worker when claimable work is left. */
  ringDoorbell(): Promise<void>;
  /** Whether an error means "this input can never be stored", as opposed to "try again". */
  isBadInput(error: unknown): boolean;
  close(): Promise<void>;
}

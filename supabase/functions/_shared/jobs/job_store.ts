/** What proves to the database that a write comes from the attempt that holds the job. */
export interface Lease {
  readonly job_id: string;
  readonly fencing_token: number;
}

/** A job as it was claimed: the row's facts that the worker and a handler need. */
export interface ClaimedJob {
  readonly id: string;
  readonly user_id: string | null;
  readonly job_type: string;
  readonly params: unknown;
  readonly checkpoint: unknown;
  readonly progress_percent: number;
  readonly retry_count: number;
  readonly max_retries: number;
  readonly crash_count: number;
  readonly parent_job_id: string | null;
  readonly fencing_token: number;
  /** How long the lease was when it was given; a duration, so that clocks need not agree. */
  readonly lease_ms: number;
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

/** Ends a subscription to wake-up calls. */
export type Unlisten = () => Promise<void>;

/**
 * The worker's view of the job tables. `store.ts` speaks to the database; `testing.ts` keeps it in
 * memory. Every write is fenced: `false`, or a missing id, means it was refused because the lease
 * is gone, and nothing was changed.
 */
export interface JobStore {
  claim(workerId: string, limit: number, types: string[]): Promise<ClaimedJob[]>;
  heartbeat(beat: Beat): Promise<HeartbeatReply>;
  unregister(workerId: string): Promise<void>;
  saveProgress(lease: Lease, progress: Progress): Promise<boolean>;
  saveCheckpoint(lease: Lease, checkpoint: unknown, progress?: Progress): Promise<boolean>;
  /** Ids of the jobs whose completion was recorded. */
  complete(jobs: Completion[]): Promise<Set<string>>;
  /** New status by id, for the jobs whose failure was recorded. */
  fail(jobs: Failure[]): Promise<Map<string, string>>;
  /** Ids of the jobs that were given back. */
  giveBack(jobs: GiveBack[]): Promise<Set<string>>;
  addLogs(lines: LogLine[]): Promise<void>;
  /** Asks for another worker when claimable work is left. */
  ringDoorbell(): Promise<void>;
  /** Calls `onReady` when work arrives; null where the connection cannot be told (poll instead). */
  listen(onReady: () => void): Promise<Unlisten | null>;
  /** Whether an error means "this input can never be stored", as opposed to "try again". */
  isBadInput(error: unknown): boolean;
  close(): Promise<void>;
}

import type { Db } from "../db.ts";
import type { ChildAccess } from "./children.ts";
import type { ClaimedJob, Lease, Progress } from "./job_store.ts";
import type { JobLog } from "./log_buffer.ts";

/** What a handler works with. Every write it makes is fenced by `lease`. */
export interface JobContext<P, C> extends ChildAccess<C> {
  readonly job: Pick<ClaimedJob, "id" | "user_id" | "job_type" | "parent_job_id">;
  readonly params: P;
  /** Where an earlier slice or attempt stopped; null on a fresh start. */
  readonly checkpoint: C | null;
  /** For a handler's own rpc that must be refused once the job is no longer held. */
  readonly lease: Lease;
  /** Fires on cancel, lost lease, end of slice and shutdown. Pass it to every call that waits. */
  readonly signal: AbortSignal;
  readonly db: Db;
  readonly log: JobLog;
  /** Reports to the owner. As cheap as an assignment: writes are coalesced. Throws when aborted. */
  progress(percent: number, message?: string): void;
  /** Stores where to go on after an interruption, with progress if given, before it resolves. */
  saveCheckpoint(checkpoint: C, progress?: Progress): Promise<void>;
  /**
   * For a handler that stores data, checkpoint and progress in one transaction of its own: `write`
   * does that, and throws `LEASE_LOST` when it is refused.
   */
  saveCheckpointWith<T>(
    progress: Progress,
    write: (lease: Lease, progress: Required<Progress>) => Promise<T>,
  ): Promise<T>;
  /** Milliseconds of this slice that are left; 0 means: save a checkpoint and `yield()`. */
  remaining(): number;
  /** Stops here and goes on in another slice, from `checkpoint` or from the last one saved. */
  yield(checkpoint?: C): never;
  /** Stops here and goes on in `ms` at the earliest: no retry is counted, and no slot is held. */
  snooze(ms: number, checkpoint?: C): never;
  /** Waits, or throws the abort reason as soon as the signal fires. */
  sleep(ms: number): Promise<void>;
}

import type { Db } from "../db.ts";
import { type ChildAccess, childAccess } from "./children.ts";
import { type Clock, sleep } from "./clock.ts";
import { type AbortReason, JobAborted, Snooze } from "./errors.ts";
import type { ClaimedJob, JobStore, Lease, Progress } from "./job_store.ts";
import type { JobLog } from "./log_buffer.ts";
import { ProgressWriter } from "./progress.ts";

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

/** One attempt at one job, before the handler's types are known; see {@link startRun}. */
export interface JobRun {
  readonly job: ClaimedJob;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly log: JobLog;
  context<P, C>(params: P, checkpoint: C | null): JobContext<P, C>;
  /** Tells the handler to stop. The first reason counts. */
  abort(reason: AbortReason): void;
  /** Writes "Starting" unless the handler has already said something. */
  announce(): void;
  /** Sends progress that still waits. */
  flush(): Promise<void>;
  /** From now on the context writes nothing. */
  close(): void;
  readonly open: boolean;
}

/** What an attempt writes and reads while it runs. */
export type RunStore = Pick<
  JobStore,
  | "saveProgress"
  | "saveCheckpoint"
  | "createChildren"
  | "readBatch"
  | "readChildren"
  | "isBadInput"
>;

interface RunOptions {
  job: ClaimedJob;
  store: RunStore;
  clock: Clock;
  db: Db;
  progressIntervalMs: number;
  remaining(): number;
  log(lease: Lease, open: () => boolean): JobLog;
  onTrouble(error: unknown): void;
}

/** Opens the writing side of an attempt. */
export function startRun(options: RunOptions): JobRun {
  const { job, store, clock } = options;
  const lease: Lease = { job_id: job.id, fencing_token: job.fencing_token };
  const controller = new AbortController();
  const { signal } = controller;
  let open = true;

  const abort = (reason: AbortReason) => controller.abort(new JobAborted(reason));
  const refused = (): never => {
    abort("lease_lost");
    throw signal.reason;
  };
  const mustBeOpen = () => {
    signal.throwIfAborted();
    if (!open) throw new JobAborted("lease_lost");
  };
  const writer = new ProgressWriter({
    clock,
    intervalMs: options.progressIntervalMs,
    from: job.progress_percent,
    async write(progress) {
      try {
        if (!await store.saveProgress(lease, progress) && open) abort("lease_lost");
      } catch (error) {
        // Progress is a courtesy; whether the lease still stands is for the heartbeat to say.
        options.onTrouble(error);
      }
    },
  });

  const run: JobRun = {
    job,
    lease,
    signal,
    log: options.log(lease, () => open),
    abort,
    announce() {
      if (!writer.silent || signal.aborted) return;
      const resumed = job.checkpoint !== null && job.checkpoint !== undefined;
      writer.report(Math.max(1, job.progress_percent), resumed ? "Resuming" : "Starting");
    },
    flush: () => writer.flush(),
    close() {
      open = false;
      writer.close();
    },
    get open() {
      return open;
    },
    context<P, C>(params: P, checkpoint: C | null): JobContext<P, C> {
      return {
        job,
        params,
        lease,
        signal,
        db: options.db,
        log: run.log,
        checkpoint,
        progress(percent, message) {
          mustBeOpen();
          writer.report(percent, message);
        },
        async saveCheckpoint(next, progress) {
          mustBeOpen();
          const carried = progress && writer.carried(progress.percent, progress.message ?? null);
          if (!await store.saveCheckpoint(lease, next, carried)) refused();
        },
        async saveCheckpointWith(progress, write) {
          mustBeOpen();
          return await write(lease, writer.carried(progress.percent, progress.message ?? null));
        },
        ...childAccess<C>({ store, lease, mustBeOpen, refused }),
        remaining: options.remaining,
        yield(next) {
          throw new Snooze(0, next);
        },
        snooze(ms, next) {
          throw new Snooze(ms, next);
        },
        sleep: (ms) => sleep(clock, ms, signal),
      };
    },
  };
  return run;
}

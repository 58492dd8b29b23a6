import type { Db } from "../db.ts";
import { childAccess } from "./children.ts";
import { type Clock, sleep } from "./clock.ts";
import type { JobContext, JobRun } from "./context.ts";
import { type AbortReason, FatalError, JobAborted, Snooze } from "./errors.ts";
import { insist } from "./insist.ts";
import type { ClaimedJob, JobStore, Lease } from "./job_store.ts";
import type { JobLog } from "./log_buffer.ts";
import { ProgressWriter } from "./progress.ts";

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
  const persist = <T>(call: () => Promise<T>) =>
    insist({
      clock,
      signal,
      isFinal: (error) => store.isBadInput(error),
      onTrouble: options.onTrouble,
    }, call);
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
          const save = () => store.saveCheckpoint(lease, next, carried);
          const held = await persist(save).catch((cause) => {
            if (!store.isBadInput(cause)) throw cause;
            throw new FatalError("INVALID_RESULT", {
              message: "Checkpoint cannot be stored",
              cause,
            });
          });
          if (!held) refused();
        },
        async saveCheckpointWith(progress, write) {
          mustBeOpen();
          return await write(lease, writer.carried(progress.percent, progress.message ?? null));
        },
        ...childAccess<C>({ store, lease, persist, mustBeOpen, refused }),
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

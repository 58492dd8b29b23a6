import { type Clock, settlesWithin } from "./clock.ts";
import type { AbortReason } from "./errors.ts";
import type { JobRun } from "./job_run.ts";
import type { HeartbeatReply, Lease } from "./job_store.ts";

/** The jobs a worker holds, in the order in which they were started, and how long it may hold them. */
export class HeldJobs {
  /** A chain, for a set would take longer than most jobs do. */
  #first: JobRun | null = null;
  #last: JobRun | null = null;
  #size = 0;
  #emptied = Promise.withResolvers<void>();

  get size(): number {
    return this.#size;
  }

  add(run: JobRun): void {
    run.before = this.#last;
    if (this.#last) this.#last.after = run;
    else this.#first = run;
    this.#last = run;
    this.#size += 1;
  }

  remove(run: JobRun): void {
    const { before, after } = run;
    if (!before && this.#first !== run) return;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    // Or what is gone would keep what is not from being collected.
    run.before = run.after = null;
    this.#size -= 1;
    if (this.size === 0) this.#tellEmpty();
  }

  /** Lets them come to their end; what still runs after `ms` is told to stop. Resolves when all are gone. */
  async emptyWithin(clock: Clock, ms: number): Promise<void> {
    if (!await settlesWithin(clock, ms, this.#empty())) this.abortAll("slice_over");
    await this.#empty();
  }

  *[Symbol.iterator](): Iterator<JobRun> {
    for (let run = this.#first; run; run = run.after) yield run;
  }

  /**
   * What a heartbeat asks about. A worker that slept through its lease may have been given its own job
   * again: then the former attempt has come to an end.
   */
  leases(): Lease[] {
    const latest = new Map<string, JobRun>();
    for (const run of this) {
      latest.get(run.job.id)?.abort("lease_lost");
      latest.set(run.job.id, run);
    }
    return Array.from(latest.values(), ({ lease }) => lease);
  }

  /** The shortest lease held, which sets the pace of the heartbeat. */
  shortestLease(): number {
    return Math.min(...Array.from(this, ({ job }) => job.lease_ms));
  }

  /**
   * What a beat sent at `sentAt` learned. It says nothing about an attempt that began since, and
   * leaves alone what has three quarters of its lease left.
   */
  heed({ held, cancelled, lost }: HeartbeatReply, sentAt: number): void {
    for (const run of this.#named(held)) {
      run.until = Math.max(run.until, sentAt + run.job.lease_ms * 0.75);
    }
    this.#abort(cancelled, "cancelled", sentAt);
    this.#abort(lost, "lease_lost", sentAt);
  }

  abortAll(reason: AbortReason): void {
    for (const run of this) run.abort(reason);
  }

  /** Stops what can no longer be ours at `now`: its lease ran out while no heartbeat got through. */
  abortExpired(now: number): void {
    for (const run of this) if (run.until <= now) run.abort("lease_lost");
  }

  /** By looking at all of them, once a heartbeat: an index would cost every job. */
  #named(ids: string[]): JobRun[] {
    if (ids.length === 0) return [];
    const wanted = new Set(ids);
    return Array.from(this).filter(({ job }) => wanted.has(job.id));
  }

  #abort(ids: string[], reason: AbortReason, askedAt: number): void {
    for (const run of this.#named(ids)) if (run.startedAt <= askedAt) run.abort(reason);
  }

  /** Resolves when nothing is held any more. */
  async #empty(): Promise<void> {
    while (this.size > 0) await this.#emptied.promise;
  }

  #tellEmpty(): void {
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
  }
}

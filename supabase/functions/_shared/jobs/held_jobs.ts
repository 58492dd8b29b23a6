import type { AbortReason } from "./errors.ts";
import type { JobRun } from "./job_run.ts";
import type { ClaimedJob, Lease } from "./job_store.ts";

/** The jobs a worker holds, in the order in which they were started, and how long it may hold them. */
export class HeldJobs {
  readonly #runs = new Set<JobRun>();
  #emptied = Promise.withResolvers<void>();

  get size(): number {
    return this.#runs.size;
  }

  /** A worker that slept through its lease may be given its own job again; first claims cannot be that. */
  makeWay(jobs: readonly ClaimedJob[]): void {
    const again = jobs.filter(({ fencing_token }) => fencing_token > 1).map(({ id }) => id);
    for (const run of this.#named(again)) {
      run.abort("lease_lost");
      this.#runs.delete(run);
    }
  }

  add(run: JobRun): void {
    this.#runs.add(run);
  }

  remove(run: JobRun): void {
    this.#runs.delete(run);
    if (this.size === 0) this.#tellEmpty();
  }

  /** Resolves when nothing is held any more. */
  async empty(): Promise<void> {
    while (this.size > 0) await this.#emptied.promise;
  }

  [Symbol.iterator](): Iterator<JobRun> {
    return this.#runs.values();
  }

  leases(): Lease[] {
    return Array.from(this, ({ lease }) => lease);
  }

  /** The shortest lease held, which sets the pace of the heartbeat. */
  shortestLease(): number {
    return Math.min(...Array.from(this, ({ job }) => job.lease_ms));
  }

  /** A beat sent at `sentAt` found these leases good; it leaves alone what has three quarters left. */
  extend(ids: string[], sentAt: number): void {
    for (const run of this.#named(ids)) {
      run.until = Math.max(run.until, sentAt + run.job.lease_ms * 0.75);
    }
  }

  /** News that was asked for at `askedAt` says nothing about an attempt that began since. */
  abort(ids: string[], reason: AbortReason, askedAt = Infinity): void {
    for (const run of this.#named(ids)) if (run.startedAt <= askedAt) run.abort(reason);
  }

  abortAll(reason: AbortReason): void {
    for (const run of this) run.abort(reason);
  }

  /** Stops what can no longer be ours at `now`: its lease ran out while no heartbeat got through. */
  abortExpired(now: number): void {
    for (const run of this) if (run.until <= now) run.abort("lease_lost");
  }

  /** By looking at all of them, for heartbeats and second attempts: an index would cost every job. */
  #named(ids: string[]): JobRun[] {
    if (ids.length === 0) return [];
    const wanted = new Set(ids);
    return Array.from(this).filter(({ job }) => wanted.has(job.id));
  }

  #tellEmpty(): void {
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
  }
}

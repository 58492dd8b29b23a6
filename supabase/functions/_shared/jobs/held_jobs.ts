import type { AbortReason } from "./errors.ts";
import type { JobRun } from "./job_run.ts";
import type { Lease } from "./job_store.ts";

/** A job that this worker holds. */
export interface Held {
  readonly run: JobRun;
  readonly startedAt: number;
  /** When the lease ends on our own clock, unless a heartbeat extends it. */
  until: number;
  /** The handler has ended; its outcome is on the way. */
  isOver: boolean;
}

/** The jobs a worker holds, in the order in which they were started, and how long it may hold them. */
export class HeldJobs {
  readonly #byId = new Map<string, Held>();
  #emptied = Promise.withResolvers<void>();

  get size(): number {
    return this.#byId.size;
  }

  add(held: Held): void {
    const { id } = held.run.job;
    const earlier = this.#byId.get(id);
    if (earlier) {
      // A worker that slept through its lease may be given its own job again.
      earlier.run.abort("lease_lost");
      this.#byId.delete(id);
    }
    this.#byId.set(id, held);
  }

  remove(held: Held): void {
    const { id } = held.run.job;
    if (this.#byId.get(id) === held) this.#byId.delete(id);
    if (this.size > 0) return;
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
  }

  /** Resolves when nothing is held any more. */
  async empty(): Promise<void> {
    while (this.size > 0) await this.#emptied.promise;
  }

  [Symbol.iterator](): Iterator<Held> {
    return this.#byId.values();
  }

  leases(): Lease[] {
    return Array.from(this, ({ run }) => run.lease);
  }

  /** The shortest lease held, which sets the pace of the heartbeat. */
  shortestLease(): number {
    return Math.min(...Array.from(this, ({ run }) => run.job.lease_ms));
  }

  /** A beat sent at `sentAt` found these leases good; it leaves alone what has three quarters left. */
  extend(ids: string[], sentAt: number): void {
    for (const id of ids) {
      const held = this.#byId.get(id);
      if (held) held.until = Math.max(held.until, sentAt + held.run.job.lease_ms * 0.75);
    }
  }

  /** News that was asked for at `askedAt` says nothing about an attempt that began since. */
  abort(ids: string[], reason: AbortReason, askedAt = Infinity): void {
    for (const id of ids) {
      const held = this.#byId.get(id);
      if (held && held.startedAt <= askedAt) held.run.abort(reason);
    }
  }

  abortAll(reason: AbortReason): void {
    for (const { run } of this) run.abort(reason);
  }

  /** Stops what can no longer be ours at `now`: its lease ran out while no heartbeat got through. */
  abortExpired(now: number): void {
    for (const { run, until } of this) if (until <= now) run.abort("lease_lost");
  }
}

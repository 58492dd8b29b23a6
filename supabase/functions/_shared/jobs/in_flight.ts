import type { Db } from "../db.ts";
import type { Logger } from "../log.ts";
import type { Clock } from "./clock.ts";
import type { JobRun } from "./context.ts";
import type { RunnableJob } from "./define_job.ts";
import type { AbortReason } from "./errors.ts";
import { type Counts, noCounts } from "./counts.ts";
import type { ClaimedJob, JobStore, Lease } from "./job_store.ts";
import type { LogBuffer } from "./log_buffer.ts";
import type { WorkerOptions } from "./options.ts";
import type { Outcome } from "./outcomes.ts";
import { runHandler } from "./run_handler.ts";
import type { Recorded, Settler } from "./settler.ts";
import { startRun } from "./start_run.ts";

interface Held {
  run: JobRun;
  startedAt: number;
  /** When the lease ends on our own clock, unless a heartbeat extends it. */
  until: number;
}

interface InFlightParts<Deps> {
  store: JobStore;
  jobs: Map<string, RunnableJob<Deps>>;
  deps: Deps;
  db: Db;
  clock: Clock;
  logger: Logger;
  logs: LogBuffer;
  options: WorkerOptions;
  settler: Settler;
  remaining(): number;
  /** Called each time a slot has become free. */
  onFree(): void;
  onTrouble(error: unknown): void;
}

/** The jobs this worker holds: starts them, keeps their leases, settles them, counts outcomes. */
export class InFlight<Deps> {
  readonly counts = noCounts();
  readonly #held = new Map<string, Held>();
  #emptied = Promise.withResolvers<void>();

  constructor(private readonly parts: InFlightParts<Deps>) {}

  get size(): number {
    return this.#held.size;
  }

  leases(): Lease[] {
    return Array.from(this.#held.values(), ({ run }) => run.lease);
  }

  /** The shortest lease held, which sets the pace of the heartbeat. */
  shortestLease(): number {
    return Math.min(...Array.from(this.#held.values(), ({ run }) => run.job.lease_ms));
  }

  start(job: ClaimedJob, claimedAt: number): void {
    const { store, clock, db, logs, options, remaining, onTrouble } = this.parts;
    this.counts.claimed += 1;
    const run = startRun({
      job,
      store,
      clock,
      db,
      remaining,
      onTrouble,
      progressIntervalMs: options.progress_interval_ms,
      log: (lease, open) => logs.forJob(lease, open),
    });
    // A worker that slept through its lease may be given its own job again.
    this.abort([job.id], "lease_lost");
    this.#held.set(job.id, { run, startedAt: clock.now(), until: claimedAt + job.lease_ms });
    // An exception nobody catches would end the process, and the other jobs with it.
    this.#carry(run).catch(onTrouble).finally(() => this.#release(run));
  }

  /** A beat sent at `sentAt` found these leases good; it leaves alone what has three quarters left. */
  extend(ids: string[], sentAt: number): void {
    for (const id of ids) {
      const held = this.#held.get(id);
      if (held) held.until = Math.max(held.until, sentAt + held.run.job.lease_ms * 0.75);
    }
  }

  /** News that was asked for at `askedAt` says nothing about an attempt that began since. */
  abort(ids: string[], reason: AbortReason, askedAt = Infinity): void {
    for (const id of ids) {
      const held = this.#held.get(id);
      if (held && held.startedAt <= askedAt) held.run.abort(reason);
    }
  }

  abortAll(reason: AbortReason): void {
    this.abort(Array.from(this.#held.keys()), reason);
  }

  /** Stops what can no longer be ours: its lease ran out while no heartbeat got through. */
  abortExpired(): void {
    const now = this.parts.clock.now();
    for (const { run, until } of this.#held.values()) if (until <= now) run.abort("lease_lost");
  }

  /** Resolves when nothing is held any more. */
  async empty(): Promise<void> {
    while (this.size > 0) await this.#emptied.promise;
  }

  async #carry(run: JobRun): Promise<void> {
    const { clock, deps, jobs, options } = this.parts;
    const startedAt = clock.now();
    const definition = jobs.get(run.job.job_type);
    if (!definition) return;
    const callOff = clock.after(options.first_progress_ms, () => run.announce());
    const outcome = await runHandler(
      definition,
      run,
      deps,
      clock,
      (reason) => reason === "shutdown" ? options.unload_grace_ms : options.abort_grace_ms,
    );
    callOff();
    const recorded = await this.#settle(run, outcome);
    this.#report(run, outcome, recorded, clock.now() - startedAt);
  }

  /** Last progress and log first: once the outcome stands, the fence refuses them. */
  async #settle(run: JobRun, outcome: Outcome): Promise<Recorded> {
    const { clock, logs, settler } = this.parts;
    if (outcome.kind === "failed") {
      // Not through the handler's own log, which may be full.
      logs.forJob(run.lease, () => true).error("Attempt failed", {
        code: outcome.code,
        message: outcome.message,
      });
    }
    if (outcome.kind !== "cancelled" && outcome.kind !== "lost") {
      await Promise.all([run.flush(), logs.flush()]);
    }
    run.close();
    // Heartbeats go on while the outcome is on its way, but what fails for so long fails for ever.
    const latest = clock.now() + 2 * run.job.lease_ms;
    const until = () => Math.min(latest, this.#held.get(run.job.id)?.until ?? 0);
    return await settler.settle(run.lease, outcome, until);
  }

  #report(run: JobRun, outcome: Outcome, recorded: Recorded, duration: number): void {
    const { job } = run;
    const word = describe(outcome, recorded);
    this.counts[word] += 1;
    this.parts.logger.info("job", {
      job_id: job.id,
      job_type: job.job_type,
      attempt: job.retry_count + job.crash_count + 1,
      claim: job.fencing_token,
      duration_ms: Math.round(duration),
      outcome: word,
      ...(outcome.kind === "failed" &&
        { error: outcome.code, error_message: outcome.message, cause: outcome.cause }),
    });
  }

  #release(run: JobRun): void {
    const { id } = run.job;
    if (this.#held.get(id)?.run === run) this.#held.delete(id);
    if (this.size === 0) {
      this.#emptied.resolve();
      this.#emptied = Promise.withResolvers();
    }
    this.parts.onFree();
  }
}

/** The record counts: an outcome that could not be stored has become a failure. */
function describe(outcome: Outcome, recorded: Recorded): Exclude<keyof Counts, "claimed"> {
  if (outcome.kind === "cancelled" || outcome.kind === "lost") return outcome.kind;
  if (recorded === null) return "lost";
  if (recorded === "failed" || recorded === "completed") return recorded;
  return outcome.kind === "failed" ? "retried" : outcome.kind;
}

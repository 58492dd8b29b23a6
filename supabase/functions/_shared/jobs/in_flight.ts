import type { Db } from "../db.ts";
import type { Logger } from "../log.ts";
import type { Clock } from "./clock.ts";
import { noCounts } from "./counts.ts";
import type { RunnableJob } from "./define_job.ts";
import type { AbortReason } from "./errors.ts";
import { HeldJobs } from "./held_jobs.ts";
import { endingOf, logEnding } from "./job_report.ts";
import { JobRun, type RunParts } from "./job_run.ts";
import type { ClaimedJob, JobStore } from "./job_store.ts";
import type { LogBuffer } from "./log_buffer.ts";
import type { WorkerOptions } from "./options.ts";
import type { Outcome } from "./outcomes.ts";
import { runHandler } from "./run_handler.ts";
import type { Settler } from "./settler.ts";

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
  /** Called each time a job of this type has left its slot. */
  onFree(type: string): void;
  onTrouble(error: unknown): void;
}

/** Takes claimed jobs to their end: starts them, lets them announce themselves, settles and counts them. */
export class InFlight<Deps> {
  readonly counts = noCounts();
  readonly held = new HeldJobs();
  #settling = 0;
  readonly #runParts: RunParts;
  #callOffAnnouncing: (() => void) | null = null;

  constructor(private readonly parts: InFlightParts<Deps>) {
    this.#runParts = { ...parts, progressIntervalMs: parts.options.progress_interval_ms };
  }

  /** How many have not come to their outcome yet. */
  get running(): number {
    return this.held.size - this.#settling;
  }

  /** Starts what a claim sent at `claimedAt` has brought. */
  start(jobs: readonly ClaimedJob[], claimedAt: number): void {
    const startedAt = this.parts.clock.now();
    this.counts.claimed += jobs.length;
    this.held.makeWay(jobs);
    for (const job of jobs) {
      const run = new JobRun(job, this.#runParts, startedAt, claimedAt + job.lease_ms);
      this.held.add(run);
      this.#carry(run);
    }
    this.#announceLater(this.parts.options.first_progress_ms);
  }

  /** Takes a job to its end. Never rejects: that would end the process, and the other jobs with it. */
  async #carry(run: JobRun): Promise<void> {
    const { clock, deps, jobs, logger, settler, onTrouble } = this.parts;
    try {
      const definition = jobs.get(run.job.job_type);
      if (!definition) return;
      const outcome = await runHandler(definition, run, deps, clock, this.#graceMs);
      run.isOver = true;
      if (run.hasSpoken || outcome.kind === "failed") await this.#lastWords(run, outcome);
      run.close();
      this.#settling += 1;
      const recorded = await settler.settle(run, outcome);
      this.#settling -= 1;
      const ending = endingOf(outcome, recorded);
      this.counts[ending] += 1;
      logEnding(logger, run.job, outcome, ending, clock.now() - run.startedAt);
    } catch (error) {
      onTrouble(error);
    } finally {
      this.#release(run);
    }
  }

  /** Progress and log are written first: once the outcome stands, the fence refuses them. */
  async #lastWords(run: JobRun, outcome: Outcome): Promise<void> {
    const { logs } = this.parts;
    if (outcome.kind === "cancelled" || outcome.kind === "lost") return;
    if (outcome.kind === "failed") {
      const { code, message } = outcome;
      // Not through the handler's own log, which may be full.
      logs.forJob(run.lease, () => true).error("Attempt failed", { code, message });
    }
    await Promise.all([run.flush(), logs.flush()]);
  }

  readonly #graceMs = (reason: AbortReason): number => {
    const { abort_grace_ms, unload_grace_ms } = this.parts.options;
    return reason === "shutdown" ? unload_grace_ms : abort_grace_ms;
  };

  /** One timer lets all jobs that take their time say so: most are over before a timer of their own pays. */
  #announceLater(ms: number): void {
    this.#callOffAnnouncing ??= this.parts.clock.after(ms, () => {
      this.#callOffAnnouncing = null;
      this.#announce();
    });
  }

  #announce(): void {
    const { clock, options } = this.parts;
    const now = clock.now();
    // In the order in which they were started.
    for (const run of this.held) {
      const wait = run.startedAt + options.first_progress_ms - now;
      if (wait > 0) return this.#announceLater(wait);
      if (!run.isOver) run.announce();
    }
  }

  #release(run: JobRun): void {
    this.held.remove(run);
    if (this.held.size === 0) {
      this.#callOffAnnouncing?.();
      this.#callOffAnnouncing = null;
    }
    this.parts.onFree(run.job.job_type);
  }
}

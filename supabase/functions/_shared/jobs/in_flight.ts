import type { Db } from "../db.ts";
import type { Logger } from "../log.ts";
import { Announcements } from "./announcements.ts";
import type { Clock } from "./clock.ts";
import { noCounts } from "./counts.ts";
import type { RunnableJob } from "./define_job.ts";
import { Graces } from "./graces.ts";
import { HeldJobs } from "./held_jobs.ts";
import { endingOf, JobReport } from "./job_report.ts";
import { JobRun } from "./job_run.ts";
import type { ClaimedJob, JobStore } from "./job_store.ts";
import type { LogBuffer } from "./log_buffer.ts";
import type { WorkerOptions } from "./options.ts";
import { carry } from "./run_handler.ts";
import type { RunParts } from "./run_parts.ts";
import type { Ended, RecordedOf } from "./settlement.ts";
import { Settler } from "./settler.ts";
import type { Strays } from "./strays.ts";

interface InFlightParts<Deps> {
  store: JobStore;
  jobs: Map<string, RunnableJob<Deps>>;
  deps: Deps;
  db: Db;
  clock: Clock;
  logger: Logger;
  logs: LogBuffer;
  options: WorkerOptions;
  strays: Strays;
  remaining(): number;
  /** Called when jobs of this type have left their slots. */
  onFree(type: string): void;
  onTrouble(error: unknown): void;
}

/** Takes claimed jobs to their end: starts them, lets them announce themselves, settles and counts them. */
export class InFlight<Deps> {
  readonly counts = noCounts();
  readonly held = new HeldJobs();
  readonly #settler: Settler<JobRun>;
  #settling = 0;
  readonly #runParts: RunParts;
  readonly #graces: Graces;
  readonly #announcements: Announcements;
  readonly #report: JobReport;

  constructor(private readonly parts: InFlightParts<Deps>) {
    const { logger, options } = parts;
    this.#report = new JobReport(logger);
    this.#runParts = {
      ...parts,
      progressIntervalMs: options.progress_interval_ms,
      onAbort: (run, reason) => this.#graces.give(run, reason),
    };
    this.#graces = new Graces({ ...parts, onEnded: this.#ended });
    this.#announcements = new Announcements(parts.clock, this.held, options.first_progress_ms);
    this.#settler = new Settler({
      ...parts,
      windowMs: options.settle_window_ms,
      maxBatch: options.settle_batch,
      company: () => this.running > 0,
      // What is written of a job after its outcome may meet its next attempt.
      notYet: () => parts.logs.flushHeld(),
      onRecorded: (ended, recordedOf) => this.#recorded(ended, recordedOf),
    });
  }

  /** How many have not come to their outcome yet. */
  get running(): number {
    return this.held.size - this.#settling;
  }

  /** Starts what a claim sent at `claimedAt` has brought. */
  start(jobs: readonly ClaimedJob[], claimedAt: number): void {
    const startedAt = this.parts.clock.now();
    this.counts.claimed += jobs.length;
    for (const job of jobs) {
      const run = new JobRun(job, this.#runParts, startedAt, claimedAt + job.lease_ms);
      this.held.add(run);
      this.#carry(run);
    }
    this.#announcements.expect();
  }

  #carry(run: JobRun): void {
    const definition = this.parts.jobs.get(run.job.job_type);
    if (definition) carry(definition, run, this.parts.deps, this.#ended);
    else this.#release([run]);
  }

  /** Its handler has come to an outcome, or is left behind. */
  readonly #ended = (ended: Ended<JobRun>): void => {
    const { attempt: run, outcome: { kind } } = ended;
    if (run.isOver) return this.parts.strays.ended(run);
    run.isOver = true;
    if (run.aborted !== null) this.#graces.callOff(run);
    const isHeard = kind !== "cancelled" && kind !== "lost";
    if (isHeard && (run.hasSpoken || kind === "failed")) this.#speakLast(ended);
    else this.#settle(ended);
  };

  /** Progress and log are written first: once the outcome stands, the fence refuses them. */
  async #speakLast(ended: Ended<JobRun>): Promise<void> {
    const { attempt: run, outcome } = ended;
    const { logs, onTrouble } = this.parts;
    try {
      if (outcome.kind === "failed") {
        const { code, message } = outcome;
        // Not through the handler's own log, which may be full.
        logs.forJob(run.lease, () => true).error("Attempt failed", { code, message });
      }
      await Promise.all([run.flush(), logs.flush()]);
    } catch (error) {
      onTrouble(error);
    }
    this.#settle(ended);
  }

  #settle(ended: Ended<JobRun>): void {
    ended.attempt.close();
    this.#settling += 1;
    this.#settler.settle(ended);
  }

  #recorded(ended: readonly Ended<JobRun>[], recordedOf: RecordedOf): void {
    const now = this.parts.clock.now();
    this.#settling -= ended.length;
    for (const { attempt: run, outcome } of ended) {
      const ending = endingOf(outcome, recordedOf(run.job.id));
      this.counts[ending] += 1;
      try {
        this.#report.log(run.job, outcome, ending, now - run.startedAt);
      } catch (error) {
        this.parts.onTrouble(error);
      }
    }
    this.#release(ended.map(({ attempt }) => attempt));
  }

  #release(runs: readonly JobRun[]): void {
    for (const run of runs) this.held.remove(run);
    if (this.held.size === 0) this.#announcements.callOff();
    for (const type of new Set(runs.map(({ job }) => job.job_type))) this.parts.onFree(type);
  }
}

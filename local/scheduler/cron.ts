import { clockMovesOn, minuteStart, type ParsedSchedule, timesDue } from "./schedule.ts";

/** One row of cron.job with its schedule read. */
export interface CronJob {
  readonly jobid: string;
  readonly command: string;
  readonly database: string;
  readonly username: string;
  readonly active: boolean;
  /** Null for a schedule nobody can read: such a job never runs. */
  readonly parsed: ParsedSchedule | null;
}

/** Runs a job once; the signal fires when the job is unscheduled or paused meanwhile. */
export type RunJob = (job: CronJob, cancelled: AbortSignal) => Promise<void>;

interface Task {
  job: CronJob;
  isActive: boolean;
  pendingRuns: number;
  /** Interval jobs count from their last start, at first from when we learnt of them. */
  lastStart: number;
  running: AbortController | null;
}

/** As `cron.max_running_jobs`. */
const maxRunningJobs = 32;
const longestWaitMs = 1000;

/** The clock of pg_cron: which job runs when, one running instance per job. */
export class Cron {
  readonly #tasks = new Map<string, Task>();
  readonly #run: RunJob;
  readonly #now: () => number;
  #lastMinute: number | null = null;
  #rebootJobsQueued = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(run: RunJob, now: () => number = Date.now) {
    this.#run = run;
    this.#now = now;
  }

  /** Takes over the present rows of cron.job; a job gone or paused in mid-run is cancelled. */
  setJobs(jobs: readonly CronJob[]): void {
    const present = new Map(jobs.map((job) => [job.jobid, job]));
    for (const job of jobs) {
      const task = this.#tasks.get(job.jobid);
      if (task) task.job = job;
      else {
        this.#tasks.set(job.jobid, {
          job,
          isActive: false,
          pendingRuns: 0,
          lastStart: this.#now(),
          running: null,
        });
      }
    }
    for (const [jobid, task] of this.#tasks) {
      task.isActive = present.get(jobid)?.active ?? false;
      if (task.isActive) continue;
      if (task.running) task.running.abort();
      else if (!present.has(jobid)) this.#tasks.delete(jobid);
    }
  }

  /** Ticks until stop(): at minute starts and when an interval ends, at least once a second. */
  start(): void {
    this.tick();
    if (!this.#stopped) this.#timer = setTimeout(() => this.start(), this.#nextWait());
  }

  /** Stops ticking; jobs in mid-run are the next scheduler's "server restarted". */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** One look at the clock: queues what is due, starts what may start. */
  tick(): void {
    const now = this.#now();
    this.#lastMinute ??= minuteStart(now);
    const atStart = !this.#rebootJobsQueued && this.#tasks.size > 0;
    for (const task of this.#tasks.values()) {
      if (task.isActive) task.pendingRuns += this.#newRuns(task, now, atStart);
    }
    if (atStart) this.#rebootJobsQueued = true;
    if (clockMovesOn(this.#lastMinute, now)) this.#lastMinute = minuteStart(now);
    for (const task of this.#tasks.values()) this.#startIfPossible(task);
  }

  #newRuns(task: Task, now: number, atStart: boolean): number {
    const schedule = task.job.parsed;
    if (!schedule) return 0;
    if ("reboot" in schedule) return atStart ? 1 : 0;
    if ("seconds" in schedule) {
      const isOver = now - task.lastStart >= schedule.seconds * 1000;
      return task.pendingRuns === 0 && isOver ? 1 : 0;
    }
    return timesDue(schedule, this.#lastMinute ?? now, now);
  }

  #startIfPossible(task: Task): void {
    const runningNow = [...this.#tasks.values()].filter((other) => other.running).length;
    if (task.running || !task.isActive || task.pendingRuns < 1 || runningNow >= maxRunningJobs) {
      return;
    }
    task.pendingRuns--;
    task.lastStart = this.#now();
    const running = new AbortController();
    task.running = running;
    this.#run(task.job, running.signal).finally(() => {
      task.running = null;
      if (this.#stopped) return;
      if (task.isActive) this.#startIfPossible(task);
      else task.pendingRuns = 0;
    });
  }

  #nextWait(): number {
    const now = this.#now();
    let next = minuteStart(now) + 60_000;
    for (const { job, lastStart, isActive } of this.#tasks.values()) {
      if (isActive && job.parsed && "seconds" in job.parsed) {
        next = Math.min(next, lastStart + job.parsed.seconds * 1000);
      }
    }
    return Math.min(Math.max(next - now, 1), longestWaitMs);
  }
}

/** What the engine is documented to do, in plain objects: the test's second opinion on every step. */

/** The columns of a job that the model foretells. */
export interface Foretold {
  status: string;
  fencing_token: number;
  is_classic: boolean;
  seq: number;
  retry_count: number;
  crash_count: number;
  progress_percent: number;
  progress_message: string | null;
  checkpoint: unknown;
  result: unknown;
  error_code: string | null;
  held_by: string | null;
}

/** How a batch was told to end. */
export type OnChildFailure = "fail_fast" | "partial";
export type WhenDone = "complete" | "resume";

/** The children of a job, in the order of their creation. */
interface Batch {
  readonly children: { key: string; job: ModelJob }[];
  onChildFailure: OnChildFailure;
  whenDone: WhenDone;
  isAwaited: boolean;
}

/** Limits of the job types that the model's jobs have. */
export const limits = { max_retries: 2, max_crashes: 2, max_concurrency: 4, max_per_user: 2 };

/** A job as it should be. */
export class ModelJob {
  readonly row: Foretold = {
    status: "pending",
    fencing_token: 0,
    is_classic: false,
    seq: 0,
    retry_count: 0,
    crash_count: 0,
    progress_percent: 0,
    progress_message: null,
    checkpoint: null,
    result: null,
    error_code: null,
    held_by: null,
  };
  batch: Batch | null = null;
  /** Whether it may be claimed now, rather than later. */
  isDue = true;
  /** Whether an equal request finds it. */
  holdsKey = true;
  /** Place among the completed. */
  completion = 0;
  /** Accepted log lines. */
  lines = 0;

  constructor(
    readonly id: string,
    readonly user: string,
    readonly jobType: string,
    readonly question: number,
    readonly priority: number,
    readonly parent: ModelJob | null = null,
  ) {}

  get isActive(): boolean {
    return this.row.status === "pending" || this.row.status === "processing";
  }

  get isClaimable(): boolean {
    return this.row.status === "pending" && this.isDue && !this.isWaiting;
  }

  get isWaiting(): boolean {
    return this.row.held_by === "children";
  }

  /** Null is the token of a classic worker, which knows none. */
  hasToken(token: number | null): boolean {
    return token === null ? this.row.is_classic : token === this.row.fencing_token;
  }

  isHeldBy(token: number | null): boolean {
    return this.row.status === "processing" && this.hasToken(token);
  }

  claim(isClassic: boolean): void {
    const { fencing_token } = this.row;
    this.#tell({ status: "processing", fencing_token: fencing_token + 1, is_classic: isClassic });
  }

  progress(percent: number, message: string | null): void {
    const { progress_percent, progress_message, seq } = this.row;
    this.row.progress_percent = Math.max(progress_percent, Math.min(percent, 100));
    this.row.progress_message = message ?? progress_message;
    const isNews = this.row.progress_percent !== progress_percent ||
      this.row.progress_message !== progress_message;
    this.row.seq = seq + Number(isNews);
  }

  complete(result: unknown, completion: number): void {
    this.completion = completion;
    this.#tell({ status: "completed", progress_percent: 100, result, error_code: null });
  }

  fail(errorCode: string, isRetryable: boolean, isDue: boolean): void {
    const { retry_count, checkpoint, progress_percent } = this.row;
    if (!isRetryable || retry_count >= limits.max_retries) {
      return this.#tell({ status: "failed", error_code: errorCode });
    }
    this.isDue = isDue;
    this.#tell({
      status: "pending",
      error_code: errorCode,
      retry_count: retry_count + 1,
      progress_percent: checkpoint === null ? 0 : progress_percent,
    });
  }

  yield(checkpoint: unknown, isDue: boolean): void {
    this.isDue = isDue;
    this.#tell({ status: "pending", checkpoint: checkpoint ?? this.row.checkpoint });
  }

  crash(): void {
    const { checkpoint, progress_percent } = this.row;
    const crash_count = this.row.crash_count + 1;
    this.#takeAway(
      crash_count < limits.max_crashes
        ? {
          status: "pending",
          crash_count,
          progress_percent: checkpoint === null ? 0 : progress_percent,
        }
        : { status: "failed", crash_count, error_code: "WORKER_LOST" },
    );
    this.isDue = true;
  }

  overrun(): void {
    this.#takeAway({ status: "failed", error_code: "MAX_RUNTIME_EXCEEDED" });
  }

  cancel(errorCode: string | null = this.row.error_code): void {
    this.#takeAway({ status: "cancelled", held_by: null, error_code: errorCode });
  }

  /** A life after the end: fresh counters, the old checkpoint. */
  revive(): void {
    const { batch, row } = this;
    if (batch) {
      const isUnfinished = batch.children.some(({ job }) => job.hasEndedBadly);
      batch.isAwaited ||= batch.whenDone === "resume" && isUnfinished;
    }
    this.isDue = true;
    this.#takeAway({
      status: "pending",
      retry_count: 0,
      crash_count: 0,
      error_code: null,
      progress_percent: row.checkpoint === null ? 0 : Math.min(row.progress_percent, 99),
      progress_message: row.checkpoint === null ? null : row.progress_message,
      held_by: batch?.isAwaited ? "children" : null,
    });
  }

  /** What a retry runs again. */
  get hasEndedBadly(): boolean {
    return this.row.status === "failed" || this.row.status === "cancelled";
  }

  wait(onChildFailure: OnChildFailure, whenDone: WhenDone): void {
    this.batch = {
      children: this.batch?.children ?? [],
      onChildFailure,
      whenDone,
      isAwaited: true,
    };
    const progress_percent = Math.min(this.row.progress_percent, 99);
    this.#tell({ status: "pending", held_by: "children", progress_percent });
  }

  /** What the children's state does to a job that waits for them; says whether it did anything. */
  advance(completion: () => number): boolean {
    const { batch, row } = this;
    if (!batch || !this.isWaiting) return false;
    const count = (status: string) =>
      batch.children.filter(({ job }) => job.row.status === status).length;
    const counts = {
      total: batch.children.length,
      completed: count("completed"),
      failed: count("failed"),
      cancelled: count("cancelled"),
    };
    const ended = counts.completed + counts.failed + counts.cancelled;
    const isBroken = counts.failed > 0 && batch.onChildFailure === "fail_fast";
    if (ended < counts.total && !isBroken) {
      const percent = Math.min(99, Math.floor(ended * 100 / counts.total));
      if (percent <= row.progress_percent) return false;
      this.#tell({ progress_percent: percent });
      return true;
    }
    if (!isBroken && batch.whenDone === "resume") {
      batch.isAwaited = false;
      this.isDue = true;
      this.#tell({ held_by: null, progress_percent: 99, error_code: null });
    } else if (isBroken || (counts.failed > 0 && counts.completed === 0)) {
      this.#tell({ status: "failed", held_by: null, error_code: "CHILD_FAILED" });
    } else {
      const children = batch.children.map(({ key, job }) => ({
        job_id: job.id,
        key,
        job_type: job.jobType,
        status: job.row.status,
        error_code: job.row.error_code,
        result: job.row.result,
      }));
      this.#tell({ held_by: null });
      this.row.seq--;
      this.complete({ ...counts, children }, completion());
    }
    return true;
  }

  expire(): void {
    this.#tell({ status: "failed", error_code: "EXPIRED" });
  }

  #takeAway(change: Partial<Foretold>): void {
    const { fencing_token } = this.row;
    this.#tell({ ...change, fencing_token: fencing_token + 1, is_classic: false });
  }

  #tell(change: Partial<Foretold>): void {
    Object.assign(this.row, change, { seq: this.row.seq + 1 });
  }
}

/** A token that some worker was once given, and will try to use for ever. */
export interface Attempt {
  readonly job: ModelJob;
  readonly token: number | null;
  readonly worker: string;
}

/** All jobs and attempts of one run. */
export class Model {
  readonly jobs: ModelJob[] = [];
  readonly attempts: Attempt[] = [];
  /** Jobs that the step under way has changed through their batch. */
  readonly echoes = new Set<ModelJob>();
  #completions = 0;

  constructor(private readonly jobTypes: readonly string[]) {}

  /** What a classic worker may be told to take: jobs that wait, or any. */
  startable(isClaimable: boolean): ModelJob[] {
    return this.jobs.filter((job) => job.isClaimable || !isClaimable);
  }

  /** Whether the caps, which only the second type has, allow one more like this job. */
  hasRoom({ jobType, user }: ModelJob): boolean {
    return jobType === this.jobTypes[0] ||
      this.running(jobType) < limits.max_concurrency &&
        this.running(jobType, user) < limits.max_per_user;
  }

  nextCompletion(): number {
    return ++this.#completions;
  }

  /** Jobs that count against the limit of a user: children do not. */
  activeOf(user: string): number {
    return this.jobs.filter((job) => job.user === user && job.isActive && !job.parent).length;
  }

  /** Follows the end of these jobs up to their parents, and down again where a parent gives up. */
  ended(jobs: Iterable<ModelJob>): void {
    for (const parent of new Set(Array.from(jobs, (job) => job.parent))) {
      if (!parent?.advance(() => this.nextCompletion())) continue;
      this.echoes.add(parent);
      if (parent.row.status === "failed") this.cancelBelow(parent);
      if (!parent.isActive) this.ended([parent]);
    }
  }

  cancelTree(job: ModelJob, errorCode?: string): void {
    if (job.isActive) job.cancel(errorCode);
    this.cancelBelow(job, errorCode);
    this.ended([job]);
  }

  cancelBelow(job: ModelJob, errorCode?: string): void {
    for (const child of this.descendants(job).filter((each) => each.isActive)) {
      child.cancel(errorCode);
      this.echoes.add(child);
    }
  }

  /** What the sweep does with children whose parent has ended without them; says whether it had to. */
  sweep(): boolean {
    const ended = this.jobs.filter((job) =>
      job.hasEndedBadly && this.descendants(job).some((child) => child.isActive)
    );
    for (const job of ended) this.cancelBelow(job);
    return ended.length > 0;
  }

  /** Revives a job and what ended badly below it. */
  retry(job: ModelJob): void {
    const below = this.descendants(job, (each) => each.hasEndedBadly);
    // From the leaves up: a job looks at its children as they had ended.
    for (const each of [job, ...below]) each.revive();
    for (const each of below) this.echoes.add(each);
    for (const each of [...below.toReversed(), job]) {
      if (each.advance(() => this.nextCompletion()) && each !== job) this.echoes.add(each);
      this.ended([each]);
    }
  }

  descendants(job: ModelJob, follows: (job: ModelJob) => boolean = () => true): ModelJob[] {
    return (job.batch?.children ?? []).map((child) => child.job).filter(follows)
      .flatMap((child) => [child, ...this.descendants(child, follows)]);
  }

  running(jobType: string, user?: string): number {
    return this.jobs.filter((job) =>
      job.jobType === jobType && job.row.status === "processing" && (!user || job.user === user)
    ).length;
  }

  /** Jobs that answer this question, active or completed. */
  equals(user: string, jobType: string, question: number): ModelJob[] {
    return this.jobs.filter((job) =>
      job.holdsKey && !job.parent && job.user === user && job.jobType === jobType &&
      job.question === question
    );
  }
}

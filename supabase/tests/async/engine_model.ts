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
  };
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
  ) {}

  get isActive(): boolean {
    return this.row.status === "pending" || this.row.status === "processing";
  }

  get isClaimable(): boolean {
    return this.row.status === "pending" && this.isDue;
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

  cancel(): void {
    this.#takeAway({ status: "cancelled" });
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

  activeOf(user: string): number {
    return this.jobs.filter((job) => job.user === user && job.isActive).length;
  }

  running(jobType: string, user?: string): number {
    return this.jobs.filter((job) =>
      job.jobType === jobType && job.row.status === "processing" && (!user || job.user === user)
    ).length;
  }

  /** Jobs that answer this question, active or completed. */
  equals(user: string, jobType: string, question: number): ModelJob[] {
    return this.jobs.filter((job) =>
      job.holdsKey && job.user === user && job.jobType === jobType && job.question === question
    );
  }
}

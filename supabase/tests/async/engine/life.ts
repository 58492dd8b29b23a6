/** A job by itself, from its claim to its end, as the engine is documented to treat it. */

/** The columns of a job that the model foretells. */
export interface Foretold {
  status: string;
  fencing_token: number;
  is_classic: boolean;
  seq: number;
  retry_count: number;
  crash_count: number;
  crash_streak: number;
  progress_percent: number;
  progress_message: string | null;
  checkpoint: unknown;
  result: unknown;
  error_code: string | null;
  held_by: string | null;
}

/** Limits of the job types that the model's jobs have. */
export const limits = { max_retries: 2, max_crashes: 2, max_concurrency: 4, max_per_user: 2 };

/** What becomes of a job as long as it has nothing to do with others. */
export class Life {
  readonly row: Foretold = {
    status: "pending",
    fencing_token: 0,
    is_classic: false,
    seq: 0,
    retry_count: 0,
    crash_count: 0,
    crash_streak: 0,
    progress_percent: 0,
    progress_message: null,
    checkpoint: null,
    result: null,
    error_code: null,
    held_by: null,
  };
  /** Whether it may be claimed now, rather than later. */
  isDue = true;
  /** Place among the completed. */
  completion = 0;
  /** Accepted log lines. */
  lines = 0;

  get isActive(): boolean {
    return this.row.status === "pending" || this.row.status === "processing";
  }

  /** What a retry runs again. */
  get hasEndedBadly(): boolean {
    return this.row.status === "failed" || this.row.status === "cancelled";
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
    this.tell({ status: "processing", fencing_token: fencing_token + 1, is_classic: isClassic });
  }

  saveCheckpoint(checkpoint: { step: number }): void {
    // Only what is new has moved the job on.
    if (JSON.stringify(checkpoint) !== JSON.stringify(this.row.checkpoint)) {
      this.row.crash_streak = 0;
    }
    this.row.checkpoint = checkpoint;
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
    this.tell({ status: "completed", progress_percent: 100, result, error_code: null });
  }

  fail(errorCode: string, isRetryable: boolean, isDue: boolean): void {
    const { retry_count, checkpoint, progress_percent } = this.row;
    if (!isRetryable || retry_count >= limits.max_retries) {
      return this.tell({ status: "failed", error_code: errorCode });
    }
    this.isDue = isDue;
    this.tell({
      status: "pending",
      error_code: errorCode,
      retry_count: retry_count + 1,
      progress_percent: checkpoint === null ? 0 : progress_percent,
    });
  }

  yield(checkpoint: unknown, isDue: boolean): void {
    this.isDue = isDue;
    this.row.crash_streak = 0;
    this.tell({ status: "pending", checkpoint: checkpoint ?? this.row.checkpoint });
  }

  crash(): void {
    const { checkpoint, progress_percent } = this.row;
    this.row.crash_count++;
    this.row.crash_streak++;
    this.takeAway(
      this.row.crash_streak < limits.max_crashes
        ? { status: "pending", progress_percent: checkpoint === null ? 0 : progress_percent }
        : { status: "failed", error_code: "WORKER_LOST" },
    );
    this.isDue = true;
  }

  overrun(): void {
    this.takeAway({ status: "failed", error_code: "MAX_RUNTIME_EXCEEDED" });
  }

  cancel(errorCode: string | null = this.row.error_code): void {
    this.takeAway({ status: "cancelled", held_by: null, error_code: errorCode });
  }

  expire(): void {
    this.tell({ status: "failed", error_code: "EXPIRED" });
  }

  protected takeAway(change: Partial<Foretold>): void {
    const { fencing_token } = this.row;
    this.tell({ ...change, fencing_token: fencing_token + 1, is_classic: false });
  }

  protected tell(change: Partial<Foretold>): void {
    Object.assign(this.row, change, { seq: this.row.seq + 1 });
  }
}

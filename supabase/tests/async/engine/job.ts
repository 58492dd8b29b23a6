/** A job as the engine is documented to treat it, in plain objects. */
import { Batch, type OnChildFailure, type WhenDone } from "./batch.ts";

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

/** A job as it should be. */
export class ModelJob {
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
  batch: Batch | null = null;
  /** Whether it may be claimed now, rather than later. */
  isDue = true;
  /** Which request it answers: of equal ones the newest is joined. */
  requested = 0;
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
    this.row.crash_streak = 0;
    this.#tell({ status: "pending", checkpoint: checkpoint ?? this.row.checkpoint });
  }

  crash(): void {
    const { checkpoint, progress_percent } = this.row;
    this.row.crash_count++;
    this.row.crash_streak++;
    this.#takeAway(
      this.row.crash_streak < limits.max_crashes
        ? { status: "pending", progress_percent: checkpoint === null ? 0 : progress_percent }
        : { status: "failed", error_code: "WORKER_LOST" },
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
    batch?.revive();
    this.isDue = true;
    this.#takeAway({
      status: "pending",
      retry_count: 0,
      crash_count: 0,
      crash_streak: 0,
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
    this.batch ??= new Batch();
    this.batch.await(onChildFailure, whenDone);
    const progress_percent = Math.min(this.row.progress_percent, 99);
    this.#tell({ status: "pending", held_by: "children", progress_percent, crash_streak: 0 });
  }

  /** What the children's state does to a job that waits for them; says whether it did anything. */
  advance(completion: () => number): boolean {
    const { batch, row } = this;
    if (!batch || !this.isWaiting) return false;
    const verdict = batch.verdict();
    switch (verdict.does) {
      case "wait":
        if (verdict.percent <= row.progress_percent) return false;
        this.#tell({ progress_percent: verdict.percent });
        break;
      case "resume":
        batch.isAwaited = false;
        this.isDue = true;
        this.#tell({ held_by: null, progress_percent: 99, error_code: null });
        break;
      case "fail":
        this.#tell({ status: "failed", held_by: null, error_code: "CHILD_FAILED" });
        break;
      case "complete":
        row.held_by = null;
        this.complete(verdict.result, completion());
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

/** A job among its children, as the engine is documented to treat it. */
import { Batch, type OnChildFailure, type WhenDone } from "./batch.ts";
import { Life } from "./life.ts";

/** A job as it should be. */
export class ModelJob extends Life {
  batch: Batch | null = null;
  /** Which request it answers: of equal ones the newest is joined. */
  requested = 0;

  constructor(
    readonly id: string,
    readonly user: string,
    readonly jobType: string,
    readonly question: number,
    readonly priority: number,
    readonly parent: ModelJob | null = null,
  ) {
    super();
  }

  get isClaimable(): boolean {
    return this.row.status === "pending" && this.isDue && !this.isWaiting;
  }

  get isWaiting(): boolean {
    return this.row.held_by === "children";
  }

  /** Waits no longer than until somebody looks at its batch. */
  get isDecided(): boolean {
    return this.isWaiting && this.batch?.verdict().does !== "wait";
  }

  /** Waits for its time, and for nothing that has happened since. */
  get isPlanned(): boolean {
    return this.row.status === "pending" && !this.isDue && this.row.fencing_token === 0;
  }

  /** Somebody does not want to wait for it so long. */
  bringForward(): void {
    this.isDue = true;
    this.tell({});
  }

  /** A life after the end: fresh counters, the old checkpoint. */
  revive(): void {
    const { batch, row } = this;
    batch?.revive();
    this.isDue = true;
    this.takeAway({
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

  wait(onChildFailure: OnChildFailure, whenDone: WhenDone): void {
    this.batch ??= new Batch();
    this.batch.await(onChildFailure, whenDone);
    const progress_percent = Math.min(this.row.progress_percent, 99);
    this.tell({ status: "pending", held_by: "children", progress_percent, crash_streak: 0 });
  }

  /** What the children's state does to a job that waits for them; says whether it did anything. */
  advance(completion: () => number): boolean {
    const { batch, row } = this;
    if (!batch || !this.isWaiting) return false;
    const verdict = batch.verdict();
    switch (verdict.does) {
      case "wait":
        if (verdict.percent <= row.progress_percent) return false;
        this.tell({ progress_percent: verdict.percent });
        break;
      case "resume":
        batch.isAwaited = false;
        this.isDue = true;
        this.tell({ held_by: null, progress_percent: 99, error_code: null });
        break;
      case "fail":
        this.tell({ status: "failed", held_by: null, error_code: "CHILD_FAILED" });
        break;
      case "complete":
        row.held_by = null;
        this.complete(verdict.result, completion());
    }
    return true;
  }
}

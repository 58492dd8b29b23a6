/** The children of a job and what their ends mean for it, in plain objects. */
import type { ModelJob } from "./job.ts";

/** How a batch was told to end. */
export type OnChildFailure = "fail_fast" | "partial";
export type WhenDone = "complete" | "resume";

/** What becomes of a job that waits for its children. */
export type Verdict =
  | { does: "wait"; percent: number }
  | { does: "resume" }
  | { does: "fail" }
  | { does: "complete"; result: unknown };

/** The children of one job. */
export class Batch {
  /** In the order of their creation. */
  readonly children: { key: string; job: ModelJob }[] = [];
  onChildFailure: OnChildFailure = "partial";
  whenDone: WhenDone = "complete";
  isAwaited = false;

  /** The parent waits from now on. */
  await(onChildFailure: OnChildFailure, whenDone: WhenDone): void {
    Object.assign(this, { onChildFailure, whenDone, isAwaited: true });
  }

  /** The parent is revived: it waits once more if there is anything to wait for. */
  revive(): void {
    const isUnfinished = this.children.some(({ job }) => job.hasEndedBadly);
    this.isAwaited ||= this.whenDone === "resume" && isUnfinished;
  }

  /** What the children's state means now. */
  verdict(): Verdict {
    const { counts } = this;
    const ended = counts.completed + counts.failed + counts.cancelled;
    const isBroken = counts.failed > 0 && this.onChildFailure === "fail_fast";
    if (isBroken) return { does: "fail" };
    if (ended < counts.total) {
      return { does: "wait", percent: Math.min(99, Math.floor(ended * 100 / counts.total)) };
    }
    if (this.whenDone === "resume") return { does: "resume" };
    if (counts.failed > 0 && counts.completed === 0) return { does: "fail" };
    const children = this.children.map(({ key, job }) => ({
      job_id: job.id,
      key,
      job_type: job.jobType,
      status: job.row.status,
      error_code: job.row.error_code,
      result: job.row.result,
    }));
    return { does: "complete", result: { ...counts, children } };
  }

  private get counts() {
    const count = (status: string) =>
      this.children.filter(({ job }) => job.row.status === status).length;
    return {
      total: this.children.length,
      completed: count("completed"),
      failed: count("failed"),
      cancelled: count("cancelled"),
    };
  }
}

import { errors, isErrorCode } from "../errors.ts";
import type {
  ClaimedJob,
  Completion,
  Failure,
  GiveBack,
  JobStore,
  Lease,
  Wait,
} from "./job_store.ts";
import { cutShort, type Failed, type Outcome, type Waiting } from "./outcomes.ts";

/** An attempt whose outcome is to be recorded. */
export interface Attempt {
  readonly job: Pick<ClaimedJob, "id" | "fencing_token" | "lease_ms">;
  readonly lease: Lease;
  /** When the lease ends as far as we know by now; after it there is nothing left to record. */
  readonly until: number;
}

/** An attempt that has come to its outcome. */
export interface Ended<A extends Attempt = Attempt> {
  readonly attempt: A;
  readonly outcome: Outcome;
}

export function toCompletion({ attempt: { job }, outcome }: Ended): Completion {
  const result = outcome.kind === "completed" ? outcome.result : null;
  return { job_id: job.id, fencing_token: job.fencing_token, result };
}

export function toGiveBack({ attempt: { lease }, outcome }: Ended): GiveBack {
  if (outcome.kind !== "yielded") return lease;
  const giveBack = { ...lease, checkpoint: outcome.checkpoint, delay_ms: outcome.delayMs };
  return outcome === cutShort ? { ...giveBack, is_cut_short: true } : giveBack;
}

export function toFailure({ attempt: { lease }, outcome }: Ended): Failure {
  if (outcome.kind !== "failed") {
    return { ...lease, error_code: "INTERNAL_ERROR", error_message: "", retryable: true };
  }
  return {
    ...lease,
    error_code: outcome.code,
    error_message: outcome.message,
    retryable: outcome.retryable,
    retry_after_ms: outcome.retryAfterMs,
  };
}

export function toWait(lease: Lease, { onChildFailure, whenDone, checkpoint }: Waiting): Wait {
  return { ...lease, on_child_failure: onChildFailure, when_done: whenDone, checkpoint };
}

/**
 * What is recorded of an outcome that the database will never take, so that the job ends with a reason
 * instead of hanging until its lease is over. Null when there is nothing plainer to say.
 */
export function storableInstead(outcome: Outcome, error: unknown): Failed | null {
  if (outcome.kind === "failed") return plainFailure(outcome);
  const { hint } = error as { hint?: unknown };
  if (isErrorCode(hint)) return fatal(hint, errors[hint].message);
  const what = outcome.kind === "completed" ? "Result" : "Checkpoint";
  return fatal("INVALID_RESULT", `${what} cannot be stored`);
}

function fatal(code: Failed["code"], message: string): Failed {
  return { kind: "failed", code, message, retryable: false };
}

/** The same failure in the catalogue's words, with the job type's own backoff. */
function plainFailure({ code, message, retryable, retryAfterMs }: Failed): Failed | null {
  const known = isErrorCode(code) ? code : "HANDLER_ERROR";
  const plain = errors[known].message;
  if (code === known && message === plain && retryAfterMs === undefined) return null;
  return { kind: "failed", code: known, message: plain, retryable };
}

/** Heartbeats go on while the outcome is on its way, but what fails for so long fails for ever. */
export function isHopeless({ until, job: { lease_ms } }: Attempt, since: number, now: number) {
  return now >= Math.min(until, since + 2 * lease_ms);
}

/** What the database made of an outcome: the job's new status, {@link HELD}, or null when it was refused. */
export type Recorded = string | null;
/** The same for all of a statement, by the job's id. */
export type RecordedOf = (jobId: string) => Recorded;

export const allCompleted: RecordedOf = () => "completed";

/** Sends outcomes of one kind; answers what became of each, by the job's id. */
export async function recordAlike(store: JobStore, ended: Ended[]): Promise<RecordedOf> {
  const [{ attempt, outcome }] = ended as [Ended];
  switch (outcome.kind) {
    case "completed": {
      const left = await store.complete(ended.map(toCompletion));
      return left.size === 0 ? allCompleted : (id) => left.has(id) ? left.get(id)! : "completed";
    }
    case "yielded": {
      const statuses = await store.giveBack(ended.map(toGiveBack));
      return (id) => statuses.get(id) ?? null;
    }
    case "waiting": {
      const status = await store.waitForChildren(toWait(attempt.lease, outcome));
      return () => status;
    }
    default: {
      const statuses = await store.fail(ended.map(toFailure));
      return (id) => statuses.get(id) ?? null;
    }
  }
}

/** After an answer that was lost: what is refused now may have been recorded the first time. */
export async function orRecordedBefore(
  store: JobStore,
  ended: Ended[],
  recordedOf: RecordedOf,
): Promise<RecordedOf> {
  const refused = ended.map(({ attempt }) => attempt.lease)
    .filter(({ job_id }) => recordedOf(job_id) === null);
  if (refused.length === 0) return recordedOf;
  const before = await store.readRecorded(refused).catch(() => new Map<string, string>());
  return (id) => recordedOf(id) ?? before.get(id) ?? null;
}

import type { LogFields, Logger } from "../log.ts";
import type { Counts } from "./counts.ts";
import type { ClaimedJob } from "./job_store.ts";
import type { Outcome } from "./outcomes.ts";
import type { Recorded } from "./settler.ts";

/** How an attempt ended, as it is counted and logged. */
export type Ending = Exclude<keyof Counts, "claimed">;

/** The record counts: an outcome that could not be stored has become a failure. */
export function endingOf(outcome: Outcome, recorded: Recorded): Ending {
  if (outcome.kind === "cancelled" || outcome.kind === "lost") return outcome.kind;
  if (recorded === null) return "lost";
  if (recorded === "failed" || recorded === "completed") return recorded;
  return outcome.kind === "failed" ? "retried" : outcome.kind;
}

/** One line per attempt, for whoever runs the worker. */
export function logEnding(
  logger: Logger,
  job: ClaimedJob,
  outcome: Outcome,
  ending: Ending,
  durationMs: number,
): void {
  const fields: LogFields = {
    job_id: job.id,
    job_type: job.job_type,
    attempt: 1 + (job.retry_count ?? 0) + (job.crash_count ?? 0),
    claim: job.fencing_token,
    duration_ms: Math.round(durationMs),
    outcome: ending,
  };
  if (outcome.kind === "failed") {
    Object.assign(fields, {
      error: outcome.code,
      error_message: outcome.message,
      cause: outcome.cause,
    });
  }
  logger.info("job", fields);
}

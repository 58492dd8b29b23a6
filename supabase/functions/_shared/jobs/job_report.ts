import type { LogFields, Logger } from "../log.ts";
import type { Counts } from "./counts.ts";
import type { ClaimedJob } from "./job_store.ts";
import type { Outcome } from "./outcomes.ts";
import type { Recorded } from "./settlement.ts";

/** How an attempt ended, as it is counted and logged. */
export type Ending = Exclude<keyof Counts, "claimed">;

/** The record counts: an outcome that could not be stored has become a failure. */
export function endingOf(outcome: Outcome, recorded: Recorded): Ending {
  if (outcome.kind === "cancelled" || outcome.kind === "lost") return outcome.kind;
  if (recorded === null) return "lost";
  if (recorded === "failed" || recorded === "completed") return recorded;
  return outcome.kind === "failed" ? "retried" : outcome.kind;
}

/** What the lines of jobs that were claimed and settled together share. */
interface Said extends LogFields {
  job_type: string;
  attempt: number;
  claim: number;
  duration_ms: number;
  outcome: Ending;
}

/** One line per attempt, for whoever runs the worker. What one line shares with the next is written once. */
export class JobReport {
  #latest: Said = { job_type: "", attempt: 0, claim: 0, duration_ms: 0, outcome: "lost" };
  /** Says the same for further jobs; null until a second one asks for it. */
  #again: Logger | null = null;

  constructor(private readonly logger: Logger) {}

  log(job: ClaimedJob, outcome: Outcome, ending: Ending, durationMs: number): void {
    const { job_type, fencing_token: claim } = job;
    const attempt = 1 + (job.retry_count ?? 0) + (job.crash_count ?? 0);
    const duration_ms = Math.round(durationMs);
    if (outcome.kind === "failed") {
      const { code: error, message: error_message, cause } = outcome;
      const said: Said = { job_type, attempt, claim, duration_ms, outcome: ending };
      return this.logger.info("job", { ...said, error, error_message, cause, job_id: job.id });
    }
    const latest = this.#latest;
    const isAlike = latest.claim === claim && latest.duration_ms === duration_ms &&
      latest.attempt === attempt && latest.outcome === ending && latest.job_type === job_type;
    if (isAlike) {
      this.#again ??= this.logger.with(latest);
      return this.#again.info("job", { job_id: job.id });
    }
    this.#again = null;
    this.#latest = { job_type, attempt, claim, duration_ms, outcome: ending };
    this.logger.info("job", { ...this.#latest, job_id: job.id });
  }
}

import type { RunnableJob } from "./define_job.ts";
import type { AbortReason } from "./errors.ts";
import type { JobRun } from "./job_run.ts";
import type { Ended } from "./settlement.ts";
import { type Outcome, outcomeOfAbort, outcomeOfError } from "./outcomes.ts";

/** What most handlers end with. */
const completedWithNothing: Outcome = { kind: "completed", result: null };

/** Runs a handler to its outcome, also when it throws. */
export function runHandler<Deps>(
  definition: RunnableJob<Deps>,
  run: JobRun,
  deps: Deps,
): Promise<Ended<JobRun>> {
  return new Promise((resolve) => void carry(definition, run, deps, resolve));
}

/** The same for whoever takes the outcome by a call: one promise per job is enough. Never rejects. */
export async function carry<Deps>(
  definition: RunnableJob<Deps>,
  run: JobRun,
  deps: Deps,
  onEnded: (ended: Ended<JobRun>) => void,
): Promise<void> {
  let outcome: Outcome;
  try {
    const result = definition.parseResult(await definition.start(run, deps));
    outcome = result === null ? completedWithNothing : { kind: "completed", result };
  } catch (error) {
    outcome = outcomeOfError(error);
  }
  if (run.aborted !== null) outcome = afterAbort(run.aborted, outcome);
  try {
    onEnded({ attempt: run, outcome });
  } catch (error) {
    run.parts.onTrouble(error);
  }
}

/** Why the handler was stopped outweighs what it threw on its way out. */
function afterAbort(reason: AbortReason, outcome: Outcome): Outcome {
  const stopped = outcomeOfAbort(reason);
  if (stopped.kind !== "yielded") return stopped;
  const decided = outcome.kind === "failed" ? !outcome.retryable : true;
  return decided ? outcome : stopped;
}

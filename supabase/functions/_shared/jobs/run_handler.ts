import type { Clock } from "./clock.ts";
import type { RunnableJob } from "./define_job.ts";
import type { AbortReason } from "./errors.ts";
import type { JobRun } from "./job_run.ts";
import { type Outcome, outcomeOfAbort, outcomeOfError } from "./outcomes.ts";

/**
 * Runs a handler to its outcome, also when it throws. A handler that was told to stop and does not is
 * left behind after its grace: its lease is given up, so whatever it still writes is refused.
 */
export function runHandler<Deps>(
  definition: RunnableJob<Deps>,
  run: JobRun,
  deps: Deps,
  clock: Clock,
  graceMs: (reason: AbortReason) => number,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let callOff: (() => void) | null = null;
    const end = (outcome: Outcome) => {
      callOff?.();
      resolve(run.aborted === null ? outcome : afterAbort(run.aborted, outcome));
    };
    run.onAbort((reason) => {
      callOff = clock.after(graceMs(reason), () => end(outcomeOfAbort(reason)));
    });
    definition.execute(run, deps).then(completed, outcomeOfError).then(end, reject);
  });
}

function completed(result: unknown): Outcome {
  return { kind: "completed", result };
}

/** Why the handler was stopped outweighs what it threw on its way out. */
function afterAbort(reason: AbortReason, outcome: Outcome): Outcome {
  const stopped = outcomeOfAbort(reason);
  if (stopped.kind !== "yielded") return stopped;
  const decided = outcome.kind === "failed" ? !outcome.retryable : true;
  return decided ? outcome : stopped;
}

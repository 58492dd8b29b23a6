import type { Clock } from "./clock.ts";
import type { JobRun } from "./context.ts";
import type { RunnableJob } from "./define_job.ts";
import { type AbortReason, JobAborted } from "./errors.ts";
import { type Outcome, outcomeOfAbort, outcomeOfError } from "./outcomes.ts";

/**
 * Runs a handler to its outcome. Never rejects. A handler that was told to stop and does not is
 * left behind after its grace: its lease is given up, so whatever it still writes is refused.
 */
export async function runHandler<Deps>(
  definition: RunnableJob<Deps>,
  run: JobRun,
  deps: Deps,
  clock: Clock,
  graceMs: (reason: AbortReason) => number,
): Promise<Outcome> {
  const finished = definition.execute(run, deps).then(
    (result): Outcome => ({ kind: "completed", result }),
    outcomeOfError,
  );
  const overdue = whenOverdue(run.signal, clock, graceMs);
  const outcome = await Promise.race([finished, overdue.outcome]);
  overdue.callOff();
  return run.signal.aborted ? afterAbort(run.signal, outcome) : outcome;
}

/** Why the handler was stopped outweighs what it threw on its way out. */
function afterAbort(signal: AbortSignal, outcome: Outcome): Outcome {
  const stopped = outcomeOfAbort(reasonOf(signal));
  if (stopped.kind !== "yielded") return stopped;
  const decided = outcome.kind === "failed" ? !outcome.retryable : true;
  return decided ? outcome : stopped;
}

function reasonOf(signal: AbortSignal): AbortReason {
  return signal.reason instanceof JobAborted ? signal.reason.reason : "lease_lost";
}

function whenOverdue(
  signal: AbortSignal,
  clock: Clock,
  graceMs: (reason: AbortReason) => number,
): { outcome: Promise<Outcome>; callOff(): void } {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  let stopTimer = () => {};
  const onAbort = () => {
    const reason = reasonOf(signal);
    stopTimer = clock.after(graceMs(reason), () => resolve(outcomeOfAbort(reason)));
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return {
    outcome: promise,
    callOff() {
      signal.removeEventListener("abort", onAbort);
      stopTimer();
    },
  };
}

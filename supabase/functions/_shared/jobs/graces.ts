import type { Clock } from "./clock.ts";
import type { AbortReason } from "./errors.ts";
import type { JobRun } from "./job_run.ts";
import type { WorkerOptions } from "./options.ts";
import { outcomeOfAbort } from "./outcomes.ts";
import type { Ended } from "./settlement.ts";
import type { Strays } from "./strays.ts";

interface GracesParts {
  clock: Clock;
  options: Pick<WorkerOptions, "abort_grace_ms" | "unload_grace_ms">;
  strays: Strays;
  /** Told of an outcome that the handler has had no part in. */
  onEnded(ended: Ended<JobRun>): void;
}

/**
 * The time that handlers are given which have been told to stop. One that does not is left behind:
 * whatever it still writes is refused.
 */
export class Graces {
  /** Calls off the end of a grace. */
  readonly #given = new WeakMap<JobRun, () => void>();

  constructor(private readonly parts: GracesParts) {}

  give(run: JobRun, reason: AbortReason): void {
    const { clock, options, strays, onEnded } = this.parts;
    const graceMs = reason === "shutdown" ? options.unload_grace_ms : options.abort_grace_ms;
    // What it was told first says what becomes of it.
    const outcome = outcomeOfAbort(run.aborted ?? reason);
    this.callOff(run);
    this.#given.set(
      run,
      clock.after(graceMs, () => {
        strays.leave(run);
        onEnded({ attempt: run, outcome });
      }),
    );
  }

  callOff(run: JobRun): void {
    this.#given.get(run)?.();
  }
}

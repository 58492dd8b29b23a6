import type { Db } from "../db.ts";
import type { Clock } from "./clock.ts";
import type { AbortReason } from "./errors.ts";
import type { JobRun } from "./job_run.ts";
import type { JobStore } from "./job_store.ts";
import type { LogBuffer } from "./log_buffer.ts";

/** What an attempt writes and reads while it runs. */
type RunStore = Pick<
  JobStore,
  | "saveProgress"
  | "saveCheckpoint"
  | "createChildren"
  | "readBatch"
  | "readChildren"
  | "isBadInput"
>;

/** What the attempts of one worker share. */
export interface RunParts {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly db: Db;
  readonly logs: LogBuffer;
  readonly progressIntervalMs: number;
  remaining(): number;
  onTrouble(error: unknown): void;
  /** The handler of this attempt has been told to stop. */
  onAbort?: ((run: JobRun, reason: AbortReason) => void) | undefined;
}

import type { Db } from "../db.ts";
import type { Logger } from "../log.ts";
import type { BudgetLimits, UsageMeter } from "./budget.ts";
import type { Clock } from "./clock.ts";
import type { RunnableJob } from "./define_job.ts";
import type { JobStore } from "./job_store.ts";
import type { WorkerOptions } from "./options.ts";
import type { Strays } from "./strays.ts";

/** What a worker is made of. */
export interface WorkerParts<Deps> {
  id: string;
  store: JobStore;
  jobs: readonly RunnableJob<Deps>[];
  deps: Deps;
  db: Db;
  clock: Clock;
  logger: Logger;
  options: WorkerOptions;
  limits: Omit<BudgetLimits, "wall_ms">;
  meter?: UsageMeter;
  region: string | null;
  /** Whether no other worker lives in this process; unless given, none does. */
  isAlone?: () => boolean;
  /** Has all other workers of this process take no more, and leave when they run nothing. */
  retireOthers?: () => void;
  /** What all workers of this process have left behind; unless given, there are no others. */
  strays?: Strays;
}

import { serviceDb } from "../db.ts";
import { databaseEnv, platformEnv, workerEnv } from "../env.ts";
import { createLogger } from "../log.ts";
import { systemClock } from "./clock.ts";
import { createJobDeps } from "./deps.ts";
import { onUncaught } from "./isolate.ts";
import { defaultOptions, type WorkerOptions } from "./options.ts";
import { Processor } from "./processor.ts";
import { jobs } from "./registry.ts";
import { openStore } from "./store.ts";
import { Strays } from "./strays.ts";
import { Worker } from "./worker.ts";

/** Less than this is not worth a start; the platform takes no new requests so late anyway. */
const LEAST_BUDGET_MS = 30_000;
/** Aborting, settling and signing off must fit between the budget and the platform's end. */
const FAREWELL_MS = 15_000;

/** The worker of this isolate, on its real database, clock and handlers. */
export function createEdgeProcessor(): Processor {
  const logger = createLogger({ function: "job-processor" });
  const { concurrency, lingerMs, budgetMs, wallClockMs, cpuMs, memoryBytes } = workerEnv();
  const store = openStore({ url: databaseEnv().url });
  const db = serviceDb();
  const deps = createJobDeps(db);
  onUncaught((error) => logger.error("a handler has left an error to nobody", { error }));
  const strays = new Strays(systemClock);

  const createWorker = (isAlone: () => boolean, retireOthers: () => void) => {
    const options: WorkerOptions = {
      ...defaultOptions,
      concurrency: concurrency ?? defaultOptions.concurrency,
      linger_ms: lingerMs ?? defaultOptions.linger_ms,
      budget_ms: budgetLeft(budgetMs ?? defaultOptions.budget_ms, wallClockMs),
    };
    return new Worker({
      id: `worker-${crypto.randomUUID()}`,
      store,
      jobs,
      deps,
      db,
      clock: systemClock,
      logger,
      options,
      limits: { cpu_ms: cpuMs, memory_bytes: memoryBytes },
      region: platformEnv().region ?? null,
      isAlone,
      retireOthers,
      strays,
    });
  };
  return new Processor(createWorker, (error) => logger.error("worker crashed", { error }));
}

/** The platform counts the wall clock from the isolate's start, not from the request. */
function budgetLeft(budgetMs: number, wallClockMs: number | null): number {
  if (wallClockMs === null) return budgetMs;
  const left = wallClockMs - performance.now() - FAREWELL_MS;
  return Math.max(LEAST_BUDGET_MS, Math.min(budgetMs, left));
}

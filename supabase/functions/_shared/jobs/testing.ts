import { PostgrestClient } from "@supabase/postgrest-js";
import type { z } from "zod";
import type { Database } from "../database.types.ts";
import type { Clock } from "./clock.ts";
import { startRun } from "./context.ts";
import type { JobDefinition } from "./define_job.ts";
import { type AbortReason, type Outcome } from "./errors.ts";
import type { ClaimedJob, LogLine, Progress } from "./job_store.ts";
import { FakeClock } from "./fake_clock.ts";
import { LogBuffer } from "./log_buffer.ts";
import { runHandler } from "./run_handler.ts";

/** A job as a claim returns it. */
export function claimedJob(job: Partial<ClaimedJob> = {}): ClaimedJob {
  return {
    id: crypto.randomUUID(),
    user_id: crypto.randomUUID(),
    job_type: "test_job",
    params: {},
    checkpoint: null,
    progress_percent: 0,
    retry_count: 0,
    max_retries: 3,
    crash_count: 0,
    parent_job_id: null,
    fencing_token: 1,
    lease_ms: 30_000,
    ...job,
  };
}

/** A data API client that leads nowhere, for handlers that do not use theirs. */
export const noDb = new PostgrestClient<Database>("http://127.0.0.1:9");

/** How to run a handler in memory. */
export interface HandlerRunOptions<P, C, Deps> {
  params: P;
  checkpoint?: C;
  deps: Deps;
  clock?: Clock;
  /** Milliseconds left of the slice, asked each time the handler asks. */
  remaining?: () => number;
  /** Called once before the handler starts; keep `abort` to stop it midway. */
  started?: (control: { abort(reason: AbortReason): void }) => void;
}

/** Everything a handler did while it ran in memory. */
export interface HandlerRun<C> {
  outcome: Outcome;
  /** In order, as the database would have got them. */
  progress: Progress[];
  checkpoints: C[];
  logs: Pick<LogLine, "log_level" | "message" | "metadata">[];
}

/**
 * Runs a handler with a fake context, without database or worker: what a handler's test needs.
 * The outcome is what the worker would record.
 */
export async function runInMemory<
  P extends z.ZodType,
  C extends z.ZodType,
  R extends z.ZodType,
  Deps,
>(
  definition: JobDefinition<P, C, R, Deps>,
  options: HandlerRunOptions<z.input<P>, z.input<C>, Deps>,
): Promise<HandlerRun<z.output<C>>> {
  const clock = options.clock ?? new FakeClock();
  const done: Omit<HandlerRun<z.output<C>>, "outcome"> = {
    progress: [],
    checkpoints: [],
    logs: [],
  };
  const logs = new LogBuffer(
    {
      addLogs(lines) {
        done.logs.push(...lines);
        return Promise.resolve();
      },
    },
    clock,
    0,
  );
  const run = startRun({
    job: claimedJob({
      job_type: definition.type,
      params: options.params,
      checkpoint: options.checkpoint ?? null,
    }),
    store: {
      saveProgress(_lease, progress) {
        done.progress.push(progress);
        return Promise.resolve(true);
      },
      saveCheckpoint(_lease, checkpoint, progress) {
        done.checkpoints.push(checkpoint as z.output<C>);
        if (progress) done.progress.push(progress);
        return Promise.resolve(true);
      },
    },
    clock,
    db: noDb,
    progressIntervalMs: 0,
    remaining: options.remaining ?? (() => 60_000),
    log: (lease, open) => logs.forJob(lease, open),
    onTrouble: (error) => {
      throw error;
    },
  });
  options.started?.(run);
  const outcome = await runHandler(definition, run, options.deps, clock, () => 0);
  await Promise.all([run.flush(), logs.flush()]);
  return { outcome, ...done };
}

export { FakeClock, settled } from "./fake_clock.ts";

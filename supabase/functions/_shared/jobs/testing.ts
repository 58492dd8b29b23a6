import type { z } from "zod";
import type { Clock } from "./clock.ts";
import type { JobDefinition } from "./define_job.ts";
import type { AbortReason } from "./errors.ts";
import { FakeClock } from "./fake_clock.ts";
import { claimedJob, noDb } from "./fakes.ts";
import { JobRun } from "./job_run.ts";
import type { ChildJob, ChildResult, LogLine, Progress } from "./job_store.ts";
import { LogBuffer } from "./log_buffer.ts";
import { summaryOf } from "./memory_rows.ts";
import type { Outcome } from "./outcomes.ts";
import { runHandler } from "./run_handler.ts";

/** How to run a handler in memory. */
export interface HandlerRunOptions<P, C, Deps> {
  params: P;
  checkpoint?: C;
  deps: Deps;
  clock?: Clock;
  /** Milliseconds left of the slice, asked each time the handler asks. */
  remaining?: () => number;
  /** The children that a resumed parent finds; what is left out is made up. */
  children?: Partial<ChildResult>[];
  /** Called once before the handler starts; keep `abort` to stop it midway. */
  started?: (control: { abort(reason: AbortReason): void }) => void;
}

/** Everything a handler did while it ran in memory. */
export interface HandlerRun<C> {
  outcome: Outcome;
  /** In order, as the database would have got them. */
  progress: Progress[];
  checkpoints: C[];
  /** The children it asked for. */
  children: ChildJob[];
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
  const children = (options.children ?? []).map(fakeChild);
  const done: Omit<HandlerRun<z.output<C>>, "outcome"> = {
    progress: [],
    checkpoints: [],
    children: [],
    logs: [],
  };
  const logs = new LogBuffer(
    {
      addLogs(lines) {
        done.logs.push(...lines);
        return Promise.resolve([]);
      },
    },
    clock,
    0,
  );
  const job = claimedJob({
    job_type: definition.type,
    params: options.params,
    checkpoint: options.checkpoint ?? null,
  });
  const run = new JobRun(job, {
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
      createChildren(_lease, children, checkpoint) {
        done.children.push(...children);
        if (checkpoint !== undefined) done.checkpoints.push(checkpoint as z.output<C>);
        return Promise.resolve(children.map(() => "created"));
      },
      readBatch: () => Promise.resolve(summaryOf(children)),
      readChildren: () => Promise.resolve({ children, next: null }),
      isBadInput: () => false,
    },
    clock,
    db: noDb,
    progressIntervalMs: 0,
    remaining: options.remaining ?? (() => 60_000),
    logs,
    onTrouble: (error) => {
      throw error;
    },
  });
  options.started?.({ abort: (reason) => run.abort(reason) });
  const { outcome } = await runHandler(definition, run, options.deps);
  await run.flush();
  return { outcome, ...done };
}

function fakeChild(child: Partial<ChildResult>, index: number): ChildResult {
  return {
    job_id: crypto.randomUUID(),
    key: `${index + 1}`,
    job_type: "test_job",
    status: "completed",
    error_code: null,
    result: null,
    ...child,
  };
}

export { FakeClock, settled } from "./fake_clock.ts";
export { claimedJob, noDb } from "./fakes.ts";
export { TestQueue } from "./test_queue.ts";

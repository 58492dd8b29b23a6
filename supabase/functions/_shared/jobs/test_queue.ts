import type { z } from "zod";
import type { JobKind } from "./children.ts";
import type { RunnableJob } from "./define_job.ts";
import { FakeClock } from "./fake_clock.ts";
import { claimedJob, noDb } from "./fakes.ts";
import { JobRun } from "./job_run.ts";
import type { ClaimedJob, LogLine } from "./job_store.ts";
import { LogBuffer } from "./log_buffer.ts";
import type { MemoryRow } from "./memory_rows.ts";
import { MemoryStore } from "./memory_store.ts";
import type { Outcome } from "./outcomes.ts";
import { runHandler } from "./run_handler.ts";
import { Settler } from "./settler.ts";

interface TestQueueOptions {
  /** What `ctx.remaining()` counts down from in each slice. */
  sliceMs?: number;
  /** More runs than this are taken for a job that goes on for ever. */
  maxRuns?: number;
}

/** One run of a handler. */
interface TestRun {
  job: ClaimedJob;
  /** On the queue's own clock, which starts at 0. */
  startedAt: number;
  outcome: Outcome;
}

/**
 * A queue in memory that runs its jobs here and now, one after the other, as a worker would: retries,
 * snoozes, slices and children included. Time leaps to whatever is next, so nothing really waits.
 */
export class TestQueue<Deps> {
  readonly clock = new FakeClock();
  readonly store = new MemoryStore(() => this.clock.now());
  readonly runs: TestRun[] = [];
  readonly #logs = new LogBuffer(this.store, this.clock, 0);
  #settled = () => {};
  readonly #settler = new Settler({
    store: this.store,
    clock: this.clock,
    windowMs: 0,
    maxBatch: 1,
    company: () => false,
    notYet: () => Promise.resolve(new Set()),
    onRecorded: () => this.#settled(),
    onTrouble: throws,
  });

  constructor(
    private readonly jobs: readonly RunnableJob<Deps>[],
    private readonly deps: Deps,
    private readonly options: TestQueueOptions = {},
  ) {}

  /** The row that stands for the job from now on: look at it after {@link drain}. */
  add<P extends z.ZodType>(
    kind: JobKind<P>,
    params: z.input<P>,
    job: Partial<ClaimedJob> = {},
  ): MemoryRow {
    return this.store.add(claimedJob({ job_type: kind.type, params, fencing_token: 0, ...job }));
  }

  /** Runs everything to its end, whatever comes up meanwhile included. */
  async drain(): Promise<void> {
    const types = this.jobs.map(({ type }) => type);
    for (;;) {
      const [job] = await this.store.claim("test", 1, types);
      if (job) {
        await this.#run(job);
        continue;
      }
      const next = this.store.nextDueAt(types);
      if (next === Infinity) break;
      await this.clock.advance(next - this.clock.now());
    }
    const left = Array.from(this.store.rows.values())
      .find(({ job, status }) => status === "pending" && !types.includes(job.job_type));
    if (left) throw new Error(`No handler here does ${left.job.job_type}`);
  }

  /** What a job has logged, over all its runs. */
  logsOf({ job }: MemoryRow): LogLine[] {
    return this.store.logs.filter(({ job_id }) => job_id === job.id);
  }

  async #run(job: ClaimedJob): Promise<void> {
    const { clock, store, options: { sliceMs = Infinity, maxRuns = 10_000 } } = this;
    if (this.runs.length >= maxRuns) {
      throw new Error(`${job.job_type} still goes on after ${maxRuns} runs`);
    }
    const startedAt = clock.now();
    const run = new JobRun(job, {
      store,
      clock,
      db: noDb,
      progressIntervalMs: 0,
      remaining: () => Math.max(0, startedAt + sliceMs - clock.now()),
      logs: this.#logs,
      onTrouble: throws,
    });
    const definition = this.jobs.find(({ type }) => type === job.job_type)!;
    const ended = await clock.runUntil(runHandler(definition, run, this.deps));
    await run.flush();
    run.close();
    this.runs.push({ job, startedAt, outcome: ended.outcome });
    await new Promise<void>((resolve) => {
      this.#settled = resolve;
      this.#settler.settle(ended);
    });
  }
}

function throws(error: unknown): never {
  throw error;
}

/**
 * The engine against its model: random lives of jobs, among workers that crash and zombies that
 * write on. `STREAMVIBE_MODEL_RUNS` sets how many runs (each of some 30 steps), and
 * `STREAMVIBE_MODEL_SEED` repeats those of a seed that a failure has printed.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { batchSteps } from "./engine/batch_steps.ts";
import { claimSteps } from "./engine/claim_steps.ts";
import { clockSteps } from "./engine/clock_steps.ts";
import { endingSteps } from "./engine/ending_steps.ts";
import { joinSteps } from "./engine/join_steps.ts";
import { limits } from "./engine/life.ts";
import { Model } from "./engine/model.ts";
import { requestSteps } from "./engine/request_steps.ts";
import { EngineRun, type Tally } from "./engine/run.ts";
import { writeSteps } from "./engine/write_steps.ts";
import { withOwnJobs } from "./own_jobs.ts";

const runs = Number(Deno.env.get("STREAMVIBE_MODEL_RUNS") ?? 360);
const seed = Deno.env.get("STREAMVIBE_MODEL_SEED");

// Nothing runs out by itself: the steps decide what is late.
const jobType = {
  max_retries: limits.max_retries,
  max_crashes: limits.max_crashes,
  lease: "1 hour",
  max_runtime: "2 days",
  backoff_base: "1 hour",
  backoff_cap: "2 hours",
};
const jobTypes = [
  { ...jobType, cache_ttl: "1 hour" },
  { ...jobType, max_concurrency: limits.max_concurrency, max_per_user: limits.max_per_user },
];

Deno.test("the engine keeps its promise over every life of a job that chance can think of", async () => {
  await withOwnJobs({ connections: 2, users: 3, jobTypes }, async (own) => {
    const [setting] = await own.sql`
      select max_active_jobs_per_user as active from private.job_setting`;
    const tally: Tally = { steps: 0, moves: new Map() };
    const steps = fc.commands(
      [
        ...requestSteps,
        ...joinSteps,
        ...claimSteps,
        ...clockSteps,
        ...writeSteps,
        ...endingSteps,
        ...batchSteps,
      ],
      { maxCommands: 90, size: "max" },
    );

    await fc.assert(
      fc.asyncProperty(steps, async (commands) => {
        const run = new EngineRun(own, setting!.active, tally);
        await run.clear();
        await fc.asyncModelRun(() => ({ model: new Model(own.jobTypes), real: run }), commands);
        await run.drain();
      }),
      {
        numRuns: runs,
        ...(seed !== undefined && { seed: Number(seed) }),
        // A failure is shown as short as it can be made until then. Runs alone need a tenth of it, and on a
        // machine that is busy with other things half.
        interruptAfterTimeLimit: Math.max(300_000, runs * 3_000),
        markInterruptAsFailure: true,
      },
    );

    const moves = Array.from(tally.moves, ([move, times]) => `${move}: ${times}`).sort();
    // A step more or less is chance; a third of them gone would be a property that no longer holds much.
    assert.ok(tally.steps >= 25 * runs, `${tally.steps} steps`);
    console.log(`${tally.steps} steps in ${runs} runs; ${moves.join(", ")}`);
  });
});

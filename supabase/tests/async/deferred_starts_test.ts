/**
 * Jobs that are started without a word in their rows, against a model of who holds them: random claims,
 * outcomes, crashes and hands that know of no bundles. `STREAMVIBE_MODEL_RUNS` and `…_SEED` as in
 * `engine_model_test.ts`.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { everyWorker, type Hand, hands, workerAt } from "./deferred/hands.ts";
import type { Attempt } from "./deferred/ledger.ts";
import { DeferredRun, type Whose } from "./deferred/run.ts";
import { withOwnDatabase } from "../own_database.ts";
import { until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

const runs = Math.ceil(Number(Deno.env.get("STREAMVIBE_MODEL_RUNS") ?? 360) / 8);
const seed = Deno.env.get("STREAMVIBE_MODEL_SEED");
const jobTypes = [{ lease: "1 hour", max_runtime: "2 days", max_retries: 1000, max_crashes: 1000 }];

const handNames = Object.keys(hands) as Hand[];
const step = fc.record({
  // Most of all there has to be something that is held.
  hand: fc.oneof(
    { arbitrary: fc.constantFrom<Hand>("create", "claim, deferring"), weight: 1 },
    { arbitrary: fc.constantFrom<Hand>(...handNames), weight: 2 },
  ),
  worker: fc.nat(2).map(workerAt),
  count: fc.integer({ min: 1, max: 60 }),
  which: fc.nat(1_000),
});

Deno.test("a start that is not written is nobody else's, whatever happens to its job", async () => {
  // One of the hands rebuilds the side tables: that writes the starts of all jobs, and waits for whoever holds one.
  await withOwnDatabase("deferred", async (database) => {
    await withOwnJobs({ database, connections: 2, users: 3, jobTypes }, async (own) => {
      const done = new Map<Hand, number>();
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom<Whose>("system", "users", "both"),
          fc.array(step, { minLength: 20, maxLength: 60, size: "max" }),
          async (whose, steps) => {
            const run = new DeferredRun(own, whose);
            await run.clear();
            for (const { hand, ...choice } of steps) {
              if (await hands[hand](run, choice)) done.set(hand, (done.get(hand) ?? 0) + 1);
              await run.verify(`after "${hand}"`);
            }
            await run.drain(everyWorker);
          },
        ),
        { numRuns: runs, ...(seed !== undefined && { seed: Number(seed) }) },
      );
      for (const hand of handNames) {
        assert.ok((done.get(hand) ?? 0) > 0, `"${hand}" was tried`);
      }
      console.log(Array.from(done, ([hand, times]) => `${hand}: ${times}`).join(", "));
    });
  });
});

Deno.test("claims that take from the same bundles share them out", async () => {
  await withOwnJobs({ connections: 8, jobTypes }, async (own) => {
    const run = new DeferredRun(own);
    await run.create(3_000);
    const taken = await Promise.all(
      Array.from({ length: 64 }, (_, n) => run.take(`sharer ${n % 8}`, 50, n % 3 > 0)),
    );
    // What another claim holds at the moment is passed over, so that some may come away with less.
    while (run.ledger.waiting > 0) taken.push(await run.take("sharer", 500, true));
    const ids = taken.flat().map(({ id }) => id);
    assert.equal(ids.length, 3_000, "every job is taken");
    assert.equal(new Set(ids).size, 3_000, "and none twice");
    await run.verify("when all are taken");
  });
});

Deno.test("of a completion and the heartbeat that writes its start none is lost", async () => {
  await withOwnJobs({ connections: 3, jobTypes }, async (own) => {
    const run = new DeferredRun(own);
    await run.create(100);
    const attempts = await run.take("slow", 100, true);
    await run.age("slow");
    let completing: Promise<string[]> | undefined;
    await withOpenTransaction(own.sql, async (held) => {
      await held`select public.heartbeat('slow', '[]', 1, 1)`;
    }, async (pid) => {
      completing = run.complete(attempts);
      await until(async () => await own.waitingFor(pid) > 0);
    });
    assert.deepEqual(await completing, [], "nothing is refused");
    const rows = await own.sql<{ status: string; jobs: number }[]>`
      select status, count(*)::int as jobs from public.job_queue
      where job_type = any(${own.jobTypes}) group by status`;
    assert.deepEqual([...rows], [{ status: "completed", jobs: 100 }]);
    await run.verify("when all are completed");
  });
});

Deno.test("a job that is cancelled while it is being claimed is completed by nobody", async () => {
  await withOwnJobs({ connections: 3, jobTypes }, async (own) => {
    const run = new DeferredRun(own);
    const [first] = await run.create(40);
    let attempts: Attempt[] = [];
    await withOpenTransaction(own.sql, async (held) => {
      await held`select public.cancel_job(${first!})`;
    }, async () => {
      attempts = await run.take("quick", 40, true);
    });
    assert.equal(attempts.length, 40, "the claim waits for nobody");
    run.ledger.end(first!);
    assert.deepEqual(
      await run.complete(attempts),
      [first],
      "its completion is refused, and no other",
    );
    await run.verify("when the others are completed");
  });
});

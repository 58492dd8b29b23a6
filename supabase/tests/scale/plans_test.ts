/** Each question the engine, an owner or an operator asks is answered by the index meant for it. */
import assert from "node:assert/strict";
import { assertLifeIsHot, assertNoIndexChanges } from "./hot_updates.ts";
import { type LargeQueue, withLargeQueue } from "./large_queue.ts";
import { readingOf } from "./plans.ts";
import { engineQuestions } from "./questions/engine.ts";
import { operatorQuestions } from "./questions/operator.ts";
import { ownerQuestions } from "./questions/owner.ts";

Deno.test("in a queue of a million jobs every question has its index", async (test) => {
  const size = Number(Deno.env.get("SCALE_JOBS") ?? 1_000_000);
  await withLargeQueue(size, async (queue) => {
    const questions = [
      ...ownerQuestions(queue.users),
      ...engineQuestions,
      ...operatorQuestions(queue.users),
    ];
    for (const { asks, before, statement, index, rows } of questions) {
      await test.step(asks, async () => {
        const reading = await readingOf(queue, statement, before);
        assert.ok(reading.indexes.has(index), `${[...reading.indexes]} instead of ${index}`);
        assert.ok(reading.rows <= rows, `${reading.rows} rows were looked at`);
      });
    }
    await test.step("stats come from the counters", () => assertStatsReadNoJobs(queue));
    await test.step("starts, progress, heartbeats and ends are written in place (HOT)", () =>
      assertLifeIsHot(queue));
    await test.step("no index of the queue is touched by them", () => assertNoIndexChanges(queue));
  });
});

async function assertStatsReadNoJobs(queue: LargeQueue): Promise<void> {
  const [total] = await queue.admin`
    select sum(pending + processing + completed + failed + cancelled)::int as jobs
    from public.get_job_queue_stats()`;
  const [found] = await queue.admin`select count(*)::int as jobs from public.job_queue`;
  assert.deepEqual(total, found);
  const reading = await readingOf(queue, "select * from public.get_job_queue_stats()");
  assert.ok(reading.rows <= 210, `${reading.rows} rows: more than the head of every lane`);
}

/** What takes jobs out of the queue, as steps. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { JobRow } from "../own_jobs.ts";
import type { ModelJob } from "./job.ts";
import { limits } from "./life.ts";
import type { Model } from "./model.ts";
import type { LifeEvent } from "./rules.ts";
import { loseLeases, passTime } from "./run.ts";
import { index, pick, Step } from "./step.ts";

const claim = fc.record({
  worker: fc.constantFrom("a", "b", "c"),
  batchSize: fc.integer({ min: 1, max: 8 }),
  jobTypes: fc.constantFrom([0], [1], [0, 1]),
  crashed: fc.option(index, { freq: 3 }),
  isLater: fc.boolean(),
}).map(({ worker, batchSize, jobTypes, crashed, isLater }) =>
  new Step(
    `claim(${worker}, ${batchSize} of types ${jobTypes}${
      crashed === null ? "" : `, ${crashed} crashed`
    }${isLater ? ", later" : ""})`,
    () => true,
    async (model, run) => {
      const { sql, jobTypes: all } = run.own;
      const held = model.jobs.filter(({ row }) => row.status === "processing");
      const lost = crashed === null || held.length === 0 ? [] : [pick(held, crashed)];
      lost.forEach((job) => job.crash());
      model.ended(lost.filter((job) => !job.isActive));
      if (isLater) model.jobs.forEach((job) => job.isDue = true);

      const types = jobTypes.map((n) => all[n]!);
      const rows = await sql.begin(async (tx) => {
        await loseLeases(tx, lost.map(({ id }) => id));
        if (isLater) await passTime(tx, all);
        return await tx<{ job: JobRow }[]>`
          select to_jsonb(job) as job
          from public.claim_jobs(${worker}, ${batchSize}, ${tx.array(types)}) as job`;
      });
      const claimed = take(model, all, types, batchSize, rows.map(({ job }) => job));
      for (const job of claimed) {
        model.attempts.push({ job, token: job.row.fencing_token, worker });
      }
      const event: LifeEvent = lost.length > 0 ? "lose lease, claim" : "claim";
      await run.verify(model, event, [...lost, ...claimed], ["scheduled_for"]);
      assert.ok(model.running(all[1]!) <= limits.max_concurrency, "the type's cap holds");
      for (const user of run.own.users) {
        assert.ok(model.running(all[1]!, user) <= limits.max_per_user, "the user's cap holds");
      }
    },
  )
);

/** Moves the claimed jobs in the model, after a look at whether these are the ones to take. */
function take(
  model: Model,
  [free, capped]: readonly string[],
  types: string[],
  batchSize: number,
  rows: JobRow[],
): ModelJob[] {
  const claimable = (type: string | undefined) =>
    model.jobs.filter((job) => job.jobType === type && types.includes(type) && job.isClaimable);
  const [open, limited] = [claimable(free), claimable(capped)];
  const room = Array.from(
    Map.groupBy(limited, ({ user }) => user),
    ([user, { length }]) => Math.min(length, limits.max_per_user - model.running(capped!, user)),
  ).reduce((sum, jobs) => sum + jobs, 0);
  const most = Math.min(room, limits.max_concurrency - model.running(capped!));
  const claimed = rows.map(({ id }) => {
    const job = [...open, ...limited].find((candidate) => candidate.id === id);
    assert.ok(job, "only due jobs of the wanted types are claimed");
    return job;
  });
  assert.equal(new Set(claimed).size, claimed.length, "each once");
  // Where the jobs at the head are all one user's, a cap per user may leave a slot to the next claim.
  assert.ok(
    claimed.length >= Math.min(batchSize, open.length + Math.min(most, 1)),
    "work is taken",
  );
  assert.ok(claimed.length <= Math.min(batchSize, open.length + most), "and no more than there is");
  const left = open.filter((job) => !claimed.includes(job)).map(({ priority }) => priority);
  const taken = claimed.filter((job) => open.includes(job)).map(({ priority }) => priority);
  assert.ok(Math.max(...taken) <= Math.min(...left), "the most urgent first");
  claimed.forEach((job) => job.claim(false));
  return claimed;
}

const start = fc.record({ job: index, worker: fc.constantFrom("c", "d"), isReady: fc.boolean() })
  .map(
    ({ job, worker, isReady }) =>
      new Step(
        `start(${isReady ? "ready" : "any"} ${job}, ${worker})`,
        (model) => model.startable(isReady).length > 0,
        async (model, run) => {
          const { sql } = run.own;
          const started = pick(model.startable(isReady), job);
          const isTaken = started.isClaimable && model.hasRoom(started);
          if (isTaken) started.claim(true);
          const [answer] = await sql`select public.start_job(${started.id}, ${worker}) as started`;
          assert.equal(answer!.started, isTaken);
          if (isTaken) model.attempts.push({ job: started, token: null, worker });
          await run.verify(model, "claim", isTaken ? [started] : []);
        },
      ),
  );

/** Claims, which are frequent, and starts by hand. */
export const claimSteps: fc.Arbitrary<Step>[] = [
  claim,
  claim,
  claim,
  start,
  start,
];

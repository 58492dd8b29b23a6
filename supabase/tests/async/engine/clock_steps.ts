/** What only time does to jobs: leases that are lost, slices that last too long, ends nobody waited for, as steps. */
import fc from "fast-check";
import { loseLeases } from "./run.ts";
import { index, pick, Step } from "./step.ts";

const lose = fc.record({ job: index, isOverrun: fc.boolean() }).map(({ job, isOverrun }) =>
  new Step(
    `${isOverrun ? "overrun" : "crash"}(${job})`,
    (model) => model.jobs.some(({ row }) => row.status === "processing"),
    async (model, run) => {
      const lost = pick(model.jobs.filter(({ row }) => row.status === "processing"), job);
      if (isOverrun) lost.overrun();
      else lost.crash();
      if (!lost.isActive) model.ended([lost]);
      await run.own.sql.begin(async (tx) => {
        if (isOverrun) {
          await tx`
            update public.job_queue set slice_started_at = now() - interval '3 days'
            where id = ${lost.id}`;
        } else await loseLeases(tx, [lost.id]);
        await tx`select * from public.detect_stuck_jobs()`;
      });
      await run.verify(model, "lose lease", [lost]);
    },
  )
);

const expire = index.map((n) =>
  new Step(`expire(${n})`, (model) => model.jobs.length > 0, async (model, run) => {
    const job = pick(model.jobs, n);
    // A job that waits for its children waits as long as it takes.
    const isStale = job.row.status === "pending" && !job.isWaiting;
    if (isStale) job.expire();
    if (isStale) model.ended([job]);
    await run.own.sql.begin(async (tx) => {
      await tx`
        update public.job_queue set expires_at = expires_at - interval '10 days' where id = ${job.id}`;
      await tx`select * from public.expire_stale_jobs()`;
      // A job that runs is not expired, and must not be by a tick after this step either.
      await tx`
        update public.job_queue set expires_at = expires_at + interval '10 days' where id = ${job.id}`;
    });
    await run.verify(model, "expire", isStale ? [job] : []);
  })
);

/** Steps of the clock. */
export const clockSteps: fc.Arbitrary<Step>[] = [lose, expire];

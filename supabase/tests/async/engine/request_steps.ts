/** What owners ask of the queue, as steps of the property test. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { refusal } from "../own_jobs.ts";
import { ModelJob } from "./job.ts";
import type { Model } from "./model.ts";
import type { EngineRun } from "./run.ts";
import { index, pick, Step } from "./step.ts";

/** A question of a user, to one of the job types. */
export const request = fc.record({
  user: index,
  jobType: fc.nat({ max: 1 }),
  question: fc.nat({ max: 4 }),
  priority: fc.integer({ min: 4, max: 6 }),
});

const created = fc.record({ asked: request, isLater: fc.constantFrom(false, false, true) });
const create = created.map(({ asked: { user, jobType, question, priority }, isLater }) =>
  new Step(
    `create(user ${user}, type ${jobType}, question ${question}, priority ${priority}${
      isLater ? ", later" : ""
    })`,
    () => true,
    async (model, run) => {
      const { sql, users, jobTypes } = run.own;
      const [owner, type] = [pick(users, user), jobTypes[jobType]!];
      const query = sql`
        select public.create_job(${owner}, ${type}, ${sql.json({ question })}, ${priority},
          now() + ${isLater ? "1 hour" : "0"}::interval) as id`;
      if (model.activeOf(owner) >= run.maxActive) return await refuse(model, run, query);
      const [created] = await query;
      const job = new ModelJob(created!.id, owner, type, question, priority);
      job.isDue = !isLater;
      model.add(job);
      await run.verify(model, "create", []);
    },
  )
);

const supersede = request.map(({ user, jobType, question }) =>
  new Step(
    `supersede(user ${user}, type ${jobType}, question ${question})`,
    () => true,
    async (model, run) => {
      const { sql, users, jobTypes } = run.own;
      const [owner, type] = [pick(users, user), jobTypes[jobType]!];
      const older = model.equals(owner, type, question).slice(0, 1).filter((job) => job.isActive);
      const query = sql`
        select * from public.find_or_create_job(
          ${owner}, ${type}, ${sql.json({ question })}, p_supersede => true)`;
      if (model.activeOf(owner) - older.length >= run.maxActive) {
        return await refuse(model, run, query);
      }
      const [answer] = await query;
      assert.deepEqual([answer!.outcome, answer!.status], ["created", "pending"]);
      for (const job of older) {
        model.cancelTree(job, "SUPERSEDED");
        model.echoes.add(job);
      }
      model.add(new ModelJob(answer!.job_id, owner, type, question, 5));
      await run.verify(model, "create", []);
    },
  )
);

const retry = fc.record({ n: index, hasEndedBadly: fc.boolean() }).map(({ n, hasEndedBadly }) => {
  const candidates = (model: Readonly<Model>) =>
    model.jobs.filter((job) => !hasEndedBadly || job.hasEndedBadly);
  return new Step(
    `retry(${hasEndedBadly ? "ended" : "any"} ${n})`,
    (model) => candidates(model).length > 0,
    async (model, run) => {
      const job = pick(candidates(model), n);
      const query = run.own.sql`select public.retry_job(${job.id}, ${job.user}) as retried`;
      const code = whyNotRetried(model, job, run.maxActive);
      if (code) return await refuse(model, run, query, code);
      model.retry(job);
      await query;
      await run.verify(model, "retry", [job]);
    },
  );
});

function whyNotRetried(model: Model, job: ModelJob, maxActive: number): string | null {
  if (!job.hasEndedBadly) return "PT409 JOB_NOT_RETRYABLE";
  if (job.parent) return job.parent.isActive ? null : "PT409 JOB_NOT_RETRYABLE";
  if (model.activeOf(job.user) >= maxActive) return "PT429 JOB_LIMIT_REACHED";
  const [newest] = model.equals(job.user, job.jobType, job.question);
  return newest?.isActive ? "PT409 JOB_ALREADY_ACTIVE" : null;
}

/** The engine says no, and leaves everything as it is. */
export async function refuse(
  model: Model,
  run: EngineRun,
  query: Promise<unknown>,
  code = "PT429 JOB_LIMIT_REACHED",
): Promise<void> {
  const [answer] = await Promise.allSettled([query]);
  assert.equal(answer.status, "rejected", `refused with ${code}`);
  assert.equal(refusal(answer.reason), code);
  await run.verify(model, "create", []);
}

const cancel = index.map((n) =>
  new Step(`cancel(${n})`, (model) => model.jobs.length > 0, async (model, run) => {
    const job = pick(model.jobs, n);
    const wasActive = job.isActive;
    // What a parent that has ended left running is cancelled, too.
    model.cancelTree(job);
    const [answer] = await run.own
      .sql`select public.cancel_job(${job.id}, ${job.user}) as cancelled`;
    assert.equal(answer!.cancelled, wasActive, "the owner is told whether it had ended");
    await run.verify(model, "cancel", wasActive ? [job] : []);
  })
);

/** Steps of owners, the frequent ones more than once. */
export const requestSteps: fc.Arbitrary<Step>[] = [
  create,
  supersede,
  retry,
  retry,
  cancel,
];

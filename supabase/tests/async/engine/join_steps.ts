/** What owners ask of the queue and may have been asked before, as steps of the property test. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ModelJob } from "./job.ts";
import type { Model } from "./model.ts";
import { refuse, request } from "./request_steps.ts";
import { index, pick, Step } from "./step.ts";

/** The job that a request joins; one that has only been planned is brought forward. */
function join(model: Model, owner: string, type: string, question: number) {
  const joined = model.equals(owner, type, question).slice(0, 1).find((job) => job.isActive);
  const moved = joined?.isPlanned ? [joined] : [];
  moved.forEach((job) => job.bringForward());
  return { joined, moved };
}

const findOrCreate = request.map(({ user, jobType, question }) =>
  new Step(
    `findOrCreate(user ${user}, type ${jobType}, question ${question})`,
    () => true,
    async (model, run) => {
      const { sql, users, jobTypes } = run.own;
      const [owner, type] = [pick(users, user), jobTypes[jobType]!];
      const { joined, moved } = join(model, owner, type, question);
      // Only the first type reuses results.
      const fresh = model.equals(owner, type, question)
        .filter((job) => job.completion > 0 && jobType === 0);
      const reused = fresh.toSorted((a, b) => b.completion - a.completion)[0];
      const query = sql`
        select * from public.find_or_create_job(${owner}, ${type}, ${sql.json({ question })})`;
      const known = joined ?? reused;
      if (!known && model.activeOf(owner) >= run.maxActive) return await refuse(model, run, query);
      const [answer] = await query;
      if (!known) model.add(new ModelJob(answer!.job_id, owner, type, question, 5));
      const { job_id, status, outcome } = answer!;
      assert.deepEqual({ job_id, status, outcome }, {
        job_id: known?.id ?? job_id,
        status: known?.row.status ?? "pending",
        outcome: joined ? "joined" : reused ? "reused" : "created",
      });
      await run.verify(model, known ? "join" : "create", moved);
    },
  )
);

const many = fc.record({
  user: index,
  jobType: fc.nat({ max: 1 }),
  questions: fc.subarray([0, 1, 2, 3, 4], { minLength: 1 }),
});
const createMany = many.map(({ user, jobType, questions }) =>
  new Step(
    `createMany(user ${user}, type ${jobType}, questions ${questions})`,
    () => true,
    async (model, run) => {
      const { sql, users, jobTypes } = run.own;
      const [owner, type] = [pick(users, user), jobTypes[jobType]!];
      const found = questions.map((question) => join(model, owner, type, question));
      const jobs = questions.map((question) => ({
        job_type: type,
        user_id: owner,
        params: { question },
      }));
      const answers = await sql<{ job_id: string | null; outcome: string }[]>`
        select job_id, outcome from public.create_jobs(${sql.json(jobs)}) order by ordinal`;
      for (const [n, { job_id, outcome }] of answers.entries()) {
        const { joined } = found[n]!;
        const hasRoom = model.activeOf(owner) < run.maxActive;
        assert.equal(outcome, joined ? "joined" : hasRoom ? "created" : "limited");
        if (joined) assert.equal(job_id, joined.id);
        else if (hasRoom) model.add(new ModelJob(job_id!, owner, type, questions[n]!, 5));
      }
      assert.equal(answers.length, questions.length);
      await run.verify(model, "join", found.flatMap(({ moved }) => moved));
    },
  )
);

/** Steps of those who may join. */
export const joinSteps: fc.Arbitrary<Step>[] = [findOrCreate, findOrCreate, createMany];

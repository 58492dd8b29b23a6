/** What parents and children do, as steps of the property test. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { refusal } from "../own_jobs.ts";
import { attempt, byAttempt } from "./attempt.ts";
import { Batch, type OnChildFailure, type WhenDone } from "./batch.ts";
import { ModelJob } from "./job.ts";
import type { Attempt, Model } from "./model.ts";
import type { EngineRun } from "./run.ts";
import { pick, Step } from "./step.ts";

/** Keys come back, so that a second attempt creates again what the first one has created. Sorted, as results list them. */
const keys = fc.subarray([0, 1, 2, 3, 4], { minLength: 1, maxLength: 3 });
const mode = fc.record({
  onChildFailure: fc.constantFrom("fail_fast" as const, "partial" as const),
  whenDone: fc.constantFrom("complete" as const, "resume" as const),
});
type Mode = { onChildFailure: OnChildFailure; whenDone: WhenDone };

async function create(
  { job, token }: Attempt,
  keys: number[],
  model: Model,
  run: EngineRun,
): Promise<void> {
  const { sql, jobTypes } = run.own;
  const children = keys.map((key) => ({ job_type: jobTypes[0], key: `${key}` }));
  const query = sql<{ child_key: string; job_id: string; outcome: string }[]>`
      select * from public.create_child_jobs(${job.id}, ${token}, ${sql.json(children)})`;
  if (!job.isHeldBy(token)) {
    const [answer] = await Promise.allSettled([query]);
    assert.equal(answer.status === "rejected" && refusal(answer.reason), "PT409 LEASE_LOST");
    return await run.verify(model, "write", []);
  }
  job.batch ??= new Batch();
  const known = new Map(job.batch.children.map((child) => [child.key, child.job.id]));
  const answers = await query;
  assert.deepEqual(
    answers.map(({ child_key, outcome }) => [child_key, outcome]),
    keys.map((key) => [`${key}`, known.has(`${key}`) ? "joined" : "created"]),
  );
  for (const { child_key: key, job_id } of answers) {
    if (known.has(key)) assert.equal(job_id, known.get(key));
    else {
      const child = new ModelJob(job_id, job.user, jobTypes[0]!, -1, 5, job);
      job.batch.children.push({ key, job: child });
      model.jobs.push(child);
    }
  }
  await run.verify(model, "create", []);
}

async function wait(
  { job, token }: Attempt,
  { onChildFailure, whenDone }: Mode,
  model: Model,
  run: EngineRun,
): Promise<void> {
  const isHeld = job.isHeldBy(token);
  if (isHeld) {
    job.wait(onChildFailure, whenDone);
    job.advance(() => model.nextCompletion());
    if (job.row.status === "failed") model.cancelBelow(job);
    if (!job.isActive) model.ended([job]);
  }
  const [answer] = await run.own.sql`
      select public.wait_for_children(${job.id}, ${token}, ${onChildFailure}, ${whenDone}) as status`;
  assert.equal(answer!.status, isHeld ? job.row.status : null);
  await run.verify(model, "wait", isHeld ? [job] : []);
}

const createChildren = fc.record({ who: attempt, keys }).map(({ who, keys }) =>
  byAttempt(
    `createChildren(${keys})`,
    who,
    (attempt, model, run) => create(attempt, keys, model, run),
  )
);

const waitForChildren = fc.record({ who: attempt, mode }).map(({ who, mode }) =>
  byAttempt(
    `wait(${Object.values(mode)})`,
    who,
    (attempt, model, run) => wait(attempt, mode, model, run),
  )
);

/** Both, as handlers do. */
const spread = fc.record({ n: fc.nat({ max: 999 }), keys, mode }).map(({ n, keys, mode }) =>
  byAttempt(
    `spread(${keys}, ${Object.values(mode)})`,
    { n, isLive: true },
    async (attempt, model, run) => {
      await create(attempt, keys, model, run);
      await wait(attempt, mode, model, run);
    },
  )
);

/** Chance alone hardly ever ends a whole batch well. */
const workOff = fc.nat({ max: 999 }).map((n) => {
  const waiting = (model: Readonly<Model>) => model.jobs.filter((job) => job.isWaiting);
  return new Step(`workOff(${n})`, (model) => waiting(model).length > 0, async (model, run) => {
    const children = pick(waiting(model), n).batch!.children.map(({ job }) => job);
    for (const child of children.filter((job) => job.isClaimable)) {
      child.claim(true);
      await run.own.sql`select public.start_job(${child.id}, 'd')`;
      await run.verify(model, "claim", [child]);
      child.complete({ by: "d" }, model.nextCompletion());
      model.ended([child]);
      await run.own.sql`select public.complete_job(${child.id}, '{"by": "d"}')`;
      await run.verify(model, "complete", [child]);
    }
  });
});

/** Steps of batches, the frequent ones more than once. */
export const batchSteps: fc.Arbitrary<Step>[] = [
  createChildren,
  waitForChildren,
  spread,
  spread,
  workOff,
  workOff,
];

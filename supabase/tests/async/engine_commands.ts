/** What owners, the clock and operators do to jobs, as steps of the property test. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { LifeEvent } from "./engine_run.ts";
import { EngineRun, loseLeases, passTime } from "./engine_run.ts";
import { limits, ModelJob } from "./engine_job.ts";
import type { Model } from "./engine_model.ts";
import { type JobRow, refusal } from "./own_jobs.ts";

/** One step; printed by its text when a run fails. */
export class Step implements fc.AsyncCommand<Model, EngineRun> {
  constructor(
    private readonly text: string,
    readonly check: (model: Readonly<Model>) => boolean,
    readonly run: (model: Model, run: EngineRun) => Promise<void>,
  ) {}

  toString(): string {
    return this.text;
  }
}

/** The element a generated number stands for, in a list whose length is not known beforehand. */
export function pick<T>(list: readonly T[], n: number): T {
  const element = list[n % list.length];
  assert.ok(element !== undefined);
  return element;
}

const index = fc.nat({ max: 999 });

const request = fc.record({
  user: index,
  jobType: fc.nat({ max: 1 }),
  question: fc.nat({ max: 4 }),
  priority: fc.integer({ min: 4, max: 6 }),
});

const create = request.map(({ user, jobType, question, priority }) =>
  new Step(
    `create(user ${user}, type ${jobType}, question ${question}, priority ${priority})`,
    () => true,
    async (model, run) => {
      const { sql, users, jobTypes } = run.own;
      const [owner, type] = [pick(users, user), jobTypes[jobType]!];
      const query = sql`
        select public.create_job(${owner}, ${type}, ${sql.json({ question })}, ${priority}) as id`;
      if (model.activeOf(owner) >= run.maxActive) return await refuse(model, run, query);
      const [created] = await query;
      // The new job holds the question's key now.
      model.equals(owner, type, question).filter((job) => job.isActive)
        .forEach((job) => job.holdsKey = false);
      model.jobs.push(new ModelJob(created!.id, owner, type, question, priority));
      await run.verify(model, "create", [], ["dedupe_key"]);
    },
  )
);

const findOrCreate = request.map(({ user, jobType, question }) =>
  new Step(
    `findOrCreate(user ${user}, type ${jobType}, question ${question})`,
    () => true,
    async (model, run) => {
      const { sql, users, jobTypes } = run.own;
      const [owner, type] = [pick(users, user), jobTypes[jobType]!];
      const equals = model.equals(owner, type, question);
      // Only the first type reuses results.
      const fresh = equals.filter((job) => job.completion > 0 && jobType === 0);
      const joined = equals.find((job) => job.isActive);
      const reused = fresh.toSorted((a, b) => b.completion - a.completion)[0];
      const query = sql`
        select * from public.find_or_create_job(${owner}, ${type}, ${sql.json({ question })})`;
      const known = joined ?? reused;
      if (!known && model.activeOf(owner) >= run.maxActive) return await refuse(model, run, query);
      const [answer] = await query;
      if (!known) model.jobs.push(new ModelJob(answer!.job_id, owner, type, question, 5));
      const { job_id, status, outcome } = answer!;
      assert.deepEqual({ job_id, status, outcome }, {
        job_id: known?.id ?? job_id,
        status: known?.row.status ?? "pending",
        outcome: joined ? "joined" : reused ? "reused" : "created",
      });
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
      const older = model.equals(owner, type, question).filter((job) => job.isActive);
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
      model.jobs.push(new ModelJob(answer!.job_id, owner, type, question, 5));
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
  const equals = model.equals(job.user, job.jobType, job.question);
  if (job.holdsKey && equals.some((each) => each.isActive)) return "PT409 JOB_ALREADY_ACTIVE";
  return model.activeOf(job.user) >= maxActive ? "PT429 JOB_LIMIT_REACHED" : null;
}

async function refuse(
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

/** Steps that are not a worker's writes, the frequent ones more than once. */
export const queueSteps: fc.Arbitrary<Step>[] = [
  create,
  findOrCreate,
  findOrCreate,
  claim,
  claim,
  claim,
  start,
  start,
  lose,
  supersede,
  retry,
  retry,
  cancel,
  expire,
];

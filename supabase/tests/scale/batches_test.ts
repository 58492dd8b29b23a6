/**
 * What many jobs in one call cost grows with how many they are, and not with the square of it: where
 * a plan joins what was given with itself row by row, a thousand of each are a million pairs.
 */
import assert from "node:assert/strict";
import { type LargeQueue, withLargeQueue } from "./large_queue.ts";
import { readingOf } from "./plans.ts";

const jobs = 800;
/** For each job. If a quarter of all were paired, it would be more. */
const steps = 150;

const given = (more = "{}") => `(select jsonb_agg(to_jsonb(lease) || '${more}') from lease)`;

const createChildren = `
  select count(*) from (select * from lease order by job_id limit 1) as lease
  cross join lateral public.create_child_jobs(job_id, fencing_token, (
    select jsonb_agg(jsonb_build_object('job_type', 'scale_batch', 'key', n::text))
    from generate_series(1, ${jobs}) as n))`;

const calls: Record<string, string> = {
  "claim_jobs()": "select count(*) from public.claim_jobs('other', 800, '{scale_batch}')",
  "complete_jobs()": `select count(*) from public.complete_jobs(${given()})`,
  "complete_jobs() with results": `select count(*) from public.complete_jobs(${
    given('{"result": {"n": 1}}')
  })`,
  "fail_jobs() of jobs that come again": `select count(*) from public.fail_jobs(${
    given('{"error_message": "no"}')
  })`,
  "fail_jobs() of jobs that come again at once": `select count(*) from public.fail_jobs(${
    given('{"error_message": "no", "retry_after_ms": 0}')
  })`,
  "fail_jobs() of jobs that do not": `select count(*) from public.fail_jobs(${
    given('{"error_message": "no", "retryable": false}')
  })`,
  "yield_jobs()": `select count(*) from public.yield_jobs(${given('{"checkpoint": 1}')})`,
  "add_job_logs()": `select public.add_job_logs(${given('{"message": "line"}')})`,
  "heartbeat()": `select public.heartbeat('batch', ${given()}, 1000, 800)`,
  "create_child_jobs()": createChildren,
  "create_jobs()": `select count(*) from public.create_jobs((
    select jsonb_agg(jsonb_build_object('job_type', 'scale_batch', 'params', jsonb_build_object('new', n)))
    from generate_series(1, ${jobs}) as n))`,
};

/** The same, after something has happened that is not counted. */
const upkeep: Record<string, { before: string; statement: string; most?: number }> = {
  "detect_stuck_jobs()": {
    before: `
      update public.job_queue set lease_expires_at = now() - interval '1 second'
      where status = 'processing' and id in (select job_id from lease);
      update private.job_lease set check_at = now() - interval '1 second'`,
    statement: "select count(*) from public.detect_stuck_jobs()",
  },
  "cancel_job() of a parent": {
    before: createChildren,
    statement:
      "select public.cancel_job(job_id) from (select * from lease order by job_id limit 1) as lease",
  },
  "promote_due_jobs()": {
    before: `
      update public.job_queue set turn = null
      where status = 'pending' and job_type = 'scale_batch' and id not in (select job_id from lease);
      insert into private.job_flow (flow_id, job_priority, last_turn, again_type)
      select id, 5, 0, 'scale_batch' from auth.users`,
    statement: "select private.promote_due_jobs()",
  },
  "expire_stale_jobs()": {
    before: `
      update public.job_queue set expires_at = now() - interval '1 second'
      where status = 'pending' and job_type = 'scale_batch' and id not in (select job_id from lease)`,
    statement: "select count(*) from public.expire_stale_jobs()",
  },
};

upkeep["retry_failed_jobs()"] = {
  before: calls["fail_jobs() of jobs that do not"]!,
  statement: "select count(*) from public.retry_failed_jobs('scale_batch')",
  // Each is looked for, compared, counted, written and told of; a quarter of all paired come on top.
  most: 200,
};
upkeep["retry_failed_jobs() of a parent"] = {
  before: `${createChildren};
    select public.fail_job(job_id, 'no', p_retryable => false, p_fencing_token => fencing_token)
    from (select * from lease order by job_id limit 1) as lease;
    select private.sweep_batches()`,
  statement: "select count(*) from public.retry_failed_jobs('scale_batch')",
};

/** Twice as many jobs as are taken, of users and of the system in turns or of users alone. */
async function takeJobs({ admin, users }: LargeQueue, mayDefer: boolean): Promise<void> {
  await admin`
    select count(*) from public.create_jobs((
      select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('job_type', 'scale_batch', 'params',
        jsonb_build_object('n', n, 'of', ${crypto.randomUUID()}::text), 'user_id',
        case when ${mayDefer} or n % 2 = 0 then (${[...users]}::uuid[])[3 + n % 900] end)))
      from generate_series(1, ${2 * jobs}::int) as n))`;
  await admin`drop table if exists lease`;
  await admin`
    create temporary table lease as
    select id as job_id, fencing_token
    from private.take_jobs('batch', ${jobs}, '{scale_batch}', ${mayDefer})`;
}

const planned: Record<string, string> = {
  "a queue that was empty when it was analyzed": `
    truncate public.job_queue, private.job_waiting, private.job_bundle, private.job_lease,
      private.job_active cascade;
    analyze public.job_queue; analyze private.job_waiting; analyze private.job_lease;
    analyze private.job_active; discard plans`,
  "a queue that is known as it is": `
    analyze public.job_queue; analyze private.job_waiting; analyze private.job_lease;
    analyze private.job_active; discard plans`,
};

Deno.test("many jobs in one call cost no more each than a few", async (test) => {
  await withLargeQueue(1_000, async (queue) => {
    await queue.admin`
      insert into public.job_type (name, category, description)
      values ('scale_batch', 'maintenance', 'Is taken by the thousand.')`;
    for (const [where, analyzed] of Object.entries(planned)) {
      for (const mayDefer of [false, true]) {
        await queue.admin.unsafe(analyzed).simple();
        await takeJobs(queue, mayDefer);
        const all: typeof upkeep = {
          ...upkeep,
          ...Object.fromEntries(
            Object.entries(calls).map(([call, statement]) => [call, { before: "", statement }]),
          ),
        };
        for (const [call, { before, statement, most = steps }] of Object.entries(all)) {
          const starts = mayDefer ? "starts that are not written" : "starts that are written";
          await test.step(`${call}, ${where}, ${starts}`, async () => {
            const reading = await readingOf(queue, statement, before);
            const each = Math.round(reading.steps / jobs);

            assert.ok(reading.steps >= jobs, "all of them were looked at");
            assert.ok(each <= most, `${each} steps for each of ${jobs} jobs`);
          });
        }
      }
    }
  });
});

/** Each question the engine, an owner or an operator asks is answered by the index meant for it. */
import assert from "node:assert/strict";
import { type LargeQueue, withLargeQueue } from "./large_queue.ts";
import { readingOf } from "./plans.ts";

interface Question {
  readonly asks: string;
  /** What has happened before it is asked. */
  readonly before?: string;
  readonly statement: string;
  readonly index: string;
  /** How many rows may be looked at for it, however large the table. */
  readonly rows: number;
}

const ended = "status in ('completed', 'failed', 'cancelled')";

function questions([parent, busy, usual]: readonly string[]): Question[] {
  return [
    {
      asks: "the first page of a user with 5 000 children (user listing)",
      statement: `select * from public.get_user_jobs('${parent}')`,
      index: "job_queue_user_listing_idx",
      rows: 100,
    },
    {
      asks: "the first page of a user with 20 000 jobs",
      statement: `select * from public.get_user_jobs('${busy}')`,
      index: "job_queue_user_listing_idx",
      rows: 10_100,
    },
    {
      asks: "a page far back",
      statement:
        `select * from public.get_user_jobs_page('${busy}', p_before_created_at => now() - interval '6 days')`,
      index: "job_queue_user_listing_idx",
      rows: 100,
    },
    {
      asks: "the next jobs for a worker (pending pickup)",
      before: `
        select private.recover_lost_jobs();
        select private.line_up_crashed_jobs(null);
        select private.expire_pending_jobs();
        select private.promote_due_jobs() from generate_series(1, 4)`,
      statement: "select * from public.claim_jobs('scale', 10)",
      index: "job_waiting_lane_idx",
      rows: 1_000,
    },
    {
      asks: "the same where much has to be put right first",
      statement: "select * from public.claim_jobs('scale', 10)",
      index: "job_waiting_lane_idx",
      rows: 30_000,
    },
    {
      asks: "what a worker is at (worker active)",
      statement: `
        select job.* from private.job_lease as lease
        join public.job_queue as job on job.id = any(lease.job_ids) and job.status = 'processing'
        where lease.worker_id = 'worker-1'`,
      index: "job_lease_worker_idx",
      rows: 100,
    },
    {
      asks: "jobs past their retention (cleanup)",
      statement: "select private.cleanup_old_jobs(1000)",
      index: "job_queue_type_idx",
      rows: 5_000,
    },
    {
      asks: "retries whose time has come (retry eligible)",
      statement: "select private.promote_due_jobs()",
      index: "job_waiting_delayed_idx",
      rows: 5_000,
    },
    {
      asks: "jobs of a type that failed in the last hour (type and status)",
      statement: `
        select job.* from private.job_failure as failure
        join public.job_queue as job on job.id = failure.job_id and job.status = 'failed'
        where failure.job_type = 'scale_4' and failure.failed_at > now() - interval '1 hour'
        order by failure.failed_at desc limit 100`,
      index: "job_failure_type_idx",
      rows: 100,
    },
    {
      asks: "jobs of a type that wait",
      statement: `
        select * from private.job_waiting where job_type = 'scale_3' and turn is not null
        order by job_priority, turn, place limit 100`,
      index: "job_waiting_lane_idx",
      rows: 200,
    },
    {
      asks: "the newest jobs of a type that have ended",
      statement: `
        select * from public.job_queue where job_type = 'scale_3' and ${ended}
        order by created_at desc limit 100`,
      index: "job_queue_type_idx",
      rows: 200,
    },
    {
      asks: "how many jobs of a user are active (user active)",
      statement: `select * from private.count_active_jobs('${usual}')`,
      index: "job_waiting_user_idx",
      rows: 300,
    },
    {
      asks: "an equal active job (dedupe)",
      statement:
        `select * from public.find_or_create_job('${usual}', 'scale_3', '{"nobody": "asked"}')`,
      index: "job_queue_request_idx",
      rows: 1_100,
    },
    {
      asks: "equal active jobs of many requests (dedupe)",
      statement: `select * from public.create_jobs((
        select jsonb_agg(jsonb_build_object('job_type', 'scale_3', 'key', 'nobody asked ' || n))
        from generate_series(1, 100) as n))`,
      index: "job_queue_request_idx",
      rows: 400,
    },
    {
      asks: "a result to use again",
      statement: `select * from public.get_cached_job_result('${usual}', 'scale_3', '{"n": 21}')`,
      index: "job_queue_request_idx",
      rows: 1,
    },
    {
      asks: "jobs that waited too long (expiration)",
      statement: "select * from public.expire_stale_jobs()",
      index: "job_waiting_expiry_idx",
      rows: 7_000,
    },
    {
      asks: "jobs whose worker is lost (stuck detection)",
      statement: "select * from public.detect_stuck_jobs()",
      index: "job_lease_check_idx",
      rows: 7_000,
    },
    {
      asks: "how many jobs of a limited type run",
      before: "update public.job_type set max_concurrency = 5000 where name = 'scale_0'",
      statement: "select * from private.open_job_types(10, array['scale_0'])",
      index: "job_running_type_idx",
      rows: 200,
    },
    {
      asks: "what was put aside because its user is at a cap",
      statement: "select * from private.next_capped_user('scale_1', gen_random_uuid())",
      index: "job_waiting_aside_idx",
      rows: 10,
    },
    {
      asks: "jobs that were about something (params)",
      statement: `select * from public.job_queue where params @> '{"n": 4241}' and params <> '{}'`,
      index: "job_queue_params_idx",
      rows: 10,
    },
    {
      asks: "jobs that found something (result)",
      statement:
        `select * from public.job_queue where result @> '{"found": 4241}' and status = 'completed'`,
      index: "job_queue_result_idx",
      rows: 10,
    },
    {
      asks: "the children of a job",
      statement: `select count(*) from public.job_queue where parent_job_id = (
        select parent_job_id from public.job_batch limit 1)`,
      index: "job_queue_child_key",
      rows: 5_000,
    },
    {
      asks: "what the pause of a user holds back",
      statement:
        `select * from private.job_waiting where user_id = '${usual}' and held_by = 'user_pause'
        and job_type = any(array(select name from public.job_type))`,
      index: "job_waiting_aside_idx",
      rows: 100,
    },
    {
      asks: "everything of a user who goes",
      statement: `delete from public.job_queue where user_id = '${usual}'`,
      index: "job_queue_user_listing_idx",
      rows: 1_500,
    },
    {
      asks: "the log of a job",
      statement: `select * from public.get_job_logs((select job_id from public.job_log limit 1))`,
      index: "job_log_job_idx",
      rows: 100,
    },
    {
      asks: "the latest errors (errors)",
      statement: `select * from public.job_log where log_level = 'error'
        and created_at > now() - interval '30 hours' order by created_at desc limit 50`,
      index: "job_log_error_idx",
      rows: 100,
    },
    {
      asks: "lines with a word in them (message full text)",
      statement: `select * from public.job_log
        where to_tsvector('simple', message) @@ to_tsquery('simple', 'step & 999999')`,
      index: "job_log_message_idx",
      rows: 100,
    },
    {
      asks: "lines with a value in their data (metadata)",
      statement:
        `select * from public.job_log where metadata @> '{"n": 999995}' and metadata <> '{}'`,
      index: "job_log_metadata_idx",
      rows: 100,
    },
  ];
}

Deno.test("in a queue of a million jobs every question has its index", async (test) => {
  const size = Number(Deno.env.get("SCALE_JOBS") ?? 1_000_000);
  await withLargeQueue(size, async (queue) => {
    for (const { asks, before, statement, index, rows } of questions(queue.users)) {
      await test.step(asks, async () => {
        const reading = await readingOf(queue, statement, before);
        assert.ok(reading.indexes.has(index), `${[...reading.indexes]} instead of ${index}`);
        assert.ok(reading.rows <= rows, `${reading.rows} rows were looked at`);
      });
    }
    await test.step("stats come from the counters", () => statsReadNoJobs(queue));
    await test.step("starts, progress, heartbeats and ends are written in place (HOT)", () =>
      lifeIsHot(queue));
    await test.step("no index of the queue is touched by them", () => indexesAreStable(queue));
  });
});

async function statsReadNoJobs(queue: LargeQueue): Promise<void> {
  const [total] = await queue.admin`
    select sum(pending + processing + completed + failed + cancelled)::int as jobs
    from public.get_job_queue_stats()`;
  const [found] = await queue.admin`select count(*)::int as jobs from public.job_queue`;
  assert.deepEqual(total, found);
  const reading = await readingOf(queue, "select * from public.get_job_queue_stats()");
  assert.ok(reading.rows <= 210, `${reading.rows} rows: more than the head of every lane`);
}

async function updatesOf({ admin }: LargeQueue): Promise<{ all: number; hot: number }> {
  await admin`select pg_stat_force_next_flush()`;
  const [row] = await admin<{ all: number; hot: number }[]>`
    select n_tup_upd::int as all, n_tup_hot_upd::int as hot
    from pg_stat_user_tables where relid = 'public.job_queue'::regclass`;
  return row!;
}

/** Jobs made one after the other, as they come: how rows lie that a load has packed says nothing. */
async function lifeIsHot(queue: LargeQueue): Promise<void> {
  const { admin } = queue;
  const jobs = 1_000;
  await admin`
    insert into public.job_type (name, category, description)
    values ('scale_hot', 'maintenance', 'Lives as a job does.')`;
  await admin`
    insert into public.job_queue (user_id, job_type, params, turn)
    select case when n % 2 = 0 then ${queue.users[2]!}::uuid end, 'scale_hot', '{"page": 1}', n
    from generate_series(1, ${jobs}::int) as n`;
  const share = async (what: string, expected: number, task: () => Promise<unknown>) => {
    const before = await updatesOf(queue);
    await task();
    const after = await updatesOf(queue);
    const all = after.all - before.all;
    assert.ok(all >= expected, `${what}: ${all} updates were counted`);
    const hot = (after.hot - before.hot) / all;
    assert.ok(hot > 0.95, `${what}: ${Math.round(hot * 100)} % of the updates were HOT`);
  };

  let leases: { id: string; token: string }[] = [];
  await share("claims", jobs, async () => {
    leases = await admin<{ id: string; token: string }[]>`
      select id, fencing_token as token
      from private.take_jobs('scale', ${jobs}, array['scale_hot'])`;
    assert.equal(leases.length, jobs);
  });
  await share("progress", 400, async () => {
    for (const percent of [20, 40, 60, 80]) {
      for (const { id, token } of leases.slice(0, 100)) {
        await admin`
          select public.update_job_progress(${id}, ${percent}, ${`at ${percent}`}, ${token})`;
      }
    }
  });
  await share("heartbeats", jobs, async () => {
    await admin`
      update public.job_type set lease = '2 hours', max_runtime = '1 day' where name = 'scale_hot'`;
    await admin`
      select public.heartbeat('scale', ${
      admin.json(leases.map(({ id, token }) => ({ job_id: id, fencing_token: token })))
    }, 1000, 1000)`;
  });
  await share("completions", jobs, async () => {
    const [answer] = await admin`
      select private.complete_by_id(
        ${leases.map(({ id }) => id)}::uuid[], ${
      leases.map(({ token }) => token)
    }::bigint[]) as refused`;
    assert.deepEqual(answer!.refused, []);
  });
}

/** What a claim, progress or a plain completion changes stands in no index of the queue. */
async function indexesAreStable({ admin }: LargeQueue): Promise<void> {
  const changing = [
    "status",
    "turn",
    "held_by",
    "scheduled_for",
    "fencing_token",
    "seq",
    "worker_id",
    "lease_expires_at",
    "started_at",
    "slice_started_at",
    "completed_at",
    "runtime_seconds",
    "progress_percent",
    "progress_message",
    "checkpoint",
    "error_code",
    "error_message",
    "is_classic",
    "updated_at",
  ];
  const found = await admin<{ index: string; column: string }[]>`
    select indexrelid::regclass::text as index, attname as column
    from pg_index
    join pg_attribute on attrelid = indrelid and attname = any(${changing})
    where indrelid = 'public.job_queue'::regclass
      and pg_get_indexdef(indexrelid) ~ ('\\m' || attname || '\\M')`;
  assert.deepEqual([...found], []);
}

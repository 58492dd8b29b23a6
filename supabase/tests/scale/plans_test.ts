/** Each question the engine, an owner or an operator asks is answered by the index meant for it. */
import assert from "node:assert/strict";
import { type LargeQueue, withLargeQueue } from "./large_queue.ts";
import { readingOf } from "./plans.ts";

interface Question {
  readonly asks: string;
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
      statement: "select * from public.claim_jobs('scale', 10)",
      index: "job_queue_ready_idx",
      rows: 10_000,
    },
    {
      asks: "what a worker is at (worker active)",
      statement:
        "select * from public.job_queue where worker_id = 'worker-1' and status = 'processing'",
      index: "job_queue_processing_idx",
      rows: 1_100,
    },
    {
      asks: "jobs past their retention (cleanup)",
      statement: "select private.cleanup_old_jobs(1000)",
      index: "job_queue_finished_idx",
      rows: 10_000,
    },
    {
      asks: "retries whose time has come (retry eligible)",
      statement: "select private.promote_due_jobs()",
      index: "job_queue_delayed_idx",
      rows: 10_000,
    },
    {
      asks: "jobs of a type that failed in the last hour (type and status)",
      statement: `select * from public.job_queue where job_type = 'scale_3' and status = 'failed'
        and completed_at > now() - interval '1 hour' order by completed_at desc limit 100`,
      index: "job_queue_finished_idx",
      rows: 100,
    },
    {
      asks: "jobs of a type that wait",
      statement: `select * from public.job_queue where job_type = 'scale_3' and status = 'pending'
        and turn is not null order by job_priority, turn limit 100`,
      index: "job_queue_ready_idx",
      rows: 200,
    },
    {
      asks: "how many jobs of a user are active (user active)",
      statement: `select * from private.count_active_jobs('${usual}', 5::smallint)`,
      index: "job_queue_active_key",
      rows: 1_000,
    },
    {
      asks: "an equal active job (dedupe)",
      statement:
        `select * from public.find_or_create_job('${usual}', 'scale_3', '{"nobody": "asked"}')`,
      index: "job_queue_active_key",
      rows: 1_100,
    },
    {
      asks: "a result to use again",
      statement: `select * from public.get_cached_job_result('${usual}', 'scale_3', '{"n": 21}')`,
      index: "job_queue_cached_result_idx",
      rows: 1,
    },
    {
      asks: "jobs that waited too long (expiration)",
      statement: "select * from public.expire_stale_jobs()",
      index: "job_queue_expiry_idx",
      rows: 3_100,
    },
    {
      asks: "jobs whose worker is lost (stuck detection)",
      statement: "select * from public.detect_stuck_jobs()",
      index: "job_queue_processing_idx",
      rows: 1_100,
    },
    {
      asks: "jobs that were about something (params)",
      statement:
        `select * from public.job_queue where params @> '{"n": 4241}' and params <> '{}' and ${ended}`,
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
        `select * from public.job_queue where user_id = '${usual}' and held_by = 'user_pause'`,
      index: "job_queue_paused_idx",
      rows: 100,
    },
    {
      asks: "everything of a user who goes",
      statement: `delete from public.job_queue where user_id = '${usual}'`,
      index: "job_queue_user_listing_idx",
      rows: 7_000,
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
    for (const { asks, statement, index, rows } of questions(queue.users)) {
      await test.step(asks, async () => {
        const reading = await readingOf(queue, statement);
        assert.ok(reading.indexes.has(index), `${[...reading.indexes]} instead of ${index}`);
        assert.ok(reading.rows <= rows, `${reading.rows} rows were looked at`);
      });
    }
    await test.step("stats come from the counters", () => statsReadNoJobs(queue));
    await test.step("progress is written in place (HOT)", () => progressIsHot(queue));
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

async function progressIsHot({ admin }: LargeQueue): Promise<void> {
  const updates = async () => {
    await admin`select pg_stat_force_next_flush()`;
    const [row] = await admin<{ all: number; hot: number }[]>`
      select n_tup_upd::int as all, n_tup_hot_upd::int as hot
      from pg_stat_user_tables where relid = 'public.job_queue'::regclass`;
    return row!;
  };
  const leases = await admin<{ id: string; token: string }[]>`
    select id, fencing_token as token from public.claim_jobs('scale', 100)`;
  assert.equal(leases.length, 100);
  const before = await updates();
  for (const percent of [20, 40, 60, 80]) {
    for (const { id, token } of leases) {
      await admin`select public.update_job_progress(${id}, ${percent}, ${`at ${percent}`}, ${token})`;
    }
    await admin`
      select public.heartbeat('scale', ${
      admin.json(leases.map(({ id, token }) => ({ job_id: id, fencing_token: token })))
    }, 100, 100)`;
  }
  const after = await updates();
  const all = after.all - before.all;
  assert.ok(all >= 400, `${all} updates were counted`);
  const share = (after.hot - before.hot) / all;
  assert.ok(share > 0.95, `${Math.round(share * 100)} % of the updates were HOT`);
}

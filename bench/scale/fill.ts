import type { Sql } from "postgres";

/** The user whose jobs are looked at: as many at every size. */
export const watchedUser = "00000000-0000-4000-8000-000000000001";
const watchedJobs = 200;
const users = 2_000;

/** The job type of the benchmark. */
export const jobType = "bench_scale";

/** Users and a job type, once. */
export async function prepare(sql: Sql): Promise<void> {
  await sql`
    insert into public.job_type (
      name, category, description, user_creatable, dedupe_window, cache_ttl)
    values (${jobType}, 'maintenance', 'Does nothing; for the benchmark.', true, '7 days', '7 days')`;
  await sql`
    insert into auth.users (id, email, raw_user_meta_data)
    select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, n || '@bench.test', '{}'
    from generate_series(1, ${users}::int) as n`;
}

/**
 * Adds rows numbered from `from` up to `to`: a tenth waits, a fiftieth has failed, the rest is
 * completed within the last six days. Row by row, without triggers, as if they had come over weeks.
 */
export async function fill(sql: Sql, from: number, to: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`
      insert into public.job_queue (
        user_id, job_type, params, status, progress_percent, result, error_code, created_at,
        scheduled_for, expires_at, started_at, completed_at, worker_id, dedupe_key, turn, seq)
      select
        case when n <= ${watchedJobs} then ${watchedUser}::uuid
          else ('00000000-0000-4000-8000-' || lpad(to_hex(2 + n % ${
      users - 1
    }), 12, '0'))::uuid end,
        ${jobType}, jsonb_build_object('n', n), status, case when status = 'completed' then 100 else 0 end,
        case when status = 'completed' then jsonb_build_object('n', n) end,
        case when status = 'failed' then 'HANDLER_ERROR' end, at, at, now() + interval '1 day',
        case when status <> 'pending' then at end, case when status <> 'pending' then at end,
        case when status <> 'pending' then 'worker-bench' end,
        private.job_dedupe_key(${jobType}, jsonb_build_object('n', n)),
        case when status = 'pending' then n end, 1
      from generate_series(${from + 1}::int, ${to}::int) as n
      cross join lateral (select now() - random() * interval '6 days' as at) as moment
      cross join lateral (
        select case
          -- A user may have ten jobs at once.
          when n % 10 = 0 and (n > ${watchedJobs} or n % 50 = 0) then 'pending'
          when n % 50 = 1 then 'failed' else 'completed' end
          as status) as kind`;
    await tx`
      insert into private.job_count (job_type, status, jobs)
      select job_type, status, count(*) from public.job_queue group by job_type, status
      on conflict (job_type, status) do update set jobs = excluded.jobs`;
  });
  await sql`vacuum analyze public.job_queue`;
}

/** Adds finished jobs that cleanup has to delete. */
export async function addExpired(sql: Sql, count: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`
      insert into public.job_queue (
        job_type, params, status, progress_percent, created_at, started_at, completed_at, worker_id, seq)
      select ${jobType}, jsonb_build_object('n', n), 'completed', 100, at, at, at, 'worker-bench', 2
      from generate_series(1, ${count}::int) as n
      cross join lateral (select now() - interval '8 days' as at) as moment`;
  });
  await sql`analyze public.job_queue`;
}

import type { Sql, TransactionSql } from "postgres";
import { addFinished, inBulk, onPagesOfFinished, types } from "./finished.ts";

/** The user whose jobs are looked at: as many at every size. */
export const watchedUser = userId(1);
const watchedJobs = 200;
/** Jobs that wait, at every size. */
const waiting = 10_000;
const waitingPerUser = 5;
const fewestUsers = 2_001;

/** One of the job types of the benchmark; the others only fill the table. */
export const jobType = "bench_scale_0";

/** The job types, the first users, and what waits at every size: by the API, as anybody would. */
export async function prepare(sql: Sql): Promise<void> {
  await sql`
    insert into public.job_type (
      name, category, description, user_creatable, dedupe_window, cache_ttl)
    select 'bench_scale_' || n, 'maintenance', 'Does nothing; for the benchmark.', true, '7 days', '7 days'
    from generate_series(0, ${types - 1}::int) as n`;
  await addUsers(sql, 1, fewestUsers);
  for (let first = 0; first < waiting; first += 5_000) {
    await sql`
      select count(*) from public.create_jobs((
        select jsonb_agg(jsonb_build_object(
          'user_id', '00000000-0000-4000-8000-' || lpad(to_hex(2 + n / ${waitingPerUser}::int), 12, '0'),
          'job_type', 'bench_scale_' || n % ${types}::int, 'params', jsonb_build_object('n', n)))
        from generate_series(${first}::int, ${first + 4_999}::int) as n))`;
  }
  await addWatchedJobs(sql);
  await sql`vacuum analyze`;
}

/**
 * Adds finished jobs numbered from `from` up to `to`, of users who grow with them, oldest first, all
 * within the last six days. Set by set and without triggers, as if they had come one by one; half of
 * them over each of two connections.
 */
export async function fill(two: readonly [Sql, Sql], from: number, to: number): Promise<void> {
  const [sql] = two;
  await addUsers(sql, usersAt(from) + 1, usersAt(to));
  const indexes = await secondaryIndexes(sql);
  // Building an index at the end costs a third of keeping it all the way.
  for (const { name } of indexes) await sql`drop index public.${sql(name)}`;
  await onPagesOfFinished(sql, async () => {
    const middle = (from + to) / 2;
    await Promise.all([
      addFinished(two[0], { from, to: middle, oldest: "6 days", newest: "3 days" }, usersAt(to)),
      addFinished(two[1], { from: middle, to, oldest: "3 days", newest: "0" }, usersAt(to)),
    ]);
  });
  await Promise.all(two.map(async (one) => {
    for (let index = indexes.pop(); index; index = indexes.pop()) {
      const { definition } = index;
      await inBulk(one, (tx) => tx.unsafe(definition));
    }
  }));
  await inBulk(sql, (tx) => fillSideTables(tx, from));
  await sql`vacuum analyze public.job_queue, private.job_failure, private.job_count`;
}

/** What the triggers would have written for the finished jobs numbered above `from`. */
async function fillSideTables(sql: TransactionSql, from: number): Promise<void> {
  await sql`
    insert into private.job_failure (job_id, job_type, failed_at)
    select id, job_type, completed_at
    from public.job_queue
    where status = 'failed' and id > (lpad(to_hex(${from}::int), 12, '0') || '70008000000000000000')::uuid
    on conflict do nothing`;
  await sql`delete from private.job_count_change`;
  await sql`
    insert into private.job_count (job_type, status, jobs)
    select job_type, status, count(*) from public.job_queue group by job_type, status
    on conflict (job_type, status) do update set jobs = excluded.jobs`;
}

/** Bytes on disk: the rows, their indexes, and what stands beside the queue. */
export async function bytesOnDisk(sql: Sql) {
  const [bytes] = await sql<{ rows: number; indexes: number; beside: number }[]>`
    select pg_table_size('public.job_queue')::float8 as rows,
      pg_indexes_size('public.job_queue')::float8 as indexes,
      (select sum(pg_total_relation_size(oid)) from pg_class
        where relnamespace = 'private'::regnamespace and relkind = 'r' and relname like 'job\\_%'
          and relname not like 'job\\_log%')::float8 as beside`;
  return bytes!;
}

async function addUsers(sql: Sql, first: number, last: number): Promise<void> {
  await sql`
    insert into auth.users (id, email, raw_user_meta_data)
    select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, n || '@bench.test', '{}'
    from generate_series(${first}::int, ${last}::int) as n`;
}

/** The watched user's jobs: a few wait, the others have ended, with the keys of real requests. */
async function addWatchedJobs(sql: Sql): Promise<void> {
  await sql`
    select count(*) from public.create_jobs((
      select jsonb_agg(jsonb_build_object('user_id', ${watchedUser}::text, 'job_type', ${jobType}::text,
        'params', jsonb_build_object('waits', n)))
      from generate_series(1, 4) as n))`;
  await sql`
    insert into public.job_queue (
      user_id, job_type, params, status, progress_percent, result, created_at, requested_at,
      scheduled_for, started_at, completed_at, worker_id, fencing_token, dedupe_key, seq)
    select ${watchedUser}::uuid, ${jobType}, params, 'completed', 100, params, at, at, at, at, at,
      'worker-bench', 1, private.job_dedupe_key(${jobType}, params), 3
    from generate_series(1, ${watchedJobs}::int) as n
    cross join lateral (
      select jsonb_build_object('watched', n) as params, now() - n * interval '10 minutes' as at
    ) as job`;
}

async function secondaryIndexes(sql: Sql): Promise<{ name: string; definition: string }[]> {
  return await sql<{ name: string; definition: string }[]>`
    select relname as name, pg_get_indexdef(indexrelid) as definition
    from pg_index join pg_class on pg_class.oid = indexrelid
    where indrelid = 'public.job_queue'::regclass and not indisprimary`;
}

function usersAt(size: number): number {
  return Math.max(fewestUsers, Math.floor(size / 200));
}

function userId(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;
}

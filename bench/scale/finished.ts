import type { Sql, TransactionSql } from "postgres";

/** Job types, of which each has as many finished jobs. */
export const types = 20;

/**
 * Space of a page, in percent, that eight finished jobs take. As many are on a page of a queue that
 * has been worked on and vacuumed: jobs are created short, up to the table's `fillfactor`, and grow
 * where they are. Filled up to that with finished jobs, most pages would have room for one new job,
 * and each of those would go to a page of its own.
 */
const finishedPercent = 33;

/** Does work that leaves finished jobs on the pages of the queue as a life of jobs would. */
export async function onPagesOfFinished(sql: Sql, work: () => Promise<void>): Promise<void> {
  const [table] = await sql<{ fillfactor: string }[]>`
    select option_value as fillfactor
    from pg_class, pg_options_to_table(reloptions)
    where pg_class.oid = 'public.job_queue'::regclass and option_name = 'fillfactor'`;
  await setFillfactor(sql, finishedPercent);
  await work();
  await setFillfactor(sql, Number(table!.fillfactor));
}

async function setFillfactor(sql: Sql, percent: number): Promise<void> {
  await sql.unsafe(`alter table public.job_queue set (fillfactor = ${percent})`);
}

/** Adds the finished jobs numbered above `from`, up to `to`, of so many users. */
export async function addFinished(
  sql: Sql,
  { from, to, oldest, newest }: { from: number; to: number; oldest: string; newest: string },
  users: number,
): Promise<void> {
  await inBulk(sql, (tx) =>
    tx`
    insert into public.job_queue (
      id, user_id, job_type, params, status, progress_percent, result, error_code, created_at,
      requested_at, updated_at, scheduled_for, expires_at, started_at, completed_at,
      cancel_requested_at, worker_id, fencing_token, dedupe_key, turn, seq)
    select
      (lpad(to_hex(n), 12, '0') || '70008000000000000000')::uuid,
      ('00000000-0000-4000-8000-' || lpad(to_hex(2 + n % ${users - 1}::int), 12, '0'))::uuid,
      -- The same things again and again, as syncs of the same accounts are.
      'bench_scale_' || n % ${types}::int, jsonb_build_object('account', n % ${users}::int), status,
      case status when 'completed' then 100 else 0 end,
      case status when 'completed' then jsonb_build_object('found', n % 1000) end,
      case status when 'failed' then 'HANDLER_ERROR' end,
      at, at, at + interval '3 s', at, at + interval '1 day', at + interval '1 s', at + interval '3 s',
      case status when 'cancelled' then at + interval '3 s' end,
      'worker-bench', 1, md5(n::text), n / 1000, 3
    from generate_series(${from + 1}::int, ${to}::int) as n
    cross join lateral (
      select now() - ${oldest}::interval + (n - ${from}::int)
        * ((${oldest}::interval - ${newest}::interval) / ${to - from}::int) as at
    ) as moment
    cross join lateral (
      select case n % 50 when 1 then 'failed' when 2 then 'cancelled' else 'completed' end as status
    ) as kind`);
}

/** In a transaction for which neither triggers nor the disk are waited for. */
export async function inBulk(
  sql: Sql,
  work: (tx: TransactionSql) => PromiseLike<unknown>,
): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`
      set local session_replication_role = replica; set local synchronous_commit = off;
      set local maintenance_work_mem = '1GB'`.simple();
    await work(tx);
  });
}

/** A queue of a million jobs, in a database of its own on the shared server: nobody else is disturbed. */
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";
import { withOwnDatabase } from "../own_database.ts";

/** Who and what there is in it. */
export interface LargeQueue {
  /** The superuser: it may load auto_explain. */
  readonly admin: postgres.Sql;
  /** 1 000 users; the first has 5 000 children of one job, the second 20 000 jobs. */
  readonly users: readonly string[];
  /** Text of the notices since the last call. */
  readonly takeNotices: () => string[];
}

/** Makes the database, fills it, runs the test and drops it. */
export async function withLargeQueue(
  jobs: number,
  run: (queue: LargeQueue) => Promise<void>,
): Promise<void> {
  const { admin_db_url } = await readStack();
  await withOwnDatabase("scale", async (database) => {
    let notices: string[] = [];
    const admin = postgres(admin_db_url, {
      max: 1,
      database,
      onnotice: ({ message }) => notices.push(message ?? ""),
    });
    try {
      const users = await fill(admin, jobs);
      const takeNotices = () => {
        const taken = notices;
        notices = [];
        return taken;
      };
      takeNotices();
      await run({ admin, users, takeNotices });
    } finally {
      await admin.end();
    }
  });
}

/** Loads without triggers, log and indexes, and builds the indexes afterwards: a minute less. */
async function fill(admin: postgres.Sql, jobs: number): Promise<string[]> {
  const users = Array.from({ length: 1_000 }, () => crypto.randomUUID());
  await admin`
    insert into auth.users (id, email)
    select id, id || '@tests.invalid' from unnest(${users}::uuid[]) as id`;
  await admin`
    insert into public.job_type (name, category, description)
    select 'scale_' || n, 'maintenance', 'One of many.' from generate_series(0, 19) as n`;

  // Unlogged: the log of a million rows would drown the replication slot the stack's Realtime reads.
  await admin.unsafe(`
    alter publication supabase_realtime drop table public.job_queue, public.job_log;
    alter table public.job_queue set unlogged;
    alter table private.job_waiting set unlogged;
    set session_replication_role = replica;
    update private.job_setting set max_active_jobs_per_user = 1000000;
    set maintenance_work_mem = '256MB';
  `).simple();
  const indexes = await admin<{ name: string; ddl: string }[]>`
    select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as ddl
    from pg_index
    where indrelid = 'public.job_queue'::regclass and not indisprimary
      or indrelid = 'public.job_log'::regclass and not indisprimary`;
  for (const { name } of indexes) await admin.unsafe(`drop index ${name}`);
  await admin.unsafe(jobRows(jobs), [users]);
  await admin.unsafe(familyRows, [users]);
  await admin.unsafe(logRows);
  // A partitioned table's index is printed without its partitions.
  for (const { ddl } of indexes) await admin.unsafe(ddl.replace(" ON ONLY ", " ON "));
  await admin.unsafe(`
    set session_replication_role = origin;
    select private.rebuild_side_tables();
    ${claimedOneByOne};
    analyze public.job_queue;
    analyze public.job_log;
    analyze private.job_waiting;
    analyze private.job_lease;
    analyze private.job_active;
    analyze private.job_failure;
  `).simple();
  return users;
}

/** A rebuild lists what a worker has of a type as one; here every claim has its own entry, as it would. */
const claimedOneByOne = `
  truncate private.job_lease;
  insert into private.job_lease (job_type, worker_id, check_at, job_ids)
  select job_type, worker_id, lease_expires_at, array[id] from public.job_queue where status = 'processing'`;

/**
 * Of 1 000 jobs 1 runs (or is lost), 150 wait in line, 40 wait for their time (which has come for 3), 9 are
 * held, 1 has waited too long; the rest has ended in 8 days.
 */
const jobRows = (jobs: number) => `
  insert into public.job_queue (
    user_id, job_type, status, job_priority, params, progress_percent, result, error_code, scheduled_for,
    expires_at, started_at, completed_at, cancel_requested_at, worker_id, lease_expires_at,
    slice_started_at, turn, held_by, dedupe_key, created_at, requested_at)
  select
    ($1::uuid[])[case when n % 50 = 7 then 2 else 3 + n % 998 end], 'scale_' || n / 7 % 20, state.status, 1 + n % 10,
    case when n % 4 = 1 then jsonb_build_object('n', n) else '{}' end, case when status = 'completed' then 100 else 0 end,
    case when n % 4 = 1 and status = 'completed' then jsonb_build_object('found', n) end,
    case when status = 'failed' then 'HANDLER_ERROR' end,
    made_at + case when n % 1000 between 154 and 199 then interval '9 days' else interval '0' end,
    case when n % 1000 = 170 then now() - interval '1 minute' when status = 'pending' then made_at + interval '10 days' end,
    case when status <> 'pending' then made_at end,
    case when status in ('completed', 'failed', 'cancelled') then made_at + interval '1 minute' end,
    case when status = 'cancelled' then made_at end,
    case when status <> 'pending' then 'worker-' || n % 97 end,
    case when status = 'processing' then now() + case when n % 2000 = 0 then interval '-1 second' else '1 hour' end end,
    case when status = 'processing' then now() end,
    case when n % 1000 < 151 then n end,
    case when n % 1000 between 191 and 199 then 'user_pause' end,
    case when n % 100 = 21 then private.job_dedupe_key('scale_' || n / 7 % 20, jsonb_build_object('n', n)) else md5(n::text) end,
    made_at, made_at
  from generate_series(1, ${jobs}) as n
  cross join lateral (
    select now() - interval '8 days' * (1 - n::double precision / ${jobs}) as made_at,
      case when n % 1000 = 0 then 'processing' when n % 1000 < 200 then 'pending' when n % 10 = 9 then 'failed'
        when n % 100 = 50 then 'cancelled' else 'completed' end as status
  ) as state`;

const familyRows = `
  with parent as (
    insert into public.job_queue (user_id, job_type, params, turn)
    select ($1::uuid[])[1], 'scale_0', jsonb_build_object('parent', n), n from generate_series(1, 30) as n
    returning id, user_id, params
  ),
  batch as (
    insert into public.job_batch (parent_job_id, total) select id, 5000 from parent where params = '{"parent": 7}'
  )
  insert into public.job_queue (user_id, job_type, parent_job_id, dedupe_key, turn, created_at)
  select user_id, 'scale_1', id, 'key:' || n, n, now() + n * interval '1 millisecond'
  from parent, generate_series(1, 5000) as n
  where params = '{"parent": 7}'`;

/** Ten lines of each of 10 000 recent jobs; one in fifty is an error, one in ten carries data. */
const logRows = `
  insert into public.job_log (job_id, user_id, log_level, message, metadata, created_at)
  select job.id, job.user_id, case when random() < 0.02 then 'error' else 'info' end, 'step ' || n || ' of ' || job.params,
    case when random() < 0.1 then job.params else '{}' end, job.created_at + n * interval '1 millisecond'
  from (
    select id, user_id, params, created_at from public.job_queue
    where status = 'completed' and created_at > now() - interval '20 hours' limit 10000
  ) as job
  cross join generate_series(1, 10) as n`;

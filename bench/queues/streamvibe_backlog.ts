import type { Sql } from "postgres";
import type { Backlog } from "./contract.ts";

/** The job type of the benchmark: a row like any other, so that nothing is special about it. */
export const jobType = "bench_noop";

/** Ten jobs each is what one user may have active. */
const jobsPerUser = 10;
const users = 10_000;
/** The most jobs create_jobs() takes in one call. */
const callSize = 5_000;

/** Adds the job type, and the users of the benchmark when jobs are to have owners. */
export async function prepareDatabase(admin: Sql, owned: boolean): Promise<void> {
  await admin`
    insert into public.job_type (name, category, description, user_creatable)
    values (${jobType}, 'maintenance', 'Does nothing; for the benchmark.', true)`;
  if (!owned) return;
  await admin`
    insert into auth.users (id, email, raw_user_meta_data)
    select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, n || '@bench.test', '{}'
    from generate_series(0, ${users - 1}::int) as n`;
  await admin`analyze public.users`;
}

/** The owner of a job in the modes where jobs have one. */
export function ownerOf(n: number): string {
  const user = Math.floor(n / jobsPerUser) % users;
  return `00000000-0000-4000-8000-${user.toString(16).padStart(12, "0")}`;
}

/** Creates jobs in one or a few statements, as callers with many of them do. */
export async function createMany(sql: Sql, jobs: { n: number; owner: string | null }[]) {
  for (let from = 0; from < jobs.length; from += callSize) {
    const requests = jobs.slice(from, from + callSize)
      .map(({ n, owner }) => ({ job_type: jobType, user_id: owner, params: { n } }));
    await create(sql, requests);
  }
}

async function create(sql: Sql, requests: { [key: string]: unknown }[]): Promise<void> {
  const json = sql.json(requests as Parameters<typeof sql.json>[0]);
  if (await hasCreateJobs(sql)) {
    await sql`select count(*) from public.create_jobs(${json})`;
    return;
  }
  await sql`
    insert into public.job_queue (user_id, job_type, params, max_retries, expires_at, turn)
    select user_id, job_type, params, 3, now() + interval '24 hours', private.next_turn(5::smallint)
    from jsonb_to_recordset(${json}) as job (user_id uuid, job_type text, params jsonb)`;
}

const known = new WeakMap<Sql, Promise<boolean>>();

/** Whether this release has create_jobs(); before it, bulk is a plain insert. */
function hasCreateJobs(sql: Sql): Promise<boolean> {
  const asked = known.get(sql) ?? sql<{ present: boolean }[]>`
    select to_regprocedure('public.create_jobs(jsonb)') is not null as present`
    .then(([row]) => row!.present);
  known.set(sql, asked);
  return asked;
}

/** Builds the backlog of a scenario: waiting jobs through the API, finished ones row by row. */
export async function loadBacklog(
  sql: Sql,
  admin: Sql,
  { first, pending, finished }: Backlog,
  owned: boolean,
): Promise<void> {
  for (let from = first; from < first + pending; from += callSize) {
    const count = Math.min(callSize, first + pending - from);
    await createMany(
      sql,
      Array.from({ length: count }, (_, i) => ({
        n: from + i,
        owner: owned ? ownerOf(from + i) : null,
      })),
    );
  }
  if (finished > 0) {
    // As a worker leaves them, a month of them in a moment: triggers would take that month.
    await admin.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`
        insert into public.job_queue (
          job_type, params, status, progress_percent, started_at, completed_at, created_at, worker_id,
          fencing_token, seq, turn)
        select ${jobType}, jsonb_build_object('n', -n), 'completed', 100, at, at, at, 'worker-bench',
          1, 2, 1
        from generate_series(1, ${finished}::int) as n
        cross join lateral (select now() - n * interval '2 seconds' as at) as moment`;
    });
  }
  await admin`vacuum analyze public.job_queue, private.job_waiting`;
}

/** Forgets every job and everything that was said about one. */
export async function forgetJobs(admin: Sql): Promise<void> {
  await admin`
    truncate public.job_queue, public.job_log, public.job_worker, realtime.messages,
      private.job_count_change, private.job_waiting, private.job_lease, private.job_running,
      private.job_active, private.job_failure cascade`;
}

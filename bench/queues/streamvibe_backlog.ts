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
}

/** The owner of a job in the modes where jobs have one. */
export function ownerOf(n: number): string {
  const user = Math.floor(n / jobsPerUser) % users;
  return `00000000-0000-4000-8000-${user.toString(16).padStart(12, "0")}`;
}

/** Creates jobs in one or a few statements, as callers with many of them do. */
export async function createMany(sql: Sql, jobs: { n: number; owner: string | null }[]) {
  for (let from = 0; from < jobs.length; from += callSize) {
    const call = jobs.slice(from, from + callSize);
    // What all jobs of a call have in common is said once; owners they have not, and like the peers'
    // jobs without a key they are compared with no other.
    const requests = call.every(({ owner }) => owner === null)
      ? { job_type: jobType, dedupe: false, params: call.map(({ n }) => ({ n })) }
      : call.map(({ n, owner }) => ({ job_type: jobType, user_id: owner, params: { n } }));
    await sql`select count(*) from public.create_jobs(${sql.json(requests)})`;
  }
}

/** Jobs that wait as create_jobs() leaves them, and finished ones as a worker does. */
export async function loadBacklog(
  admin: Sql,
  { pending, finished }: Backlog,
  owned: boolean,
): Promise<void> {
  // A plan that was made when the queue was empty walks over all of it when it is full.
  await admin`set enable_seqscan = off`;
  for (let first = 0; first < pending; first += callSize) {
    await (owned ? loadOwned : loadPending)(admin, first, Math.min(callSize, pending - first));
  }
  if (finished > 0) await loadFinished(admin, finished);
}

async function loadPending(admin: Sql, first: number, count: number): Promise<void> {
  await admin`
    select count(*) from public.create_jobs((
      select jsonb_build_object('job_type', ${jobType}::text, 'dedupe', false, 'params', jsonb_agg(jsonb_build_object('n', n) order by n))
      from generate_series(${first}::int, ${first + count - 1}::int) as n))`;
}

/**
 * The insert of create_jobs() without its look for equal jobs, of which there are none: with its
 * keys and turns, in the order of those, and with the triggers that keep what stands beside the queue.
 */
async function loadOwned(admin: Sql, first: number, count: number): Promise<void> {
  await admin`
    with request as materialized (
      select n, jsonb_build_object('n', n) as params, n / ${jobsPerUser}::int % ${users}::int as owner
      from generate_series(${first}::int, ${first + count - 1}::int) as n
    ),
    lane as materialized (
      select owner, user_id, private.line_up(user_id, 5::smallint, jobs) as first_turn
      from (select owner, count(*)::int as jobs from request group by owner) as own
      cross join lateral (
        select ('00000000-0000-4000-8000-' || lpad(to_hex(owner), 12, '0'))::uuid as user_id
      ) as known
    )
    insert into public.job_queue (
      user_id, job_type, params, max_retries, expires_at, dedupe_key, turn)
    select user_id, type.name, params, type.max_retries, now() + type.expires_after,
      private.job_dedupe_key(type.name, params),
      first_turn - 1 + row_number() over (partition by request.owner order by n) as turn
    from request
    join lane on lane.owner = request.owner
    join public.job_type as type on type.name = ${jobType}
    order by turn, n`;
}

/** As a worker leaves them, a month of them in a moment: triggers would take that month. */
async function loadFinished(admin: Sql, count: number): Promise<void> {
  await admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`
      insert into public.job_queue (
        job_type, params, status, progress_percent, started_at, completed_at, created_at, worker_id,
        fencing_token, seq, turn)
      select ${jobType}, jsonb_build_object('n', -n), 'completed', 100, at, at, at, 'worker-bench',
        1, 2, 1
      from generate_series(1, ${count}::int) as n
      cross join lateral (select now() - n * interval '2 seconds' as at) as moment`;
    await tx`
      insert into private.job_count (job_type, status, jobs)
      values (${jobType}, 'completed', ${count})`;
  });
}

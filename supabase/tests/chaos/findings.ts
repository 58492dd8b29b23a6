/** What must hold of the history that the witness wrote down: each query lists what breaks a rule. */
import type postgres from "postgres";
import { sideTableFaults } from "../async/side_tables.ts";

/** A rule as a sentence, and a query for what breaks it. */
type Rule = readonly [title: string, query: string];

/** Ends by its own hand or by the engine's; from here only a manual retry leads back. */
const ended = "('completed', 'failed', 'cancelled')";

const rules: readonly Rule[] = [
  [
    "every job has ended",
    `select id, job_type, status, held_by, turn, lease_expires_at, error_code
     from public.job_queue where job_type in (select name from chaos.job_type) and status not in ${ended}`,
  ],
  [
    "a job moves only along the life the spec draws",
    `select job_id, old_status, new_status, error_code from chaos.change
     where old_status <> new_status and (old_status, new_status) not in (
       ('pending', 'processing'), ('processing', 'pending'), ('processing', 'completed'),
       ('processing', 'failed'), ('processing', 'cancelled'), ('pending', 'cancelled'),
       -- A batch that ends, and a child or a job that nobody started in time.
       ('pending', 'completed'), ('pending', 'failed'),
       ('failed', 'pending'), ('cancelled', 'pending'))`,
  ],
  [
    "an end is recorded once per run, and a run begins by creation or by a retry",
    `select job_id, count(*) filter (where old_status not in ${ended} and new_status in ${ended}) as ends,
       1 + count(*) filter (where old_status in ${ended} and new_status not in ${ended}) as runs
     from chaos.change group by job_id
     having count(*) filter (where old_status not in ${ended} and new_status in ${ended})
       <> 1 + count(*) filter (where old_status in ${ended} and new_status not in ${ended})`,
  ],
  [
    "an outcome, once recorded, is not touched",
    `select job_id, old_status, new_status, wrote, session from chaos.change
     where old_status in ${ended} and new_status in ${ended} and wrote && '{status,result,percent,message,checkpoint,token}'`,
  ],
  [
    "fencing tokens and sequence numbers never go back",
    `select job_id, old_token, new_token, old_seq, new_seq from chaos.change
     where new_token < old_token or new_seq < old_seq`,
  ],
  [
    "every claim has a token of its own",
    `select job_id, new_token, count(*) from chaos.change
     where old_status = 'pending' and new_status = 'processing' group by 1, 2 having count(*) > 1`,
  ],
  [
    "a claim's token is new",
    `select job_id, old_token, new_token from chaos.change
     where old_status = 'pending' and new_status = 'processing' and new_token <= old_token`,
  ],
  [
    "what an attempt wrote was written under its own token",
    `select job_id, wrote, new_token, checkpoint_token, result_token, message_token, session from chaos.change
     where checkpoint_token <> old_token or result_token <> old_token or message_token <> old_token`,
  ],
  [
    "only the session that claimed a job writes to it while it is held",
    `select written.job_id, written.wrote, written.session, claim.session as claimed_by, written.new_token
     from chaos.change as written
     join chaos.change as claim on claim.job_id = written.job_id and claim.new_token = written.old_token
       and claim.old_status = 'pending' and claim.new_status = 'processing'
     where written.old_status = 'processing' and written.new_token = written.old_token
       and written.wrote && '{status,result,percent,message,checkpoint,lease}' and written.session <> claim.session`,
  ],
  [
    "a log line stands under the token of its attempt",
    `select job_id, line_token, job_token, session from chaos.line where line_token <> job_token`,
  ],
  [
    // A release counts from when it was written, before it was committed: what is counted here is never
    // more than what a claim could see.
    "a type runs no more jobs at once than its max_concurrency",
    `select job_type, max_concurrency, max(running) as ran from (
       select job.job_type, type.max_concurrency, sum(
         (change.new_status = 'processing')::int - (change.old_status = 'processing')::int)
         over (partition by job.job_type order by change.id) as running
       from chaos.change join public.job_queue as job on job.id = change.job_id
       join public.job_type as type on type.name = job.job_type
       where type.max_concurrency is not null and change.old_status is not null) as history
     group by 1, 2 having max(running) > max_concurrency`,
  ],
  [
    "a user runs no more jobs of a type at once than its max_per_user",
    `select job_type, user_id, max_per_user, max(running) as ran from (
       select job.job_type, job.user_id, type.max_per_user, sum(
         (change.new_status = 'processing')::int - (change.old_status = 'processing')::int)
         over (partition by job.job_type, job.user_id order by change.id) as running
       from chaos.change join public.job_queue as job on job.id = change.job_id
       join public.job_type as type on type.name = job.job_type
       where type.max_per_user is not null and job.user_id is not null and change.old_status is not null
     ) as history
     group by 1, 2, 3 having max(running) > max_per_user`,
  ],
  [
    "a type starts no more jobs than its bucket held and was refilled with",
    `with start as (
       select change.at, type.rate_limit, extract(epoch from type.rate_window) as seconds,
         row_number() over (order by change.at) as n
       from chaos.change join public.job_queue as job on job.id = change.job_id
       join public.job_type as type on type.name = job.job_type
       where type.rate_limit is not null and change.old_status = 'pending' and change.new_status = 'processing')
     select first.at, last.at - first.at as span, last.n - first.n + 1 as starts
     from start as first join start as last on last.n > first.n
     -- The witness writes a moment after the claim's clock was read, later on a busy machine.
     where last.n - first.n + 1 > first.rate_limit
       + (extract(epoch from last.at - first.at) + 0.5) * first.rate_limit / first.seconds
     order by 2 limit 20`,
  ],
  [
    "nothing of a paused type or a paused user starts",
    `select pause.job_type, pause.user_id, change.job_id, change.at, pause.paused_at, pause.resumed_at
     from chaos.pause join public.job_queue as job
       on job.job_type = pause.job_type or job.user_id = pause.user_id
     join chaos.change on change.job_id = job.id and change.old_status = 'pending' and change.new_status = 'processing'
     -- A claim that was under way may still come.
     where change.at > pause.paused_at + interval '1 second' and change.at < pause.resumed_at`,
  ],
  [
    "of jobs that supersede each other never two are active",
    `select max(active) as active from (
       select sum((change.old_status is null)::int
         - (change.new_status in ${ended} and change.old_status not in ${ended})::int) over (order by change.id) as active
       from chaos.change join public.job_queue as job on job.id = change.job_id
       where job.job_type = 'chaos_slow' and job.params ->> 'n' = '-1') as history
     having max(active) > 1`,
  ],
  [
    "a superseded job says so, and the newest of them is completed",
    `select job.id, job.status, job.error_code from public.job_queue as job
     where job.job_type = 'chaos_slow' and job.params ->> 'n' = '-1'
       and case when job.created_at = (select max(created_at) from public.job_queue where params ->> 'n' = '-1')
         then job.status <> 'completed'
         else job.status <> 'completed' and job.error_code is distinct from 'SUPERSEDED' end`,
  ],
  [
    "no session keeps a lock for ever",
    `select locktype, objid, pid, application_name from pg_locks join pg_stat_activity using (pid)
     where locktype = 'advisory' and state = 'idle' and application_name <> 'local scheduler'`,
  ],
  [
    "a batch counts its children as they are",
    `select batch.parent_job_id, batch.total, batch.completed, batch.failed, batch.cancelled, truth.*
     from public.job_batch as batch
     cross join lateral (
       select count(*) as of_total, count(*) filter (where status = 'completed') as of_completed,
         count(*) filter (where status = 'failed') as of_failed,
         count(*) filter (where status = 'cancelled') as of_cancelled
       from public.job_queue where parent_job_id = batch.parent_job_id
     ) as truth
     where (batch.total, batch.completed, batch.failed, batch.cancelled)
       <> (truth.of_total, truth.of_completed, truth.of_failed, truth.of_cancelled)`,
  ],
  [
    "a batch whose parent and children have ended is closed",
    `select parent_job_id from public.job_batch where is_open`,
  ],
  [
    "a completed parent ended after its last child, with every child ended",
    `select parent.job_id, parent.id as parent_change, child.job_id as child_id, child.id as child_change
     from public.job_batch as batch
     join lateral (
       select * from chaos.change where job_id = batch.parent_job_id and new_status = 'completed'
         and old_status <> 'completed' order by id desc limit 1
     ) as parent on true
     join public.job_queue as job on job.parent_job_id = batch.parent_job_id
     join lateral (
       select * from chaos.change where job_id = job.id and new_status in ${ended}
         and old_status not in ${ended} order by id desc limit 1
     ) as child on true
     where child.id > parent.id`,
  ],
  [
    "a parent's result says how its children ended",
    `select job.id, job.result, batch.total, batch.completed from public.job_queue as job
     join public.job_batch as batch on batch.parent_job_id = job.id
     where job.status = 'completed' and job.job_type = 'chaos_batch'
       and coalesce(case when jsonb_typeof(job.result -> 'children') = 'object'
         then job.result -> 'children' ->> 'completed' else job.result ->> 'completed' end, '-1')::int <> batch.completed`,
  ],
  [
    "a batch has the children its handler asked for, each once",
    `select job.id, batch.total, job.params ->> 'children' as wanted from public.job_queue as job
     join public.job_batch as batch on batch.parent_job_id = job.id
     where job.job_type = 'chaos_batch' and job.status = 'completed'
       and batch.total <> (job.params ->> 'children')::int`,
  ],
  [
    "no child outlives its parent",
    `select child.id, child.status from public.job_queue as child
     join public.job_queue as parent on parent.id = child.parent_job_id
     where parent.status in ${ended} and child.status not in ${ended}`,
  ],
  [
    "the counters say what counting says",
    `select job_type, status, counted, truth from (
       select job_type, status, sum(jobs) as counted from (
         select job_type, status, jobs from private.job_count
         union all select job_type, status, change from private.job_count_change) as parts
       group by 1, 2) as counters
     full join (select job_type, status, count(*) as truth from public.job_queue group by 1, 2) as rows
       using (job_type, status)
     where coalesce(counted, 0) <> coalesce(truth, 0)`,
  ],
  ["the side tables say what the jobs say", sideTableFaults],
];

/** The sentences that do not hold, each with a few of the rows that show it. */
export async function findings(sql: postgres.Sql): Promise<string[]> {
  const broken: string[] = [];
  for (const [title, query] of rules) {
    const rows = await sql.unsafe(query);
    if (rows.length === 0) continue;
    const shown = rows.slice(0, 5).map((row) => `    ${JSON.stringify(row)}`);
    broken.push([`NOT: ${title} (${rows.length})`, ...shown].join("\n"));
  }
  return broken;
}

/** What happened, in numbers. */
export async function figures(sql: postgres.Sql): Promise<Record<string, number>> {
  const [row] = await sql<Record<string, number>[]>`
    select
      (select count(*)::int from public.job_queue where job_type in (select name from chaos.job_type)) as jobs,
      (select count(*)::int from public.job_queue
        where parent_job_id is not null and job_type in (select name from chaos.job_type)) as children,
      (select count(*)::int from public.job_batch) as batches,
      (select count(*)::int from public.job_queue where error_code = 'SUPERSEDED') as superseded,
      count(*) filter (where old_status = 'pending' and new_status = 'processing')::int as claims,
      count(*) filter (where old_status = 'processing' and new_status = 'pending' and new_token > old_token)::int
        as leases_lost,
      count(*) filter (where old_status = 'processing' and new_token = old_token and lease_over > interval '0'
        and wrote && '{status,result,percent,message,checkpoint}')::int as writes_after_the_lease_but_before_recovery,
      count(*) filter (where old_status in ('failed', 'cancelled') and new_status = 'pending')::int as retries_by_hand,
      (select count(*)::int from public.job_queue where crash_count > 1) as jobs_lost_twice_and_more,
      count(*)::int as changes,
      (select count(*)::int from chaos.line) as log_lines
    from chaos.change`;
  return row!;
}

/** What must hold of the history that the witness wrote down: each query lists what breaks a rule. */
import type postgres from "postgres";

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
     where old_status in ${ended} and new_status in ${ended} and wrote && '{status,result,progress,checkpoint,token}'`,
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
       and written.wrote && '{status,result,progress,checkpoint,lease}' and written.session <> claim.session`,
  ],
  [
    "a log line stands under the token of its attempt",
    `select job_id, line_token, job_token, session from chaos.line where line_token <> job_token`,
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
    `select id, result - 'children', total, completed from public.job_queue
     join public.job_batch on parent_job_id = id
     where job_queue.status = 'completed' and job_type = 'chaos_batch'
       and coalesce(result -> 'children' ->> 'completed', result ->> 'completed')::int <> job_batch.completed`,
  ],
  [
    "a batch has the children its handler asked for, each once",
    `select id, total, params ->> 'children' as wanted from public.job_queue
     join public.job_batch on parent_job_id = id
     where job_type = 'chaos_batch' and status = 'completed' and total <> (params ->> 'children')::int`,
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
      count(*) filter (where old_status = 'pending' and new_status = 'processing')::int as claims,
      count(*) filter (where old_status = 'processing' and new_status = 'pending' and new_token > old_token)::int
        as leases_lost,
      count(*) filter (where old_status = 'processing' and new_token = old_token and lease_over > interval '0'
        and wrote && '{status,result,progress,checkpoint}')::int as writes_after_the_lease_but_before_recovery,
      count(*) filter (where old_status in ('failed', 'cancelled') and new_status = 'pending')::int as retries_by_hand,
      count(*)::int as changes,
      (select count(*)::int from chaos.line) as log_lines
    from chaos.change`;
  return row!;
}

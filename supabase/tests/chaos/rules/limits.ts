/** What may not happen at once, or so soon: caps, rates, pauses, superseding. */
import { ended, type Rule } from "./rule.ts";

/** What holds of the jobs of a type or a user. */
export const limitRules: readonly Rule[] = [
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
];

/** Parents and children. */
import { ended, type Rule } from "./rule.ts";

/** What holds of batches. */
export const batchRules: readonly Rule[] = [
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
];

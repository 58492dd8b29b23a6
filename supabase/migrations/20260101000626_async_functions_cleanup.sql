-- The end of old jobs. What 100 000 deleted rows cost is mostly what is done for each of them, so here
-- nothing is: they are found by one index, deleted where they are found, and looked at once by a trigger.

create function private.find_end_of_jobs(p_job_type text, p_created_before timestamptz, p_limit int)
returns timestamptz
language plpgsql stable set search_path = ''
-- From the index alone.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
as $$
begin
  return (
    select created_at
    from public.job_queue
    where job_type = p_job_type and created_at < p_created_before
    order by created_at
    offset greatest(p_limit, 0)
    limit 1);
end;
$$;
comment on function private.find_end_of_jobs(text, timestamptz, int) is
  'When the first job of a type was created that has p_limit older ones; null when there is none before this time.';

create function private.find_old_jobs(p_job_type text, p_ended_before timestamptz, p_limit int)
returns tid[]
language plpgsql stable set search_path = ''
-- From the index that knows them, oldest first, and no further than there.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
as $$
begin
  return array(
    select job.ctid
    from public.job_queue as job
    where job.job_type = p_job_type and job.created_at < p_ended_before
      and job.completed_at < p_ended_before and job.parent_job_id is null
      and not exists (select from public.job_batch as batch where batch.parent_job_id = job.id)
    order by job.created_at
    limit p_limit);
end;
$$;
comment on function private.find_old_jobs(text, timestamptz, int) is
  'The oldest p_limit top-level jobs of a type, without children, that ended before this, by row address.';

create function private.delete_old_jobs(p_job_type text, p_ended_before timestamptz, p_limit int)
returns int
language plpgsql volatile set search_path = ''
-- Page by page, whatever share of the table they are; and room for what the trigger is shown of 100 000 rows.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_indexscan = off set enable_nestloop = off
set work_mem = '64MB'
as $$
declare
  v_end constant timestamptz := private.find_end_of_jobs(p_job_type, p_ended_before, p_limit);
  v_gone int;
begin
  -- What has ended so long ago began even earlier; few jobs that old have not ended. Whoever is retried meanwhile
  -- is no longer finished, and stays. "Is not true", since "not exists" is a join, which at some sizes hashes
  -- the jobs and deletes them in that order: each row on another page than the one before.
  delete from public.job_queue as job
  where job.job_type = p_job_type and job.created_at < coalesce(v_end, p_ended_before)
    and job.completed_at < p_ended_before and job.parent_job_id is null
    and exists (select from public.job_batch as batch where batch.parent_job_id = job.id) is not true;
  get diagnostics v_gone = row_count;

  -- More were created at one time than may go, or none of the oldest has ended.
  if v_gone = 0 and v_end is not null then
    delete from public.job_queue
    where completed_at is not null and ctid = any(private.find_old_jobs(p_job_type, p_ended_before, p_limit));
    get diagnostics v_gone = row_count;
  end if;
  return v_gone;
end;
$$;
comment on function private.delete_old_jobs(text, timestamptz, int) is
  'Deletes up to p_limit top-level jobs of a type, without children, that ended before this; returns how many.';

create function private.delete_job_tree(p_job_id uuid)
returns int
language plpgsql volatile set search_path = ''
as $$
declare
  v_gone int;
begin
  with recursive tree as (
    select id from public.job_queue where id = p_job_id
    union
    select child.id
    from tree join public.job_queue as child on child.parent_job_id = tree.id
  ),
  member as (
    -- In id order, as every statement that locks several jobs: no two of them can deadlock.
    select job.id, job.completed_at
    from public.job_queue as job
    where job.id in (select id from tree)
    order by job.id
    for update
  )
  delete from public.job_queue as job
  where job.id in (select id from member) and not exists (select from member where completed_at is null);
  get diagnostics v_gone = row_count;
  return v_gone;
end;
$$;
comment on function private.delete_job_tree(uuid) is
  'Deletes a job with all its descendants, unless one of them is active; returns how many went.';

create function private.cleanup_old_jobs(p_limit int default 100000)
returns int
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_type record;
  v_parent uuid;
  v_gone int := 0;
begin
  -- Jobs are not deleted in id order, and the end of an account, which locks them so, would wait in a circle.
  perform pg_advisory_xact_lock(hashtextextended('job_cleanup', 0));
  for v_type in select name, now() - retention as ended_before from public.job_type order by name loop
    exit when v_gone >= p_limit;
    v_gone := v_gone + private.delete_old_jobs(v_type.name, v_type.ended_before, p_limit - v_gone);
  end loop;

  -- A family goes as a whole or not at all. Their log lines go with their partition.
  for v_parent in
    select job.id
    from public.job_batch as batch
    join public.job_queue as job on job.id = batch.parent_job_id
    join public.job_type as type on type.name = job.job_type
    where job.completed_at < now() - type.retention and job.parent_job_id is null
    limit p_limit
  loop
    exit when v_gone >= p_limit;
    v_gone := v_gone + private.delete_job_tree(v_parent);
  end loop;
  return v_gone;
end;
$$;
comment on function private.cleanup_old_jobs(int) is
  'Deletes finished jobs past the retention of their type, up to p_limit and the family that passes it; returns how many. Lends the right to delete from the queue.';

revoke all on function
  private.find_end_of_jobs(text, timestamptz, int),
  private.find_old_jobs(text, timestamptz, int),
  private.delete_old_jobs(text, timestamptz, int),
  private.delete_job_tree(uuid),
  private.cleanup_old_jobs(int)
from public, anon, authenticated, service_role;
grant execute on function private.cleanup_old_jobs(int) to service_role;

create function public.cleanup_old_jobs()
returns int
language sql volatile set search_path = ''
as $$
  select private.cleanup_old_jobs();
$$;
comment on function public.cleanup_old_jobs() is
  'Service only. Deletes finished jobs past their type''s retention; returns how many.';

revoke all on function public.cleanup_old_jobs() from public, anon, authenticated, service_role;
grant execute on function public.cleanup_old_jobs() to service_role;

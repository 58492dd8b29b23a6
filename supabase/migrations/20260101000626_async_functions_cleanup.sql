-- The end of old jobs. What 100 000 deleted rows cost is mostly what is done for each of them, so here
-- nothing is: they are found by one index, deleted by address, and looked at once by a trigger.

create function private.find_old_jobs(p_limit int)
returns table (row_id tid, id uuid)
language sql volatile rows 100000 set search_path = ''
-- From the index that knows them, oldest first, whatever share of the table they are.
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
as $$
  select old.row_id, old.id
  from public.job_type as type
  cross join lateral (
    select job.ctid as row_id, job.id
    from public.job_queue as job
    -- What has ended so long ago began even earlier; few jobs that old have not ended.
    where job.job_type = type.name and job.created_at < now() - type.retention
      and job.completed_at < now() - type.retention and job.parent_job_id is null
    order by job.created_at
    limit p_limit
  ) as old
  limit p_limit;
$$;
comment on function private.find_old_jobs(int) is
  'Top-level jobs that ended longer ago than their type''s retention, by row address.';

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
set plan_cache_mode = force_custom_plan
-- Room for what the trigger is shown of 100 000 deleted rows.
set work_mem = '64MB'
as $$
declare
  v_rows tid[];
  v_parents uuid[];
  v_parent uuid;
  v_gone int;
begin
  select array_agg(old.row_id) filter (where batch.parent_job_id is null),
    array_agg(old.id) filter (where batch.parent_job_id is not null)
  into v_rows, v_parents
  from private.find_old_jobs(p_limit) as old
  left join public.job_batch as batch on batch.parent_job_id = old.id;

  -- By row address; whoever was retried meanwhile is no longer finished, and stays.
  delete from public.job_queue where ctid = any(v_rows) and completed_at is not null;
  get diagnostics v_gone = row_count;

  -- A family goes as a whole or not at all. Their log lines go with their partition.
  foreach v_parent in array coalesce(v_parents, '{}') loop
    exit when v_gone >= p_limit;
    v_gone := v_gone + private.delete_job_tree(v_parent);
  end loop;
  return v_gone;
end;
$$;
comment on function private.cleanup_old_jobs(int) is
  'Deletes finished jobs past the retention of their type, up to p_limit and the family that passes it; returns how many. Lends the right to delete from the queue.';

revoke all on function
  private.find_old_jobs(int),
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

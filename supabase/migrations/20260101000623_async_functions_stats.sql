-- How many jobs there are, without counting them. Every statement that changes a status appends by how
-- much; the tick adds that up. Appending locks nothing, so that no two statements of the hot path ever
-- wait for each other here.

create function private.roll_up_job_counts(p_limit int default 100000)
returns int
language plpgsql volatile security definer set search_path = ''
-- Thousands of changes at one moment and none at the next: statistics are always wrong.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_rolled_up int;
begin
  -- Nobody waits here; what one roll-up leaves, the next one takes.
  if not pg_try_advisory_xact_lock(hashtextextended('job_count', 0)) then
    return 0;
  end if;

  with taken as (
    delete from private.job_count_change
    where id = any(array(select id from private.job_count_change order by id limit p_limit))
    returning job_type, status, change
  ),
  added as (
    insert into private.job_count as known (job_type, status, jobs)
    select job_type, status, sum(change)
    from taken
    group by job_type, status
    on conflict (job_type, status) do update set jobs = known.jobs + excluded.jobs
  )
  select count(*) into v_rolled_up from taken;
  return v_rolled_up;
end;
$$;
comment on function private.roll_up_job_counts(int) is
  'Adds up to p_limit changes to the counters; returns how many. Lends the right to write the counters.';

create function private.recount_jobs()
returns void
language plpgsql volatile security definer set search_path = ''
as $$
begin
  -- Changes that are under way would be counted twice or not at all.
  lock table public.job_queue in share mode;
  delete from private.job_count_change;
  delete from private.job_count;
  insert into private.job_count (job_type, status, jobs)
  select job_type, status, count(*) from public.job_queue group by job_type, status;
end;
$$;
comment on function private.recount_jobs() is
  'Counts anew, after a load without triggers; writers wait meanwhile. Lends the right to write the counters.';

create function private.count_all_jobs()
returns table (job_type text, status text, jobs bigint)
language sql stable set search_path = ''
as $$
  -- One statement, so that a roll-up is seen whole or not at all.
  select job_type, status, sum(jobs)::bigint
  from (
    select job_type, status, jobs from private.job_count
    union all
    select job_type, status, change from private.job_count_change
  ) as part
  group by job_type, status
  having sum(jobs) <> 0;
$$;
comment on function private.count_all_jobs() is 'Jobs per type and status, exact at any moment.';

create function private.count_user_jobs(p_user_id uuid)
returns table (job_type text, status text, jobs bigint, oldest_pending_at timestamptz)
language sql stable set search_path = ''
as $$
  select job_type, status, count(*),
    min(scheduled_for) filter (where status = 'pending' and held_by is null and scheduled_for <= now())
  from public.job_queue
  where user_id = p_user_id
  group by job_type, status;
$$;
comment on function private.count_user_jobs(uuid) is
  'A user''s jobs, children too, per type and status, counted row by row: retention keeps them few.';

create function private.get_job_queue_stats(p_user_id uuid)
returns table (
  job_type text, pending bigint, processing bigint, completed bigint, failed bigint, cancelled bigint,
  oldest_pending_seconds double precision
)
language plpgsql stable security definer rows 30 set search_path = ''
as $$
#variable_conflict use_column
declare
  v_user_id constant uuid := private.acting_user(p_user_id);
begin
  return query
  with counted as (
    select job_type, status, jobs, null::timestamptz as oldest_pending_at
    from private.count_all_jobs()
    where v_user_id is null
    union all
    select * from private.count_user_jobs(v_user_id)
    where v_user_id is not null
  )
  select counted.job_type,
    coalesce(sum(counted.jobs) filter (where counted.status = 'pending'), 0)::bigint,
    coalesce(sum(counted.jobs) filter (where counted.status = 'processing'), 0)::bigint,
    coalesce(sum(counted.jobs) filter (where counted.status = 'completed'), 0)::bigint,
    coalesce(sum(counted.jobs) filter (where counted.status = 'failed'), 0)::bigint,
    coalesce(sum(counted.jobs) filter (where counted.status = 'cancelled'), 0)::bigint,
    greatest(0, coalesce(extract(epoch from clock_timestamp() - coalesce(
      min(counted.oldest_pending_at),
      case when v_user_id is null then private.waiting_since(counted.job_type, '{crash}') end)), 0))::double precision
  from counted
  group by counted.job_type
  order by counted.job_type;
end;
$$;
comment on function private.get_job_queue_stats(uuid) is
  'Body of get_job_queue_stats(). Lends the right to read the counters, and the acting user''s jobs.';

revoke all on function
  private.roll_up_job_counts(int),
  private.recount_jobs(),
  private.count_all_jobs(),
  private.count_user_jobs(uuid),
  private.get_job_queue_stats(uuid)
from public, anon, authenticated, service_role;
grant execute on function private.get_job_queue_stats(uuid) to authenticated, service_role;

create function public.get_job_queue_stats(p_user_id uuid default null)
returns table (
  job_type text, pending bigint, processing bigint, completed bigint, failed bigint, cancelled bigint,
  oldest_pending_seconds double precision
)
language sql stable rows 30 set search_path = ''
as $$
  select * from private.get_job_queue_stats(p_user_id);
$$;
comment on function public.get_job_queue_stats(uuid) is
  'Jobs per type and status, and how long the first in line has waited: the caller''s own; for the service everybody''s, or a named user''s.';

revoke all on function public.get_job_queue_stats(uuid) from public, anon, authenticated, service_role;
grant execute on function public.get_job_queue_stats(uuid) to authenticated, service_role;

select private.recount_jobs();

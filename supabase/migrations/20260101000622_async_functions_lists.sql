-- What owners read: their jobs page by page, a job's log, a result they already have. Which jobs those
-- are is decided in private.find_user_jobs(); the columns are then read with the caller's own rights.

create function private.find_user_jobs(
  p_user_id uuid, p_status text, p_job_type text, p_limit int, p_offset int, p_order_by text,
  p_order_dir text, p_before_created_at timestamptz, p_before_id uuid
)
returns table (place bigint, job_id uuid, total_count int)
language plpgsql stable security definer rows 20 set search_path = ''
as $$
declare
  v_user_id constant uuid := private.acting_user(p_user_id);
  -- Text that goes into the statement comes from these two lists, never from the caller.
  v_order constant text := (
    select known.by
    from unnest(array['created_at', 'updated_at', 'completed_at', 'scheduled_for', 'status', 'job_type',
      'job_priority']) as known (by)
    where known.by = p_order_by);
  v_direction constant text := (
    select known.dir from unnest(array['asc', 'desc']) as known (dir) where known.dir = p_order_dir);
  v_invalid constant text := case
    when p_limit is null or p_limit not between 1 and 100 then 'p_limit'
    when p_offset is null or p_offset < 0 then 'p_offset'
    when v_order is null then 'p_order_by'
    when v_direction is null then 'p_order_dir'
    when p_status not in ('pending', 'processing', 'completed', 'failed', 'cancelled') then 'p_status'
  end;
begin
  if v_invalid is not null then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', v_invalid));
  end if;

  -- Planned for the values at hand: a filter that is not asked for must not cost the index.
  return query execute format($statement$
    select row_number() over (), page.id, case when $5 is null then (
      -- Counting stops at 10 000, which is as far as anybody pages. A later page by key is not counted.
      select count(*)::int from (
        select from public.job_queue
        where (user_id = $1 or ($1 is null and user_id is null)) and parent_job_id is null
          and ($2 is null or status = $2) and ($3 is null or job_type = $3)
        limit 10000
      ) as counted) end
    from (
      select id from public.job_queue
      where (user_id = $1 or ($1 is null and user_id is null)) and parent_job_id is null
        and ($2 is null or status = $2) and ($3 is null or job_type = $3)
        and ($5 is null or (created_at, id) < ($5, $6))
      order by %1$I %2$s %3$s, id %2$s
      limit $4 offset $7
    ) as page
    $statement$,
    v_order, v_direction, case when v_order = 'completed_at' then 'nulls last' end)
  using v_user_id, p_status, p_job_type, p_limit, p_before_created_at,
    coalesce(p_before_id, '00000000-0000-0000-0000-000000000000'), p_offset;
end;
$$;
comment on function private.find_user_jobs(uuid, text, text, int, int, text, text, timestamptz, uuid) is
  'Ids of a page of a user''s top-level jobs, in order, and how many there are. Lends the right to search the queue, for the acting user only.';

create function private.find_job_logs(p_job_id uuid, p_user_id uuid, p_limit int, p_offset int, p_log_level text)
returns table (
  id bigint, job_id uuid, log_level text, message text, metadata jsonb, created_at timestamptz,
  total_count int
)
language plpgsql stable security definer rows 100 set search_path = ''
as $$
#variable_conflict use_column
declare
  v_user_id constant uuid := private.acting_user(p_user_id);
  v_invalid constant text := case
    when p_limit is null or p_limit not between 1 and 500 then 'p_limit'
    when p_offset is null or p_offset < 0 then 'p_offset'
    when p_log_level not in ('debug', 'info', 'warning', 'error') then 'p_log_level'
  end;
  v_from timestamptz;
  v_to timestamptz;
begin
  if v_invalid is not null then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', v_invalid));
  end if;

  -- Lines are written while a job runs, give or take a worker's clock: only the partitions of those days
  -- are looked at. The service may leave the user out.
  select job.created_at - interval '1 day', coalesce(job.completed_at, now()) + interval '1 day'
  into v_from, v_to
  from public.job_queue as job
  where job.id = p_job_id and (job.user_id = v_user_id or v_user_id is null);
  if not found then
    perform private.raise_error('JOB_NOT_FOUND');
  end if;

  return query
    select line.id, line.job_id, line.log_level, line.message, line.metadata, line.created_at, (
      -- As above.
      select count(*)::int from (
        select from public.job_log
        where job_id = p_job_id and created_at between v_from and v_to
          and (p_log_level is null or log_level = p_log_level)
        limit 10000
      ) as counted)
    from public.job_log as line
    where line.job_id = p_job_id and line.created_at between v_from and v_to
      and (p_log_level is null or line.log_level = p_log_level)
    order by line.created_at, line.id
    limit p_limit offset p_offset;
end;
$$;
comment on function private.find_job_logs(uuid, uuid, int, int, text) is
  'Body of get_job_logs(). Lends the right to read the log, after checking whose job it is.';

create function private.find_cached_result(p_user_id uuid, p_job_type text, p_params jsonb, p_cache_ttl interval)
returns table (job_id uuid, result jsonb, completed_at timestamptz)
language plpgsql stable security definer rows 1 set search_path = ''
as $$
#variable_conflict use_column
declare
  v_user_id constant uuid := private.acting_user(p_user_id);
  v_ttl constant interval := coalesce(p_cache_ttl,
    (select type.cache_ttl from public.job_type as type where type.name = p_job_type));
  v_key constant text := private.job_dedupe_key(p_job_type, coalesce(p_params, '{}'));
begin
  return query
    select job.id, job.result, job.completed_at
    from private.find_result(v_user_id, v_key, v_ttl) as found
    join public.job_queue as job on job.id = found.job_id;
end;
$$;
comment on function private.find_cached_result(uuid, text, jsonb, interval) is
  'Body of get_cached_job_result(). Lends the right to search the queue, for the acting user only.';

revoke all on function
  private.find_user_jobs(uuid, text, text, int, int, text, text, timestamptz, uuid),
  private.find_job_logs(uuid, uuid, int, int, text),
  private.find_cached_result(uuid, text, jsonb, interval)
from public, anon, authenticated, service_role;
grant execute on function
  private.find_user_jobs(uuid, text, text, int, int, text, text, timestamptz, uuid),
  private.find_job_logs(uuid, uuid, int, int, text),
  private.find_cached_result(uuid, text, jsonb, interval)
to authenticated, service_role;

create function public.get_user_jobs(
  p_user_id uuid default null, p_status text default null, p_job_type text default null,
  p_limit int default 20, p_offset int default 0,
  p_order_by text default 'created_at', p_order_dir text default 'desc'
)
returns table (
  id uuid, parent_job_id uuid, job_type text, status text, job_priority smallint, params jsonb,
  progress_percent smallint, progress_message text, has_result boolean, error_code text,
  error_message text, retry_count int, crash_count int, max_retries int, held_by text,
  scheduled_for timestamptz, created_at timestamptz, started_at timestamptz, completed_at timestamptz,
  updated_at timestamptz, seq bigint, total_count int
)
language sql stable rows 20 set search_path = ''
as $$
  select job.id, job.parent_job_id, job.job_type, job.status, job.job_priority, job.params,
    job.progress_percent, job.progress_message, job.result is not null, job.error_code,
    job.error_message, job.retry_count, job.crash_count, job.max_retries, job.held_by,
    job.scheduled_for, job.created_at, job.started_at, job.completed_at,
    job.updated_at, job.seq, found.total_count
  from private.find_user_jobs(p_user_id, p_status, p_job_type, p_limit, p_offset, p_order_by, p_order_dir,
    null, null) as found
  join public.job_queue as job on job.id = found.job_id
  order by found.place;
$$;
comment on function public.get_user_jobs(uuid, text, text, int, int, text, text) is
  'A page of the caller''s top-level jobs; total_count is exact up to 10 000. The service names the user, null = the system''s jobs.';

create function public.get_user_jobs_page(
  p_user_id uuid default null, p_status text default null, p_job_type text default null,
  p_limit int default 20, p_before_created_at timestamptz default null, p_before_id uuid default null
)
returns table (
  id uuid, parent_job_id uuid, job_type text, status text, job_priority smallint, params jsonb,
  progress_percent smallint, progress_message text, has_result boolean, error_code text,
  error_message text, retry_count int, crash_count int, max_retries int, held_by text,
  scheduled_for timestamptz, created_at timestamptz, started_at timestamptz, completed_at timestamptz,
  updated_at timestamptz, seq bigint, total_count int
)
language sql stable rows 20 set search_path = ''
as $$
  select job.id, job.parent_job_id, job.job_type, job.status, job.job_priority, job.params,
    job.progress_percent, job.progress_message, job.result is not null, job.error_code,
    job.error_message, job.retry_count, job.crash_count, job.max_retries, job.held_by,
    job.scheduled_for, job.created_at, job.started_at, job.completed_at,
    job.updated_at, job.seq, found.total_count
  from private.find_user_jobs(p_user_id, p_status, p_job_type, p_limit, 0, 'created_at', 'desc',
    p_before_created_at, p_before_id) as found
  join public.job_queue as job on job.id = found.job_id
  order by found.place;
$$;
comment on function public.get_user_jobs_page(uuid, text, text, int, timestamptz, uuid) is
  'get_user_jobs(), newest first, from where the last page ended (created_at and id of its last row): as fast on page 5 000 as on the first. total_count comes with the first page only.';

create function public.get_job_logs(
  p_job_id uuid, p_user_id uuid default null, p_limit int default 100, p_offset int default 0,
  p_log_level text default null
)
returns table (
  id bigint, job_id uuid, log_level text, message text, metadata jsonb, created_at timestamptz,
  total_count int
)
language sql stable rows 100 set search_path = ''
as $$
  select * from private.find_job_logs(p_job_id, p_user_id, p_limit, p_offset, p_log_level);
$$;
comment on function public.get_job_logs(uuid, uuid, int, int, text) is
  'Log lines of the caller''s job, oldest first; JOB_NOT_FOUND when it is not theirs. total_count is exact up to 10 000.';

create function public.get_cached_job_result(
  p_user_id uuid, p_job_type text, p_params jsonb default '{}', p_cache_ttl interval default null
)
returns table (job_id uuid, result jsonb, completed_at timestamptz)
language sql stable rows 1 set search_path = ''
as $$
  select * from private.find_cached_result(p_user_id, p_job_type, p_params, p_cache_ttl);
$$;
comment on function public.get_cached_job_result(uuid, text, jsonb, interval) is
  'The caller''s newest result of an equal job not older than p_cache_ttl (default: the type''s), or no row.';

revoke all on function
  public.get_user_jobs(uuid, text, text, int, int, text, text),
  public.get_user_jobs_page(uuid, text, text, int, timestamptz, uuid),
  public.get_job_logs(uuid, uuid, int, int, text),
  public.get_cached_job_result(uuid, text, jsonb, interval)
from public, anon, authenticated, service_role;
grant execute on function
  public.get_user_jobs(uuid, text, text, int, int, text, text),
  public.get_user_jobs_page(uuid, text, text, int, timestamptz, uuid),
  public.get_job_logs(uuid, uuid, int, int, text),
  public.get_cached_job_result(uuid, text, jsonb, interval)
to authenticated, service_role;

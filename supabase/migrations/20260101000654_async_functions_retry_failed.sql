-- Who has jobs run again that failed or were cancelled: their owner one, and an operator many. See
-- async_functions_retry.sql.

create function private.retry_job_as_caller(p_job_id uuid, p_user_id uuid)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user_id constant uuid := private.acting_user(p_user_id);
  v_answer record;
begin
  -- The service may leave the user out; a user never sees, and never retries, another's job.
  if not exists (
    select from public.job_queue
    where id = p_job_id and (user_id = v_user_id or v_user_id is null)
  ) then
    perform private.raise_error('JOB_NOT_FOUND');
  end if;

  -- Counted here, since the data API reaches this function too: a job that was cancelled, or that failed and
  -- was paid back, asks the provider again at no cost.
  if auth.uid() is not null then
    perform private.assert_rate_limit('job-retry', v_user_id);
  end if;
  select * into v_answer from private.retry_jobs(array[p_job_id], array[now()]);
  if v_answer.outcome <> 'retried' then
    perform private.raise_error(v_answer.outcome, v_answer.detail);
  end if;
  return true;
end;
$$;
comment on function private.retry_job_as_caller(uuid, uuid) is
  'Body of retry_job(). Lends the right to change the queue, after checking whose job it is, and to count a user''s request.';

create function private.retry_failed_jobs(
  p_job_type text, p_error_code text, p_since interval, p_limit int, p_spread interval
)
returns table (job_id uuid, job_type text, outcome text)
language plpgsql volatile security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  -- Of what is locked and written together: each may have 5 000 children.
  v_slice constant int := 200;
  v record;
  v_owners uuid[];
begin
  with failed as materialized (
    select job.id, job.user_id, job.job_type,
      row_number() over (order by job.completed_at, job.id) - 1 as place, count(*) over () as jobs
    from (
      select old.*
      from public.job_type as type
      cross join lateral (
        -- Children come back with their parent.
        select job.id, job.user_id, job.job_type, job.completed_at
        from private.job_failure as failure
        join public.job_queue as job on job.id = failure.job_id
        where failure.job_type = type.name and failure.failed_at > now() - p_since
          and job.status = 'failed' and job.completed_at > now() - p_since
          and (p_error_code is null or job.error_code = p_error_code) and job.parent_job_id is null
        order by failure.failed_at
        limit least(p_limit, 1000)
      ) as old
      where p_job_type is null or type.name = p_job_type
      order by old.completed_at
      limit least(p_limit, 1000)
    ) as job
  )
  -- User by user, each one's oldest first.
  select array_agg(id order by user_id, place) as ids, array_agg(user_id order by user_id, place) as user_ids,
    array_agg(job_type order by user_id, place) as types,
    array_agg(now() + p_spread * place / jobs order by user_id, place) as due_at
  into v
  from failed;

  -- As create_jobs() does, and in its order: before the users, since whoever deletes some requests jobs as well.
  perform pg_advisory_xact_lock(hashtextextended('job_queue:' || subject.name, 0))
  from (
    select distinct coalesce(user_id::text, job_type) as name
    from unnest(v.user_ids, v.types) as request (user_id, job_type)
    order by name
  ) as subject;
  -- Who is just going, or somebody holds, is left out: whoever deletes several users does so in no order.
  v_owners := private.keep_owners(v.ids);
  select array_agg(id order by ordinal) as ids, array_agg(job_type order by ordinal) as types,
    array_agg(due_at order by ordinal) as due_at
  into v
  from unnest(v.ids, v.user_ids, v.types, v.due_at) with ordinality as request (id, user_id, job_type, due_at, ordinal)
  where user_id is null or user_id = any(v_owners);
  for begin_at in 1..coalesce(cardinality(v.ids), 0) by v_slice loop
    return query
    select answer.job_id, v.types[begin_at - 1 + answer.place], answer.outcome
    from private.retry_jobs(v.ids[begin_at : begin_at + v_slice - 1], v.due_at[begin_at : begin_at + v_slice - 1])
      with ordinality as answer (job_id, outcome, detail, place);
  end loop;
end;
$$;
comment on function private.retry_failed_jobs(text, text, interval, int, interval) is
  'Body of retry_failed_jobs(). Lends the right to change the queue.';

revoke all on function
  private.retry_job_as_caller(uuid, uuid),
  private.retry_failed_jobs(text, text, interval, int, interval)
from public, anon, authenticated, service_role;
grant execute on function private.retry_job_as_caller(uuid, uuid) to authenticated, service_role;
grant execute on function private.retry_failed_jobs(text, text, interval, int, interval) to service_role;

create function public.retry_job(p_job_id uuid, p_user_id uuid default null)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.retry_job_as_caller(p_job_id, p_user_id);
$$;
comment on function public.retry_job(uuid, uuid) is
  'Runs the caller''s failed or cancelled job again, with fresh counters and its checkpoint; of its children only those that did not complete. True, or an error that says why not.';
revoke all on function public.retry_job(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function public.retry_job(uuid, uuid) to authenticated, service_role;

create function public.retry_failed_jobs(
  p_job_type text default null, p_error_code text default null, p_since interval default '24 hours',
  p_limit int default 1000, p_spread interval default '0'
)
returns table (job_id uuid, job_type text, outcome text)
language sql volatile set search_path = ''
as $$
  select * from private.retry_failed_jobs(p_job_type, p_error_code, p_since, p_limit, p_spread);
$$;
comment on function public.retry_failed_jobs(text, text, interval, int, interval) is
  'Service only. Retries up to p_limit (at most 1 000) failed top-level jobs, the oldest first, their starts spread over p_spread; says retried, or why not.';
revoke all on function public.retry_failed_jobs(text, text, interval, int, interval)
  from public, anon, authenticated, service_role;
grant execute on function public.retry_failed_jobs(text, text, interval, int, interval) to service_role;

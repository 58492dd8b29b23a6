-- How a worker ends attempts that did not succeed: the job comes again, later, or has failed. As the
-- functions that complete, one body for single jobs and batches.

create function private.fail_jobs(p_jobs jsonb)
returns table (job_id uuid, status text)
language plpgsql volatile security definer set search_path = ''
-- As private.yield_jobs().
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_nestloop = off
as $$
#variable_conflict use_column
begin
  if exists (select from private.job_lease where started_at is not null) then
    perform private.write_starts_of(p_jobs);
  end if;
  return query
    with given as materialized (
      select distinct on (job_id) job_id, fencing_token, coalesce(retryable, true) as retryable,
        left(coalesce(error_message, 'The job failed.'), 4000) as error_message,
        coalesce(nullif(error_code, ''), 'HANDLER_ERROR') as error_code,
        case when retry_after_ms is not null
          then make_interval(secs => greatest(retry_after_ms, 0) / 1000.0)
        end as retry_after
      from jsonb_to_recordset(p_jobs) as job (
        job_id uuid, fencing_token bigint, error_message text, error_code text, retryable boolean,
        retry_after_ms double precision)
      -- As above.
      order by job_id, fencing_token desc nulls last
    ),
    held as (
      select job.id, job.user_id, job.job_type, job.job_priority, given.error_message, given.error_code, type.expires_after,
        verdict.will_retry, (verdict.will_retry and given.retry_after <= interval '0') is true as comes_at_once,
        coalesce(given.retry_after,
          -- Doubling is capped before it is computed: 2^n of a large n is no interval.
          least(type.backoff_cap, type.backoff_base * power(2, least(job.retry_count, 20)))
            * (0.8 + random() * 0.4)) as delay
      from given
      join public.job_queue as job on job.id = given.job_id
      join public.job_type as type on type.name = job.job_type
      cross join lateral (
        select given.retryable and job.retry_count < job.max_retries
          and job.runtime_seconds + extract(epoch from now() - job.slice_started_at)
            < extract(epoch from type.max_runtime)
          -- What may wait no longer than that for a worker does not wait longer for the other side.
          and coalesce(given.retry_after <= type.expires_after, true) as will_retry
      ) as verdict
      where job.id = any(array(select job_id from given)) and job.lease_expires_at is not null
        and (job.fencing_token = given.fencing_token or (given.fencing_token is null and job.is_classic))
      order by job.id
      for update of job
    ),
    -- What is to be tried again at once takes turns with everybody else.
    line as materialized (
      select private.line_up_again(array_agg(user_id order by user_id, job_type, job_priority),
        array_agg(job_type order by user_id, job_type, job_priority),
        array_agg(job_priority order by user_id, job_type, job_priority),
        array_agg(jobs order by user_id, job_type, job_priority)) as turns
      from (
        select user_id, job_type, job_priority, count(*)::int as jobs
        from held where comes_at_once group by user_id, job_type, job_priority
      ) as own
      having count(*) > 0
    ),
    placed as (
      select held.*, case when comes_at_once then
        (select turns from line)[dense_rank() over (partition by comes_at_once order by user_id, job_type, job_priority)] - 1
          + row_number() over (partition by comes_at_once, user_id, job_type, job_priority order by id) end as turn
      from held
    ),
    failed as (
      update public.job_queue as job
      set status = case when placed.will_retry then 'pending' else 'failed' end,
        retry_count = job.retry_count + placed.will_retry::int,
        error_code = placed.error_code,
        error_message = placed.error_message,
        worker_id = case when not placed.will_retry then job.worker_id end,
        lease_expires_at = null,
        runtime_seconds = job.runtime_seconds + greatest(0, date_part('epoch', now() - job.slice_started_at)),
        slice_started_at = null,
        -- An attempt that left no checkpoint starts over, and so does its progress.
        progress_percent = case
          when placed.will_retry and job.checkpoint is null then 0
          else job.progress_percent
        end,
        progress_base_seconds = case
          when placed.will_retry and job.checkpoint is null
            then job.runtime_seconds + greatest(0, extract(epoch from now() - job.slice_started_at))
          else job.progress_base_seconds
        end,
        scheduled_for = case when placed.will_retry then now() + placed.delay else job.scheduled_for end,
        -- A retry is not a job that was never started.
        expires_at = case
          when placed.will_retry then greatest(job.expires_at, now() + placed.delay + placed.expires_after)
          else job.expires_at
        end,
        turn = placed.turn,
        completed_at = case when not placed.will_retry then now() end,
        seq = job.seq + 1,
        updated_at = now()
      from placed
      where job.id = placed.id and job.id = any(array(select id from held))
      returning job.id, job.status
    )
    select given.job_id, failed.status
    from given left join failed on failed.id = given.job_id;
end;
$$;
comment on function private.fail_jobs(jsonb) is
  'Body of fail_job(). Lends the right to change the queue.';

create function private.fail_free(p_jobs jsonb)
returns table (job_id uuid, status text)
language plpgsql volatile set search_path = ''
set lock_timeout = '50ms'
as $$
#variable_conflict use_column
declare
  v_held uuid[];
begin
  begin
    return query select * from private.fail_jobs(p_jobs);
    return;
  exception when lock_not_available then
    perform set_config('lock_timeout', '0', true);
  end;
  select private.hold_free(array_agg(job_id), array_agg(fencing_token)) into v_held
  from jsonb_to_recordset(p_jobs) as job (job_id uuid, fencing_token bigint);
  return query
    select * from private.fail_jobs((
      select jsonb_agg(job) from jsonb_array_elements(p_jobs) as job
      where (job ->> 'job_id')::uuid not in (select unnest(v_held))))
    union all
    select distinct unnest(v_held), 'held';
end;
$$;
comment on function private.fail_free(jsonb) is
  'As fail_jobs(), but waits for nobody who holds one of the jobs: it is left as it is, and returned as held.';

revoke all on function private.fail_jobs(jsonb), private.fail_free(jsonb)
  from public, anon, authenticated, service_role;
grant execute on function private.fail_jobs(jsonb), private.fail_free(jsonb) to service_role;

create function public.fail_job(
  p_job_id uuid, p_error_message text, p_error_code text default 'HANDLER_ERROR',
  p_retryable boolean default true, p_retry_after interval default null,
  p_fencing_token bigint default null
)
returns text
language plpgsql volatile set search_path = ''
as $$
begin
  return (
    select status
    from private.fail_jobs(jsonb_build_array(jsonb_build_object(
      'job_id', p_job_id, 'fencing_token', p_fencing_token, 'error_message', p_error_message,
      'error_code', p_error_code, 'retryable', p_retryable,
      'retry_after_ms', extract(epoch from p_retry_after) * 1000))));
end;
$$;
comment on function public.fail_job(uuid, text, text, boolean, interval, bigint) is
  'Service only. Ends an attempt with an error; returns pending (will be retried) or failed, null = lease lost.';

create function public.fail_jobs(p_jobs jsonb)
returns table (job_id uuid, status text)
language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select * from private.fail_free(p_jobs);
end;
$$;
comment on function public.fail_jobs(jsonb) is
  'Service only. Batch form of fail_job(): [{job_id, fencing_token, error_message, error_code, retryable, retry_after_ms?}]. held: somebody else holds that job this moment, ask again.';

revoke all on function
  public.fail_job(uuid, text, text, boolean, interval, bigint),
  public.fail_jobs(jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  public.fail_job(uuid, text, text, boolean, interval, bigint),
  public.fail_jobs(jsonb)
to service_role;

-- How a worker ends its attempts: complete and fail, single and in batches, one body each. A job that
-- is no longer the worker's is refused row by row; the others of the batch count. A job that has a lease
-- is one that runs (see the progress functions for why the lease is asked).

create function private.complete_by_id(p_job_ids uuid[], p_fencing_tokens bigint[], p_results jsonb default null)
returns uuid[]
language plpgsql volatile security definer set search_path = ''
-- Some known rows of a large table: the planner, which cannot know, must not scan or hash it.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_nestloop = off set enable_hashjoin = off set jit = off
as $$
declare
  v_jobs constant int := coalesce(cardinality(p_job_ids), 0);
  v_fencing_token constant bigint := p_fencing_tokens[1];
  v_too_large jsonb;
  v_recorded uuid[];
  v_said text;
begin
  if p_results is not null then
    -- The stored size is a cheap lower bound of a quarter of the text.
    select jsonb_agg(p_job_ids[place]) into v_too_large
    from jsonb_array_elements(p_results) with ordinality as given (result, place)
    where pg_column_size(result) > 65536 and octet_length(result::text) > 262144;
    if v_too_large is not null then
      perform private.raise_error('RESULT_TOO_LARGE',
        jsonb_build_object('limit_bytes', 262144, 'job_ids', v_too_large));
    end if;
  end if;

  -- What the trigger does for all others is done here, in the same statement, and it is told so. In id order, as
  -- every statement that waits for several jobs: no two of them can deadlock.
  if p_fencing_tokens = array_fill(v_fencing_token, array[v_jobs]) and (p_results is null or v_jobs = 1) then
    -- Most attempts are first ones, and there is nothing to tell them apart by.
    with completed as (
      update public.job_queue as job
      set status = 'completed',
        progress_percent = 100,
        result = nullif(p_results -> 0, 'null'),
        error_code = null,
        error_message = null,
        completed_at = now(),
        lease_expires_at = null,
        -- The clock may have been set back since; an outcome must not fail over that (nor below).
        runtime_seconds = job.runtime_seconds + greatest(0, date_part('epoch', now() - job.slice_started_at)),
        slice_started_at = null,
        seq = job.seq + 1,
        updated_at = now()
      where job.id = any(p_job_ids) and job.lease_expires_at is not null
        and (job.fencing_token = v_fencing_token or (v_fencing_token is null and job.is_classic))
      returning job.id, job.job_type, job.user_id is not null as has_owner, job.parent_job_id is not null as has_parent
    ),
    counted as (
      insert into private.job_count_change (job_type, status, change)
      select ended.job_type, side.status, ended.jobs * side.sign
      from (select job_type, count(*)::int as jobs from completed group by job_type) as ended,
        (values ('processing', -1), ('completed', 1)) as side (status, sign)
    )
    select array_agg(id), set_config('job_engine.update', concat('completed',
      case when bool_or(has_owner) then ', of users' end, case when bool_or(has_parent) then ', of parents' end,
      case when exists (select from private.job_running) then ', of limited types' end), true)
    into v_recorded, v_said
    from completed;
  else
    with completed as (
      update public.job_queue as job
      set status = 'completed',
        progress_percent = 100,
        result = nullif(given.result, 'null'),
        error_code = null,
        error_message = null,
        completed_at = now(),
        lease_expires_at = null,
        runtime_seconds = job.runtime_seconds + greatest(0, date_part('epoch', now() - job.slice_started_at)),
        slice_started_at = null,
        seq = job.seq + 1,
        updated_at = now()
      from (
        select job_id, fencing_token, result
        from rows from (unnest(p_job_ids), unnest(p_fencing_tokens), jsonb_array_elements(p_results))
          as given (job_id, fencing_token, result)
        order by job_id
      ) as given
      where job.id = any(p_job_ids) and job.lease_expires_at is not null
        and job.id = given.job_id
        and (job.fencing_token = given.fencing_token or (given.fencing_token is null and job.is_classic))
      returning job.id, job.job_type, job.user_id is not null as has_owner, job.parent_job_id is not null as has_parent
    ),
    counted as (
      insert into private.job_count_change (job_type, status, change)
      select ended.job_type, side.status, ended.jobs * side.sign
      from (select job_type, count(*)::int as jobs from completed group by job_type) as ended,
        (values ('processing', -1), ('completed', 1)) as side (status, sign)
    )
    select array_agg(id), set_config('job_engine.update', concat('completed',
      case when bool_or(has_owner) then ', of users' end, case when bool_or(has_parent) then ', of parents' end,
      case when exists (select from private.job_running) then ', of limited types' end), true)
    into v_recorded, v_said
    from completed;
  end if;
  v_said := set_config('job_engine.update', '', true);

  if cardinality(v_recorded) = v_jobs then
    return '{}';
  end if;
  return array(select unnest(p_job_ids) except select unnest(v_recorded));
end;
$$;
comment on function private.complete_by_id(uuid[], bigint[], jsonb) is
  'Body of complete_job() and complete_jobs(): each job once, with the token of its attempt and, unless all results are null, an array of results. Returns the jobs that were refused. Lends the right to change the queue.';

create function private.complete_jobs(p_jobs jsonb)
returns table (job_id uuid, recorded boolean)
language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_column
declare
  v_ids uuid[];
  v_tokens bigint[];
  v_results jsonb;
  v_refused uuid[];
begin
  select array_agg(job_id), array_agg(fencing_token), jsonb_agg(result)
  into v_ids, v_tokens, v_results
  from (
    select distinct on (job_id) job_id, fencing_token, result
    from jsonb_to_recordset(p_jobs) as job (job_id uuid, fencing_token bigint, result jsonb)
    where job_id is not null
    -- Of two attempts at one job only the newer can hold it.
    order by job_id, fencing_token desc nulls last
  ) as given;
  v_refused := private.complete_by_id(v_ids, v_tokens, v_results);
  return query
  select given.job_id, given.job_id <> all(v_refused) from unnest(v_ids) as given (job_id);
end;
$$;
comment on function private.complete_jobs(jsonb) is
  'Reads [{job_id, fencing_token, result?}] for complete_by_id().';

create function private.fail_jobs(p_jobs jsonb)
returns table (job_id uuid, status text)
language plpgsql volatile security definer set search_path = ''
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
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
      select job.id, given.error_message, given.error_code, type.expires_after,
        given.retryable and job.retry_count < job.max_retries
          and job.runtime_seconds + extract(epoch from now() - job.slice_started_at)
            < extract(epoch from type.max_runtime)
          -- What may wait no longer than that for a worker does not wait longer for the other side.
          and coalesce(given.retry_after <= type.expires_after, true) as will_retry,
        coalesce(given.retry_after,
          -- Doubling is capped before it is computed: 2^n of a large n is no interval.
          least(type.backoff_cap, type.backoff_base * power(2, least(job.retry_count, 20)))
            * (0.8 + random() * 0.4)) as delay
      from given
      join public.job_queue as job on job.id = given.job_id
      join public.job_type as type on type.name = job.job_type
      where job.lease_expires_at is not null
        and (job.fencing_token = given.fencing_token or (given.fencing_token is null and job.is_classic))
      order by job.id
      for update of job
    ),
    failed as (
      update public.job_queue as job
      set status = case when held.will_retry then 'pending' else 'failed' end,
        retry_count = job.retry_count + held.will_retry::int,
        error_code = held.error_code,
        error_message = held.error_message,
        worker_id = case when not held.will_retry then job.worker_id end,
        lease_expires_at = null,
        runtime_seconds = job.runtime_seconds + greatest(0, date_part('epoch', now() - job.slice_started_at)),
        slice_started_at = null,
        -- An attempt that left no checkpoint starts over, and so does its progress.
        progress_percent = case
          when held.will_retry and job.checkpoint is null then 0
          else job.progress_percent
        end,
        progress_base_seconds = case
          when held.will_retry and job.checkpoint is null
            then job.runtime_seconds + greatest(0, extract(epoch from now() - job.slice_started_at))
          else job.progress_base_seconds
        end,
        scheduled_for = case when held.will_retry then now() + held.delay else job.scheduled_for end,
        -- A retry is not a job that was never started.
        expires_at = case
          when held.will_retry then greatest(job.expires_at, now() + held.delay + held.expires_after)
          else job.expires_at
        end,
        turn = case when held.delay <= interval '0' then private.next_turn(job.job_priority) end,
        completed_at = case when not held.will_retry then now() end,
        seq = job.seq + 1,
        updated_at = now()
      from held
      where job.id = held.id
      returning job.id, job.status
    )
    select given.job_id, failed.status
    from given left join failed on failed.id = given.job_id;
end;
$$;
comment on function private.fail_jobs(jsonb) is
  'Body of fail_job() and fail_jobs(). Lends the right to change the queue.';

revoke all on function
  private.complete_by_id(uuid[], bigint[], jsonb), private.complete_jobs(jsonb), private.fail_jobs(jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  private.complete_by_id(uuid[], bigint[], jsonb), private.complete_jobs(jsonb), private.fail_jobs(jsonb)
to service_role;

create function public.complete_job(
  p_job_id uuid, p_result jsonb default null, p_fencing_token bigint default null
)
returns boolean
language plpgsql volatile set search_path = ''
as $$
begin
  return (
    select recorded
    from private.complete_jobs(jsonb_build_array(jsonb_build_object(
      'job_id', p_job_id, 'fencing_token', p_fencing_token, 'result', p_result))));
end;
$$;
comment on function public.complete_job(uuid, jsonb, bigint) is
  'Service only. Records a job''s result; false when the lease is lost.';

create function public.complete_jobs(p_jobs jsonb)
returns table (job_id uuid, recorded boolean)
language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select * from private.complete_jobs(p_jobs);
end;
$$;
comment on function public.complete_jobs(jsonb) is
  'Service only. Batch form of complete_job(): [{job_id, fencing_token, result}].';

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
    select * from private.fail_jobs(p_jobs);
end;
$$;
comment on function public.fail_jobs(jsonb) is
  'Service only. Batch form of fail_job(): [{job_id, fencing_token, error_message, error_code, retryable, retry_after_ms?}].';

revoke all on function
  public.complete_job(uuid, jsonb, bigint),
  public.complete_jobs(jsonb),
  public.fail_job(uuid, text, text, boolean, interval, bigint),
  public.fail_jobs(jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  public.complete_job(uuid, jsonb, bigint),
  public.complete_jobs(jsonb),
  public.fail_job(uuid, text, text, boolean, interval, bigint),
  public.fail_jobs(jsonb)
to service_role;

-- What a worker writes while it holds a job: progress, checkpoint, and giving the job back between two
-- slices. Every write names its fencing token, and the same statement's where clause checks it. That a
-- job runs is asked of its lease, not its status: an index on the status would tempt the planner to walk
-- all running jobs for the one whose id it knows.

create function private.check_checkpoint(p_checkpoint jsonb, p_job_id uuid)
returns void
language plpgsql stable set search_path = ''
as $$
begin
  -- The text, which every claim reads; what is stored says little of it.
  if octet_length(p_checkpoint::text) > 262144 then
    perform private.raise_error('CHECKPOINT_TOO_LARGE',
      jsonb_build_object('limit_bytes', 262144, 'job_ids', jsonb_build_array(p_job_id)));
  end if;
end;
$$;
comment on function private.check_checkpoint(jsonb, uuid) is 'Refuses a checkpoint whose text is over 256 KB.';

create function private.update_job_progress(
  p_job_id uuid, p_progress_percent int, p_progress_message text, p_fencing_token bigint
)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  -- Not least(): it would read a missing percentage as 100.
  v_percent constant int := case when p_progress_percent > 100 then 100 else p_progress_percent end;
begin
  if p_fencing_token >= 1000000000000 then
    perform private.write_start(p_job_id, p_fencing_token);
  end if;
  update public.job_queue as job
  set progress_percent = greatest(job.progress_percent, v_percent),
    progress_message = coalesce(left(p_progress_message, 1000), job.progress_message),
    -- The owner hears of changes only.
    seq = job.seq + (coalesce(v_percent > job.progress_percent, false)
      or coalesce(left(p_progress_message, 1000) <> coalesce(job.progress_message, ''), false))::int,
    lease_expires_at = case
      when job.is_classic then greatest(job.lease_expires_at, now() + interval '5 minutes')
      else job.lease_expires_at
    end,
    updated_at = now()
  where job.id = p_job_id and job.lease_expires_at is not null
    and (job.fencing_token = p_fencing_token or (p_fencing_token is null and job.is_classic));
  return found;
end;
$$;
comment on function private.update_job_progress(uuid, int, text, bigint) is
  'Body of update_job_progress(). Lends the right to change the queue.';

create function private.save_job_checkpoint(
  p_job_id uuid, p_fencing_token bigint, p_checkpoint jsonb, p_progress_percent int, p_progress_message text
)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  -- Not least(): it would read a missing percentage as 100.
  v_percent constant int := case when p_progress_percent > 100 then 100 else p_progress_percent end;
begin
  perform private.check_checkpoint(p_checkpoint, p_job_id);
  if p_fencing_token >= 1000000000000 then
    perform private.write_start(p_job_id, p_fencing_token);
  end if;
  update public.job_queue as job
  set checkpoint = p_checkpoint,
    -- Not for saving the same again: a job that dies behind its checkpoint every time must come to an end.
    crash_streak = case when job.checkpoint is distinct from p_checkpoint then 0 else job.crash_streak end,
    progress_percent = greatest(job.progress_percent, v_percent),
    progress_message = coalesce(left(p_progress_message, 1000), job.progress_message),
    seq = job.seq + (coalesce(v_percent > job.progress_percent, false)
      or coalesce(left(p_progress_message, 1000) <> coalesce(job.progress_message, ''), false))::int,
    updated_at = now()
  where job.id = p_job_id and job.lease_expires_at is not null
    and (job.fencing_token = p_fencing_token or (p_fencing_token is null and job.is_classic));
  return found;
end;
$$;
comment on function private.save_job_checkpoint(uuid, bigint, jsonb, int, text) is
  'Body of save_job_checkpoint(). Lends the right to change the queue.';

create function private.yield_jobs(p_jobs jsonb)
returns table (job_id uuid, recorded boolean)
language plpgsql volatile security definer set search_path = ''
-- One job or two thousand, and the planner cannot know: each table by the ids, and hashes between them.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_nestloop = off
as $$
#variable_conflict use_column
begin
  perform private.check_checkpoint(job -> 'checkpoint', (job ->> 'job_id')::uuid)
  from jsonb_array_elements(p_jobs) as job
  where job ? 'checkpoint';
  if exists (select from private.job_lease where started_at is not null) then
    perform private.write_starts_of(p_jobs);
  end if;
  return query
    with given as materialized (
      select distinct on (job_id) job_id, fencing_token, checkpoint, coalesce(is_cut_short, false) as is_cut_short,
        make_interval(secs => greatest(coalesce(delay_ms, 0), 0) / 1000.0) as delay
      from jsonb_to_recordset(p_jobs)
        as job (job_id uuid, fencing_token bigint, checkpoint jsonb, delay_ms double precision, is_cut_short boolean)
      -- Of two attempts at one job only the newer can hold it.
      order by job_id, fencing_token desc nulls last
    ),
    held as (
      select job.id, job.user_id, job.job_type, job.job_priority, given.checkpoint, given.delay, given.is_cut_short,
        type.expires_after, worked.is_over_runtime,
        given.delay <= interval '0' and not worked.is_over_runtime as goes_on
      from given
      join public.job_queue as job on job.id = given.job_id
      join public.job_type as type on type.name = job.job_type
      cross join lateral (
        select job.runtime_seconds + extract(epoch from now() - job.slice_started_at)
          >= extract(epoch from type.max_runtime) as is_over_runtime
      ) as worked
      where job.id = any(array(select job_id from given)) and job.lease_expires_at is not null
        and (job.fencing_token = given.fencing_token or (given.fencing_token is null and job.is_classic))
      order by job.id
      for update of job
    ),
    -- Behind what came while it ran: a job of many slices takes turns with everybody else. And behind what the same
    -- user's others have yielded, however many of them run.
    line as materialized (
      select private.line_up_again(array_agg(user_id order by user_id, job_type, job_priority),
        array_agg(job_type order by user_id, job_type, job_priority),
        array_agg(job_priority order by user_id, job_type, job_priority),
        array_agg(jobs order by user_id, job_type, job_priority), 1) as turns
      from (
        select user_id, job_type, job_priority, count(*)::int as jobs
        from held where goes_on group by user_id, job_type, job_priority
      ) as own
      having count(*) > 0
    ),
    placed as (
      select held.*, case when goes_on then
        (select turns from line)[dense_rank() over (partition by goes_on order by user_id, job_type, job_priority)] - 1
          + row_number() over (partition by goes_on, user_id, job_type, job_priority order by id) end as turn
      from held
    ),
    yielded as (
      update public.job_queue as job
      set status = case when placed.is_over_runtime then 'failed' else 'pending' end,
        checkpoint = coalesce(placed.checkpoint, job.checkpoint),
        -- A job that its worker gives back, since it leaves, has not moved on.
        crash_streak = case when placed.is_cut_short then job.crash_streak else 0 end,
        worker_id = case when placed.is_over_runtime then job.worker_id end,
        lease_expires_at = null,
        runtime_seconds = job.runtime_seconds + greatest(0, extract(epoch from now() - job.slice_started_at)),
        slice_started_at = null,
        scheduled_for = now() + placed.delay,
        -- A job that moves on has not waited in vain.
        expires_at = greatest(job.expires_at, now() + placed.delay + placed.expires_after),
        turn = placed.turn,
        error_code = case when placed.is_over_runtime then 'MAX_RUNTIME_EXCEEDED' else job.error_code end,
        error_message = case when placed.is_over_runtime
          then (select message from private.error_code where code = 'MAX_RUNTIME_EXCEEDED')
          else job.error_message end,
        completed_at = case when placed.is_over_runtime then now() end,
        seq = job.seq + 1,
        updated_at = now()
      from placed
      where job.id = placed.id and job.id = any(array(select id from held))
      returning job.id
    )
    select given.job_id, yielded.id is not null
    from given left join yielded on yielded.id = given.job_id;
end;
$$;
comment on function private.yield_jobs(jsonb) is
  'Body of yield_job(). Lends the right to change the queue.';

create function private.yield_free(p_jobs jsonb)
returns table (job_id uuid, recorded boolean)
language plpgsql volatile set search_path = ''
set lock_timeout = '50ms'
as $$
#variable_conflict use_column
declare
  v_held uuid[];
begin
  begin
    return query select * from private.yield_jobs(p_jobs);
    return;
  exception when lock_not_available then
    perform set_config('lock_timeout', '0', true);
  end;
  select private.hold_free(array_agg(job_id), array_agg(fencing_token)) into v_held
  from jsonb_to_recordset(p_jobs) as job (job_id uuid, fencing_token bigint);
  return query
    select * from private.yield_jobs((
      select jsonb_agg(job) from jsonb_array_elements(p_jobs) as job
      where (job ->> 'job_id')::uuid not in (select unnest(v_held))))
    union all
    select distinct unnest(v_held), null::boolean;
end;
$$;
comment on function private.yield_free(jsonb) is
  'As yield_jobs(), but waits for nobody who holds one of the jobs: it is left as it is, and its answer is null.';

revoke all on function
  private.check_checkpoint(jsonb, uuid),
  private.update_job_progress(uuid, int, text, bigint),
  private.save_job_checkpoint(uuid, bigint, jsonb, int, text),
  private.yield_jobs(jsonb),
  private.yield_free(jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  private.update_job_progress(uuid, int, text, bigint),
  private.save_job_checkpoint(uuid, bigint, jsonb, int, text),
  private.yield_jobs(jsonb),
  private.yield_free(jsonb)
to service_role;

create function public.update_job_progress(
  p_job_id uuid, p_progress_percent int, p_progress_message text default null,
  p_fencing_token bigint default null
)
returns boolean
language plpgsql volatile set search_path = ''
as $$
begin
  return private.update_job_progress(p_job_id, p_progress_percent, p_progress_message, p_fencing_token);
end;
$$;
comment on function public.update_job_progress(uuid, int, text, bigint) is
  'Service only. Reports progress, which never goes back; false when the lease is lost.';

create function public.save_job_checkpoint(
  p_job_id uuid, p_fencing_token bigint, p_checkpoint jsonb,
  p_progress_percent int default null, p_progress_message text default null
)
returns boolean
language plpgsql volatile set search_path = ''
as $$
begin
  return private.save_job_checkpoint(
    p_job_id, p_fencing_token, p_checkpoint, p_progress_percent, p_progress_message);
end;
$$;
comment on function public.save_job_checkpoint(uuid, bigint, jsonb, int, text) is
  'Service only. Stores where the next attempt or slice goes on; false when the lease is lost.';

create function public.yield_job(
  p_job_id uuid, p_fencing_token bigint, p_checkpoint jsonb default null, p_delay interval default '0'
)
returns boolean
language plpgsql volatile set search_path = ''
as $$
begin
  return (
    select recorded
    from private.yield_jobs(jsonb_build_array(jsonb_build_object(
      'job_id', p_job_id, 'fencing_token', p_fencing_token, 'checkpoint', p_checkpoint,
      'delay_ms', extract(epoch from p_delay) * 1000))));
end;
$$;
comment on function public.yield_job(uuid, bigint, jsonb, interval) is
  'Service only. Gives a job back to go on later, counting no retry; false when the lease is lost.';

create function public.yield_jobs(p_jobs jsonb)
returns table (job_id uuid, recorded boolean)
language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select * from private.yield_free(p_jobs);
end;
$$;
comment on function public.yield_jobs(jsonb) is
  'Service only. Batch form of yield_job(): [{job_id, fencing_token, checkpoint?, delay_ms?, is_cut_short?}]; is_cut_short: its handler was stopped, so that its streak of crashes goes on. Null: somebody else holds that job this moment, ask again.';

revoke all on function
  public.update_job_progress(uuid, int, text, bigint),
  public.save_job_checkpoint(uuid, bigint, jsonb, int, text),
  public.yield_job(uuid, bigint, jsonb, interval),
  public.yield_jobs(jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  public.update_job_progress(uuid, int, text, bigint),
  public.save_job_checkpoint(uuid, bigint, jsonb, int, text),
  public.yield_job(uuid, bigint, jsonb, interval),
  public.yield_jobs(jsonb)
to service_role;

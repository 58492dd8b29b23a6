-- How a worker comes by jobs. A claim first puts the queue right (lost leases, expired and newly due
-- jobs), then takes the next jobs in one statement: by priority, then taking turns between users, then
-- first come first served. Caps are counted from live leases, so that a crash can leak no slot.

create function private.recover_lost_jobs()
returns table (job_id uuid, status text, error_code text)
language plpgsql volatile security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  -- Nearly always there is nothing to do: one cached probe, and no update for the triggers to look at.
  perform from public.job_queue as job
  join public.job_type as type on type.name = job.job_type
  where job.status = 'processing' and (job.lease_expires_at <= now() or job.runtime_seconds
    + extract(epoch from now() - job.slice_started_at) >= extract(epoch from type.max_runtime))
  limit 1;
  if not found then
    return;
  end if;

  return query
  with lost as (
    select job.id, job.lease_expires_at <= now() as is_crash, job.crash_count + 1 >= type.max_crashes as is_last,
      -- Nobody worked on after the lease: an outage of a night must not use up max_runtime.
      job.runtime_seconds + greatest(0,
        extract(epoch from least(now(), job.lease_expires_at) - job.slice_started_at)) as worked,
      extract(epoch from type.max_runtime) as max_worked, type.expires_after
    from public.job_queue as job
    join public.job_type as type on type.name = job.job_type
    where job.status = 'processing' and (job.lease_expires_at <= now() or job.runtime_seconds
      + extract(epoch from now() - job.slice_started_at) >= extract(epoch from type.max_runtime))
    order by job.id
    limit 1000
    for update of job skip locked
  ),
  verdict as (
    select id, is_crash, worked, expires_after, case
      when worked >= max_worked then 'MAX_RUNTIME_EXCEEDED'
      when is_crash and is_last then 'WORKER_LOST'
    end as error_code
    from lost
  )
  update public.job_queue as job
  set status = case when verdict.error_code is null then 'pending' else 'failed' end,
    crash_count = job.crash_count + verdict.is_crash::int,
    fencing_token = job.fencing_token + 1,
    -- Or a classic worker, which names no token, could still write the log.
    is_classic = false,
    worker_id = case when verdict.error_code is not null then job.worker_id end,
    lease_expires_at = null,
    runtime_seconds = verdict.worked,
    slice_started_at = null,
    scheduled_for = now(),
    -- It was started in time.
    expires_at = greatest(job.expires_at, now() + verdict.expires_after),
    -- It has been in the queue before; it goes on as soon as anybody is free.
    turn = private.next_turn(job.job_priority),
    error_code = coalesce(verdict.error_code, job.error_code),
    error_message = coalesce(
      (select message from private.error_code as known where known.code = verdict.error_code),
      job.error_message),
    completed_at = case when verdict.error_code is not null then now() end,
    seq = job.seq + 1,
    updated_at = now()
  from verdict
  where job.id = verdict.id
  returning job.id, job.status, job.error_code;
end;
$$;
comment on function private.recover_lost_jobs() is
  'Takes jobs from workers whose lease ran out, and ends those that crashed too often or worked too long. Lends the right to change the queue.';

create function private.expire_pending_jobs()
returns table (job_id uuid, job_type text)
language plpgsql volatile security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  perform from public.job_queue where status = 'pending' and expires_at <= now() limit 1;
  if not found then
    return;
  end if;

  return query
  with stale as (
    select id
    from public.job_queue
    where status = 'pending' and expires_at <= now()
    order by expires_at
    limit 1000
    for update skip locked
  )
  update public.job_queue as job
  set status = 'failed',
    error_code = 'EXPIRED',
    error_message = (select message from private.error_code where code = 'EXPIRED'),
    completed_at = now(),
    seq = job.seq + 1,
    updated_at = now()
  from stale
  where job.id = stale.id
  returning job.id, job.job_type;
end;
$$;
comment on function private.expire_pending_jobs() is
  'Fails what waited past expires_at. Lends the right to change the queue.';

create function private.promote_due_jobs()
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  perform from public.job_queue
  where status = 'pending' and turn is null and held_by is null and scheduled_for <= now() limit 1;
  if not found then
    return;
  end if;

  with due as (
    select id
    from public.job_queue
    where status = 'pending' and turn is null and held_by is null and scheduled_for <= now()
    order by scheduled_for
    limit 1000
    for update skip locked
  )
  update public.job_queue as job
  set turn = private.next_turn(job.job_priority)
  from due
  where job.id = due.id;
end;
$$;
comment on function private.promote_due_jobs() is
  'Lines up retries and scheduled jobs whose time has come, so that the claim never walks over waiting ones.';

create function private.claim_jobs(p_worker_id text, p_batch_size int, p_job_types text[])
returns setof public.job_queue
language plpgsql volatile security definer set search_path = ''
-- Planning this statement takes longer than running it, and its best plan is always the same.
set plan_cache_mode = force_generic_plan
as $$
declare
  v_batch_size constant int := least(greatest(coalesce(p_batch_size, 10), 1), 1000);
  v_types text[];
begin
  if coalesce(p_worker_id, '') = '' then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_worker_id'));
  end if;

  perform private.recover_lost_jobs();
  perform private.expire_pending_jobs();
  perform private.promote_due_jobs();

  if (select is_draining from private.job_setting) then
    return;
  end if;

  -- Two claims that count at once would both find the last slot free. Only one at a time may claim a
  -- capped type, and it counts in a later statement, which sees what the one before has taken; the
  -- others pass on to other types.
  select array_agg(name) into v_types
  from public.job_type
  where case
    when is_paused or name <> all(p_job_types) then false
    when max_concurrency is null and max_per_user is null then true
    else pg_try_advisory_xact_lock(hashtextextended('job_type:' || name, 0))
  end;

  return query
  with running as materialized (
    select job.job_type, job.user_id, count(*) as jobs
    from public.job_queue as job
    where job.status = 'processing' and exists (
      select from public.job_type as type
      where type.name = job.job_type and coalesce(type.max_concurrency, type.max_per_user) is not null)
    group by job.job_type, job.user_id
  ),
  open_type as materialized (
    select type.name, type.max_per_user,
      greatest(0, least(v_batch_size, type.max_concurrency
        - coalesce((select sum(jobs) from running where job_type = type.name), 0))) as slots,
      coalesce((
        select array_agg(user_id) from running
        where job_type = type.name and user_id is not null and jobs >= type.max_per_user
      ), '{}') as full_users
    from public.job_type as type
    where type.name = any(v_types)
  ),
  -- The first jobs of every lane, unlocked, to see how many of each type this claim should take.
  head as materialized (
    select open_type.name, first.*,
      case when open_type.max_per_user is not null and first.user_id is not null then
        row_number() over (partition by open_type.name, first.user_id
          order by first.job_priority, first.turn, first.created_at)
        + coalesce((
          select jobs from running
          where running.job_type = open_type.name and running.user_id = first.user_id), 0)
        > open_type.max_per_user
      else false end as is_over_cap
    from open_type
    cross join lateral (
      select job.id, job.user_id, job.job_priority, job.turn, job.created_at
      from public.job_queue as job
      where job.job_type = open_type.name and job.status = 'pending' and job.turn is not null
        and job.scheduled_for <= now() and (job.expires_at is null or job.expires_at > now())
        and (job.user_id is null or job.user_id <> all(open_type.full_users))
      order by job.job_priority, job.turn, job.created_at
      limit open_type.slots
    ) as first
    where open_type.slots > 0
  ),
  share as materialized (
    select name, count(*) as jobs, array_agg(id) as ids
    from (
      select name, id
      from head
      where not is_over_cap
      order by job_priority, turn, created_at
      limit v_batch_size
    ) as next
    group by name
  ),
  -- Then that many of each are locked, deeper in the lane where another claim was quicker. A type with
  -- a cap is claimed by nobody else now, so exactly the chosen jobs are taken.
  picked as materialized (
    select locked.row_id
    from share
    join open_type on open_type.name = share.name
    cross join lateral (
      select job.ctid as row_id
      from public.job_queue as job
      where job.job_type = share.name and job.status = 'pending' and job.turn is not null
        and job.scheduled_for <= now() and (job.expires_at is null or job.expires_at > now())
        and (open_type.max_per_user is null or job.id = any(share.ids))
      order by job.job_priority, job.turn, job.created_at
      limit share.jobs
      for update skip locked
    ) as locked
  ),
  claimed as (
    -- By row address: the rows are locked, and a join would tempt the planner to scan the table.
    update public.job_queue as job
    set status = 'processing',
      worker_id = p_worker_id,
      fencing_token = job.fencing_token + 1,
      is_classic = false,
      lease_expires_at = now() + (select type.lease from public.job_type as type where type.name = job.job_type),
      started_at = coalesce(job.started_at, now()),
      slice_started_at = now(),
      seq = job.seq + 1,
      updated_at = now()
    where job.ctid = any(array(select row_id from picked))
    returning job.*
  ),
  -- A lane another claim is moving right now is left to it: nobody waits for the clock.
  free_lane as (
    select lane.job_priority, latest.turn
    from private.job_lane as lane
    join (select job_priority, max(turn) as turn from claimed group by job_priority) as latest
      on latest.job_priority = lane.job_priority and latest.turn > lane.virtual_time
    for update of lane skip locked
  ),
  moved as (
    update private.job_lane as lane
    set virtual_time = free_lane.turn
    from free_lane
    where lane.job_priority = free_lane.job_priority
  )
  select * from claimed order by job_priority, turn, created_at;
end;
$$;
comment on function private.claim_jobs(text, int, text[]) is
  'Body of claim_jobs(). Lends the right to change the queue.';

revoke all on function
  private.recover_lost_jobs(),
  private.expire_pending_jobs(),
  private.promote_due_jobs(),
  private.claim_jobs(text, int, text[])
from public, anon, authenticated, service_role;
grant execute on function
  private.recover_lost_jobs(),
  private.expire_pending_jobs(),
  private.claim_jobs(text, int, text[])
to service_role;

create function public.claim_jobs(
  p_worker_id text, p_batch_size int default 10, p_job_types text[] default null
)
returns setof public.job_queue
language sql volatile rows 10 set search_path = ''
as $$
  select * from private.claim_jobs(p_worker_id, p_batch_size, p_job_types);
$$;
comment on function public.claim_jobs(text, int, text[]) is
  'Service only. Takes up to p_batch_size due jobs for a worker, each with a new fencing token and a lease.';
revoke all on function public.claim_jobs(text, int, text[]) from public, anon, authenticated, service_role;
grant execute on function public.claim_jobs(text, int, text[]) to service_role;

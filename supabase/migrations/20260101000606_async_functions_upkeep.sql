-- What puts the queue right: lost leases, expired jobs, jobs whose time has come. The claim calls these
-- first and the tick calls them when nobody claims; each costs one probe when there is nothing to do,
-- takes some 1 000 jobs at a time and waits for nobody's lock.

create function private.recover_lost_jobs()
returns table (job_id uuid, status text, error_code text)
language plpgsql volatile security definer set search_path = ''
-- Some known rows of a large table: the planner, which cannot know, must not scan it.
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_leases bigint[];
  v_job_ids uuid[];
  v_unheard uuid[];
  v_owners uuid[];
begin
  -- Whoever holds one of these entries is doing this very work. At most some 2 000 jobs in one go.
  select array_agg(lease_id) into v_leases
  from (
    select lease_id, sum(cardinality(job_ids)) over (order by check_at, lease_id) - cardinality(job_ids) as before
    from (
      select lease_id, check_at, job_ids
      from private.job_lease
      where check_at <= now()
      order by check_at
      limit 1000
      for update skip locked
    ) as due
  ) as counted
  where before < 1000;
  if v_leases is null then
    return;
  end if;
  -- Whether these have ever begun nobody knows.
  v_unheard := array(
    select unnest(job_ids)
    from private.job_lease
    where lease_id = any(v_leases) and is_handed_over and started_at is not null);
  v_leases := private.write_lost_starts(v_leases);
  v_job_ids := array(
    select distinct unnest(job_ids) from private.job_lease where lease_id = any(v_leases));
  v_owners := private.keep_owners(v_job_ids);

  return query
  with lost as (
    select job.id, job.user_id, job.job_priority, job.created_at, job.checkpoint is null as starts_over,
      job.lease_expires_at <= now() and job.id <> all(v_unheard) as is_crash,
      job.crash_streak + 1 >= type.max_crashes as is_last,
      -- Nobody worked on after the lease: an outage of a night must not use up max_runtime.
      job.runtime_seconds + greatest(0,
        extract(epoch from least(now(), job.lease_expires_at) - job.slice_started_at)) as worked,
      extract(epoch from type.max_runtime) as max_worked, type.expires_after
    from public.job_queue as job
    join public.job_type as type on type.name = job.job_type
    where job.id = any(v_job_ids) and job.status = 'processing'
      and (job.user_id is null or job.user_id = any(v_owners))
      and (job.lease_expires_at <= now() or job.runtime_seconds
        + extract(epoch from now() - job.slice_started_at) >= extract(epoch from type.max_runtime))
    order by job.id
    for update of job skip locked
  ),
  verdict as (
    select id, is_crash, starts_over, worked, expires_after,
      row_number() over (partition by user_id, job_priority order by created_at, id) as place,
      case
        when worked >= max_worked then 'MAX_RUNTIME_EXCEEDED'
        when is_crash and is_last then 'WORKER_LOST'
      end as error_code
    from lost
  )
  update public.job_queue as job
  set status = case when verdict.error_code is null then 'pending' else 'failed' end,
    crash_count = job.crash_count + verdict.is_crash::int,
    crash_streak = job.crash_streak + verdict.is_crash::int,
    fencing_token = job.fencing_token + 1,
    -- Or a classic worker, which names no token, could still write the log.
    is_classic = false,
    worker_id = case when verdict.error_code is not null then job.worker_id end,
    lease_expires_at = null,
    runtime_seconds = verdict.worked,
    slice_started_at = null,
    -- Without a checkpoint the next attempt starts over, and so does its progress.
    progress_percent = case
      when verdict.starts_over and verdict.error_code is null then 0 else job.progress_percent end,
    progress_base_seconds = case
      when verdict.starts_over and verdict.error_code is null then verdict.worked
      else job.progress_base_seconds end,
    scheduled_for = now(),
    -- It was started in time.
    expires_at = greatest(job.expires_at, now() + verdict.expires_after),
    -- It has been in the queue before, so it goes on as soon as anybody is free; but where a user lost
    -- many at once, they take turns with everybody else's.
    turn = private.next_turn(job.job_priority) + verdict.place - 1,
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

  -- What still runs is looked at again when the next of it can be lost; what somebody holds, next time.
  with running as (
    select lease.lease_id, array_agg(job.id) as job_ids,
      min(least(job.lease_expires_at,
        job.slice_started_at + type.max_runtime - job.runtime_seconds * interval '1 second')) as check_at
    from private.job_lease as lease
    join public.job_queue as job on job.id = any(lease.job_ids)
    join public.job_type as type on type.name = job.job_type
    where lease.lease_id = any(v_leases) and job.status = 'processing'
    group by lease.lease_id
  ),
  kept as (
    update private.job_lease as lease
    set job_ids = running.job_ids, check_at = running.check_at
    from running
    where lease.lease_id = running.lease_id
  )
  delete from private.job_lease
  where lease_id = any(v_leases) and lease_id not in (select lease_id from running);
end;
$$;
comment on function private.recover_lost_jobs() is
  'Takes jobs from workers whose lease ran out, and ends those that crashed too often or worked too long. Lends the right to change the queue.';

create function private.expire_pending_jobs()
returns table (job_id uuid, job_type text)
language plpgsql volatile security definer set search_path = ''
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_job_ids uuid[];
  v_owners uuid[];
begin
  if exists (select from private.job_bundle where expires_at <= now()) then
    perform private.unfold_bundles(array(
      select bundle_id from private.job_bundle where expires_at <= now() limit 2 for update skip locked));
  end if;
  select array_agg(job_id) into v_job_ids
  from (
    -- Locked, as a claim does: the row of a job that is being started may never say so.
    select job_id from private.job_waiting where expires_at <= now() order by expires_at limit 1000
    for update skip locked
  ) as stale;
  if v_job_ids is null then
    return;
  end if;
  v_owners := private.keep_owners(v_job_ids);

  return query
  with stale as (
    select id
    from public.job_queue
    -- A parent waits for its children, which may expire themselves.
    where id = any(v_job_ids) and status = 'pending' and expires_at <= now()
      and held_by is distinct from 'children' and (user_id is null or user_id = any(v_owners))
    order by id
    for update skip locked
  )
  update public.job_queue as job
  set status = 'failed',
    error_code = 'EXPIRED',
    error_message = (select message from private.error_code where code = 'EXPIRED'),
    held_by = null,
    completed_at = now(),
    seq = job.seq + 1,
    updated_at = now()
  where job.id = any(array(select id from stale))
  returning job.id, job.job_type;
end;
$$;
comment on function private.expire_pending_jobs() is
  'Fails what waited past expires_at, also while paused. Lends the right to change the queue.';

create function private.promote_due_jobs()
returns int
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
declare
  v_job_ids uuid[];
  v_promoted int;
begin
  select array_agg(job_id) into v_job_ids
  from (
    select job_id
    from private.job_waiting
    where turn is null and held_by is null and scheduled_for <= now()
    order by scheduled_for
    limit 1000
  ) as due;
  if v_job_ids is null then
    return 0;
  end if;

  with due as materialized (
    select id, user_id, job_type, job_priority, scheduled_for, created_at
    from public.job_queue
    where id = any(v_job_ids) and status = 'pending' and turn is null and held_by is null
      and scheduled_for <= now()
    order by id
    for update skip locked
  ),
  line as materialized (
    select private.line_up_again(array_agg(user_id order by user_id, job_type, job_priority),
      array_agg(job_type order by user_id, job_type, job_priority),
      array_agg(job_priority order by user_id, job_type, job_priority),
      array_agg(jobs order by user_id, job_type, job_priority)) as turns
    from (
      select user_id, job_type, job_priority, count(*)::int as jobs from due group by user_id, job_type, job_priority
    ) as own
    having count(*) > 0
  ),
  placed as (
    -- As the lines were ordered.
    select id, (select turns from line)[dense_rank() over (order by user_id, job_type, job_priority)] - 1
      + row_number() over (partition by user_id, job_type, job_priority order by scheduled_for, created_at) as turn
    from due
  )
  update public.job_queue as job
  set turn = placed.turn
  from placed
  where job.id = placed.id and job.id = any(v_job_ids);
  get diagnostics v_promoted = row_count;
  return v_promoted;
end;
$$;
comment on function private.promote_due_jobs() is
  'Lines up retries and scheduled jobs whose time has come, a user''s one behind the other, so that the claim never walks over waiting ones; returns how many.';

create function private.put_queue_right()
returns boolean
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  v_did_something boolean := false;
begin
  -- One look, since nearly always there is nothing to do.
  if not (
    exists (select from private.job_lease where check_at <= now())
    or exists (select from private.job_bundle where expires_at <= now())
    or exists (select from private.job_waiting where expires_at <= now())
    or exists (
      select from private.job_waiting
      where turn is null and held_by is null and scheduled_for <= now())
  ) then
    return false;
  end if;
  v_did_something := exists (select from private.recover_lost_jobs());
  v_did_something := exists (select from private.expire_pending_jobs()) or v_did_something;
  return private.promote_due_jobs() > 0 or v_did_something;
end;
$$;
comment on function private.put_queue_right() is
  'Recovers, expires and lines up what is due for it; true when there was any.';

revoke all on function
  private.put_queue_right(),
  private.recover_lost_jobs(),
  private.expire_pending_jobs(),
  private.promote_due_jobs()
from public, anon, authenticated, service_role;
grant execute on function private.recover_lost_jobs(), private.expire_pending_jobs() to service_role;

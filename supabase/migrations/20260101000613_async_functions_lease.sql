-- Holding jobs: the one-by-one start of classic workers, and the heartbeat that extends every lease of a
-- worker in one call and brings back what it has to know.

create function private.start_job(p_job_id uuid, p_worker_id text)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_job_type text;
  v_user_id uuid;
begin
  if coalesce(p_worker_id, '') = '' then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_worker_id'));
  end if;

  select job.job_type, job.user_id into v_job_type, v_user_id
  from public.job_queue as job
  where job.id = p_job_id and job.status = 'pending';
  if not found then
    return false;
  end if;

  if exists (select from private.job_bundle) then
    -- Or it would stay a member of its bundle.
    perform private.unfold_bundles(array(
      select bundle_id from private.job_bundle
      where job_type = v_job_type and p_job_id = any(job_ids)
      for update));
  end if;

  -- A limit is counted by one transaction at a time. Who asks for this one job cannot pass on to another
  -- as a claim does, and waits instead.
  perform pg_advisory_xact_lock(private.job_type_lock(type.name))
  from public.job_type as type
  where type.name = v_job_type
    and coalesce(type.max_concurrency, type.max_per_user, type.rate_limit) is not null;
  if not exists (
    select from private.open_job_types(1, array[v_job_type]) as open_type
    where v_user_id is null or v_user_id <> all(open_type.blocked_users)
  ) then
    return false;
  end if;

  -- Who is starting it this moment is waited for, so that the next statement sees what came of it. Who need not
  -- write the start has its entry alone.
  perform from public.job_queue where id = p_job_id for update;
  perform from private.job_waiting where job_id = p_job_id for update;
  update public.job_queue as job
  set status = 'processing',
    worker_id = p_worker_id,
    fencing_token = job.fencing_token + 1,
    is_classic = true,
    -- A classic worker sends no heartbeat; what it writes extends its lease (update_job_progress()).
    lease_expires_at = now() + greatest(type.lease, interval '5 minutes'),
    started_at = coalesce(job.started_at, now()),
    slice_started_at = now(),
    held_by = null,
    seq = job.seq + 1,
    updated_at = now()
  from public.job_type as type
  where job.id = p_job_id and job.status = 'pending' and type.name = job.job_type
    and coalesce(job.held_by, 'user_cap') = 'user_cap' and job.scheduled_for <= now()
    and (job.expires_at is null or job.expires_at > now())
    -- A deferred start has taken it away, and its row does not say so.
    and exists (select from private.job_waiting as waiting where waiting.job_id = job.id);
  if not found then
    return false;
  end if;

  perform private.charge_rates(array[v_job_type]);
  return true;
end;
$$;
comment on function private.start_job(uuid, text) is
  'Body of start_job(). Lends the right to change the queue.';

create function private.heartbeat(
  p_worker_id text, p_leases jsonb, p_capacity int, p_in_flight int, p_region text
)
returns jsonb
language plpgsql volatile security definer set search_path = ''
-- A few known rows of a large table: the planner, which cannot know, must not scan or hash it.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_answer jsonb;
  v_is_draining boolean;
  -- Tokens of starts that are not written.
  v_unwritten bigint[];
begin
  if coalesce(p_worker_id, '') = '' then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_worker_id'));
  end if;

  insert into public.job_worker as worker (worker_id, capacity, in_flight, region)
  values (p_worker_id, greatest(coalesce(p_capacity, 1), 0), greatest(coalesce(p_in_flight, 0), 0), p_region)
  on conflict (worker_id) do update
    set heartbeat_at = now(), capacity = excluded.capacity, in_flight = excluded.in_flight,
      region = excluded.region
  returning worker.is_draining into v_is_draining;

  -- What lasts is to be seen, and its lease to be extended. But a worker that drains a queue holds hundreds of jobs
  -- that are over already, and whose starts would cost as much again as their ends. 250 ms are a quarter of the
  -- shortest lease there can be, which is less than a heartbeat may leave unextended.
  if exists (select from private.job_lease where worker_id = p_worker_id and started_at is not null) then
    v_unwritten := array(
      select lease_id
      from private.job_lease
      where worker_id = p_worker_id and started_at is not null
        -- What it was handed over it need not have heard of, unless it names it.
        and case
          when is_handed_over
            then p_leases @> jsonb_build_array(jsonb_build_object('fencing_token', 1000000000000 + lease_id))
          else started_at <= now() - interval '250 milliseconds'
        end);
    if v_unwritten <> '{}' then
      perform private.write_or_extend_starts(v_unwritten, p_leases);
    end if;
    v_unwritten := array(
      select 1000000000000 + lease_id
      from private.job_lease
      where worker_id = p_worker_id and started_at is not null);
  end if;

  with lease as (
    select distinct on (job_id) job_id, fencing_token
    from jsonb_to_recordset(coalesce(p_leases, '[]')) as given (job_id uuid, fencing_token bigint)
    -- A worker that was given its own lost job again may name both attempts: the newer one counts.
    order by job_id, fencing_token desc nulls last
  ),
  fresh as (
    -- A row that is being settled this moment is left alone, and so is a lease that is still young:
    -- a heartbeat every few seconds need not write every row every time.
    select job.id, type.lease
    from lease
    join public.job_queue as job on job.id = lease.job_id
    join public.job_type as type on type.name = job.job_type
    where job.fencing_token = lease.fencing_token
      -- Null, and so false, for a job that does not run.
      and job.lease_expires_at < now() + type.lease * 0.75
    order by job.id
    for update of job skip locked
  ),
  extended as (
    update public.job_queue as job
    set lease_expires_at = now() + fresh.lease
    from fresh
    where job.id = fresh.id
  ),
  state as (
    select lease.job_id, case
      when job.status = 'processing' and job.fencing_token = lease.fencing_token then 'held'
      when job.status = 'pending' and job.fencing_token = 0 and lease.fencing_token = any(v_unwritten) then 'held'
      when job.status = 'cancelled' then 'cancelled'
      else 'lost'
    end as state
    from lease left join public.job_queue as job on job.id = lease.job_id
  )
  select jsonb_build_object(
    'held', coalesce(jsonb_agg(job_id) filter (where state = 'held'), '[]'),
    'cancelled', coalesce(jsonb_agg(job_id) filter (where state = 'cancelled'), '[]'),
    'lost', coalesce(jsonb_agg(job_id) filter (where state = 'lost'), '[]'),
    'drain', v_is_draining or (select is_draining from private.job_setting)
  ) into v_answer
  from state;
  -- Asked for by a worker that runs nothing: see async_last_chance.sql.
  if exists (select from private.job_waiting where held_by = 'crash') then
    v_answer := v_answer || jsonb_strip_nulls(jsonb_build_object('crashed_ms', private.crashed_ms()));
  end if;

  -- Full, and more could run: one more worker is called at a time, up to the maximum.
  if p_in_flight >= p_capacity and p_capacity > 0
    and (select live < max_workers and idle = 0 from private.live_workers(), private.job_setting)
    and private.oldest_due_at() is not null
  then
    perform private.ring_doorbell();
  end if;
  return v_answer;
end;
$$;
comment on function private.heartbeat(text, jsonb, int, int, text) is
  'Body of heartbeat(). Lends the right to extend leases, to keep the list of workers and to call one more.';

create function private.unregister_worker(p_worker_id text)
returns void
language sql volatile security definer set search_path = ''
as $$
  delete from public.job_worker where worker_id = p_worker_id;
$$;
comment on function private.unregister_worker(text) is
  'Body of unregister_worker(). Lends the right to keep the list of workers.';

revoke all on function
  private.start_job(uuid, text),
  private.heartbeat(text, jsonb, int, int, text),
  private.unregister_worker(text)
from public, anon, authenticated, service_role;
grant execute on function
  private.start_job(uuid, text),
  private.heartbeat(text, jsonb, int, int, text),
  private.unregister_worker(text)
to service_role;

create function public.start_job(p_job_id uuid, p_worker_id text)
returns boolean
language plpgsql volatile set search_path = ''
as $$
begin
  return private.start_job(p_job_id, p_worker_id);
end;
$$;
comment on function public.start_job(uuid, text) is
  'Service only. Takes one pending job; false when it is not there to be taken, or its type or user may not start one now.';

create function public.heartbeat(
  p_worker_id text, p_leases jsonb, p_capacity int, p_in_flight int, p_region text default null
)
returns jsonb
language plpgsql volatile set search_path = ''
as $$
begin
  return private.heartbeat(p_worker_id, p_leases, p_capacity, p_in_flight, p_region);
end;
$$;
comment on function public.heartbeat(text, jsonb, int, int, text) is
  'Service only. Extends the given leases; returns {held, cancelled, lost: [job ids], drain}, and crashed_ms while jobs that have crashed wait for a worker that runs nothing else.';

create function public.unregister_worker(p_worker_id text)
returns void
language sql volatile set search_path = ''
as $$
  select private.unregister_worker(p_worker_id);
$$;
comment on function public.unregister_worker(text) is 'Service only. A worker that stops says so.';

revoke all on function
  public.start_job(uuid, text),
  public.heartbeat(text, jsonb, int, int, text),
  public.unregister_worker(text)
from public, anon, authenticated, service_role;
grant execute on function
  public.start_job(uuid, text),
  public.heartbeat(text, jsonb, int, int, text),
  public.unregister_worker(text)
to service_role;

-- A worker that sleeps need not be woken to look for the one job that has just been created: whoever creates
-- it hands it over. The job is then started in the transaction that creates it, as a deferred start (see
-- async_deferred_starts.sql): a lease in place of an entry of job_waiting. What the worker has to know of it
-- travels in the NOTIFY that would have woken it, so that nothing lies between the commit and the handler.
--
-- One job per sleep, so that a worker which has died unnoticed costs one job the ten seconds of this lease, and
-- not all that come until it is missed. What a worker is handed and does not hear comes with its next sleep.

create function private.hand_over_job(
  p_job_type text, p_params jsonb, p_key text, p_priority int, p_requested_after timestamptz
)
returns uuid
language plpgsql volatile set search_path = ''
-- Planned on a young table, it would read all that wait ever after.
set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
declare
  -- Whoever comes behind need not ask, until a worker sleeps again: this job is handed over, or calls it.
  v_clock constant bigint := setval('private.sleep_clock', 0);
  -- As in private.add_job().
  v_job_id constant uuid := ('0' || to_hex((date_part('epoch', clock_timestamp()) * 1000)::bigint)
    || '7' || right(gen_random_uuid()::text, 21))::uuid;
  -- Not the time of the transaction, which may be older than the worker's sleep.
  v_now constant timestamptz := clock_timestamp();
  v_params constant text := p_params::text;
  v record;
  v_said text;
begin
  -- A notification holds 8 000 bytes.
  if octet_length(v_params) > 7000 then
    return null;
  end if;

  -- Before the limits of the type are read, as a claim does: see tg_job_type__count_running().
  lock table private.job_lease in row exclusive mode;
  -- A query of its own, since the planner may ask a subquery of the update again for every row.
  with found as materialized (
    select asleep.sleeper_id, type.max_retries, type.expires_after, type.lease, cursor.job_priority
    from private.job_sleeper as asleep
    join public.job_worker as worker on worker.worker_id = asleep.worker_id
    join public.job_type as type on type.name = p_job_type
    join private.job_cursor as cursor
      on cursor.job_type = p_job_type and cursor.job_priority = coalesce(p_priority, type.default_priority)
    cross join private.job_setting as setting
    where asleep.lease_id is null and asleep.hears_until > v_now and p_job_type = any(asleep.job_types)
      and worker.heartbeat_at > v_now - interval '6 seconds' and worker.in_flight < worker.capacity
      and not worker.is_draining and not setting.is_draining
      and not type.is_paused and coalesce(type.max_concurrency, type.max_per_user, type.rate_limit) is null
      -- The lease of a hand-over must not be longer than the one that it stands for.
      and type.lease >= interval '10 seconds'
      -- Nobody is overtaken.
      and not exists (
        select from private.job_waiting as waiting
        where waiting.job_type = p_job_type and waiting.job_priority = cursor.job_priority
          and waiting.turn is not null and (waiting.turn, waiting.place) >= (cursor.turn, cursor.place))
      and not exists (
        select from private.job_bundle as bundle
        where bundle.job_type = p_job_type and bundle.job_priority = cursor.job_priority)
    limit 1
    -- Whoever hands it a job at this moment may stay open for long, and is not waited for.
    for update of asleep skip locked
  )
  update private.job_sleeper as sleeper
  set lease_id = nextval('private.job_lease_lease_id_seq')
  from found
  where sleeper.sleeper_id = found.sleeper_id
  returning sleeper.worker_id, sleeper.channel, sleeper.asleep_at, sleeper.lease_id, found.max_retries,
    found.expires_after, found.lease, found.job_priority
  into v;
  if not found then
    return null;
  end if;

  insert into private.job_lease (lease_id, job_type, worker_id, check_at, job_ids, started_at, unsettled, is_handed_over)
  overriding system value
  values (v.lease_id, p_job_type, v.worker_id, v_now + interval '10 seconds', array[v_job_id], v_now, 1, true)
  returning pg_notify(v.channel, format(
    '{"id": "%s", "job_type": "%s", "params": %s, "fencing_token": %s, "lease_ms": %s, "held_ms": 10000, "asleep_at": %s}',
    v_job_id, p_job_type, v_params, 1000000000000 + v.lease_id, date_part('epoch', v.lease) * 1000, v.asleep_at))::text
  into v_said;
  v_said := set_config('job_engine.insert', 'listed', true);
  insert into public.job_queue (
    id, job_type, job_priority, params, max_retries, requested_at, scheduled_for, expires_at, dedupe_key,
    -- It takes nobody's.
    turn
  ) values (
    v_job_id, p_job_type, v.job_priority, p_params, v.max_retries, greatest(v_now, p_requested_after), now(),
    now() + v.expires_after, p_key, 0
  );
  v_said := set_config('job_engine.insert', '', true);
  insert into private.job_count_change (job_type, status, change) values (p_job_type, 'pending', 1);
  return v_job_id;
end;
$$;
comment on function private.hand_over_job(text, jsonb, text, int, timestamptz) is
  'Creates a job of the system, to be started now, that a worker which sleeps is handed; null, and nothing done, when there is none or the job has to line up.';

create function private.unheard_jobs(p_lease_ids bigint[], p_asleep_at bigint)
returns jsonb
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
begin
  return (
    select jsonb_agg(jsonb_build_object('id', job.id, 'job_type', job.job_type, 'params', job.params,
      'fencing_token', 1000000000000 + lease.lease_id, 'lease_ms', date_part('epoch', type.lease) * 1000,
      'held_ms', date_part('epoch', lease.check_at - clock_timestamp()) * 1000, 'asleep_at', p_asleep_at))
    from private.job_lease as lease
    join public.job_queue as job on job.id = lease.job_ids[1]
    join public.job_type as type on type.name = job.job_type
    where lease.lease_id = any(p_lease_ids) and lease.is_handed_over and lease.check_at > clock_timestamp()
      -- A heartbeat may have written the start.
      and ((job.status = 'pending' and job.fencing_token = 0)
        or (job.status = 'processing' and job.fencing_token = 1000000000000 + lease.lease_id)));
end;
$$;
comment on function private.unheard_jobs(bigint[], bigint) is
  'As they are notified of, jobs that were handed over by these leases and have not ended. held_ms: the rest of the lease, which the first heartbeat extends.';

create function private.go_to_sleep(p_worker_id text, p_channel text, p_job_types text[], p_asleep_at bigint)
returns jsonb
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_lease_id bigint;
  v_clock bigint;
begin
  -- A row that is used again and again: first of all one by which it was handed a job. Whoever is just handing it
  -- one may stay open for long, and is not waited for. A query of its own, as in hand_over_job().
  with before as materialized (
    select sleeper_id, lease_id
    from private.job_sleeper
    where worker_id = p_worker_id
    order by lease_id
    limit 1
    for update skip locked
  )
  update private.job_sleeper as sleeper
  set channel = p_channel, job_types = p_job_types, asleep_at = p_asleep_at, lease_id = null,
    hears_until = clock_timestamp() + interval '4 seconds'
  from before
  where sleeper.sleeper_id = before.sleeper_id
  returning before.lease_id into v_lease_id;
  if not found then
    insert into private.job_sleeper (worker_id, channel, job_types, asleep_at, hears_until)
    values (p_worker_id, p_channel, p_job_types, p_asleep_at, clock_timestamp() + interval '4 seconds');
  end if;
  v_clock := setval('private.sleep_clock', (date_part('epoch', clock_timestamp()) * 1000)::bigint + 4000);
  if v_lease_id is null then
    return null;
  end if;
  return private.unheard_jobs(array[v_lease_id], p_asleep_at);
end;
$$;
comment on function private.go_to_sleep(text, text, text[], bigint) is
  'A worker that listens says that it has nothing to do and may be handed a job of these types. Returns, as one is notified of it, a job it was handed before that has not ended. Lends the right to keep the list of workers and to read their jobs.';

create function private.wake_up(p_worker_id text, p_asleep_at bigint)
returns jsonb
language plpgsql volatile security definer set search_path = ''
-- For whoever hands it a job at this moment.
set lock_timeout = '200ms'
as $$
declare
  v_lease_ids bigint[];
begin
  with awake as (
    delete from private.job_sleeper where worker_id = p_worker_id returning lease_id
  )
  select array_agg(lease_id) filter (where lease_id is not null) into v_lease_ids from awake;
  return private.unheard_jobs(v_lease_ids, p_asleep_at);
exception when lock_not_available then
  -- A transaction that stays open. What it has handed over is recovered should it ever commit.
  return null;
end;
$$;
comment on function private.wake_up(text, bigint) is
  'From now on this worker is handed nothing; returns what it was, and has not ended, as go_to_sleep(). Lends the right to keep the list of workers and to read their jobs.';

revoke all on function
  private.hand_over_job(text, jsonb, text, int, timestamptz),
  private.unheard_jobs(bigint[], bigint),
  private.go_to_sleep(text, text, text[], bigint),
  private.wake_up(text, bigint)
from public, anon, authenticated, service_role;
grant execute on function private.go_to_sleep(text, text, text[], bigint), private.wake_up(text, bigint) to service_role;

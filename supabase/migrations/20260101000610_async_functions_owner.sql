-- What owners do with jobs: create, find or create, cancel. The public functions are thin; who is acting
-- is decided once, in private.acting_user(). Other modules enqueue through
--
--   private.find_or_create_job(p_user_id uuid, p_job_type text, p_params jsonb,
--     p_dedupe_window interval default null, p_priority int default null,
--     p_scheduled_for timestamptz default null, p_asks_for jsonb default null,
--     p_supersede boolean default false)
--   returns one row (job_id uuid, status text, outcome text, created_at timestamptz)
--
-- which does not ask whether users may create the type: the caller has checked what it enqueues.

create function private.acting_user(p_user_id uuid)
returns uuid
language plpgsql stable set search_path = ''
as $$
declare
  -- The role that was SET survives a definer body; without one, the login role is who is calling.
  v_role constant text := coalesce(nullif(current_setting('role', true), 'none'), session_user);
  v_user_id uuid;
begin
  if v_role in ('service_role', 'postgres', 'supabase_admin') then
    return p_user_id;
  end if;

  v_user_id := auth.uid();
  if v_user_id is null or v_role <> 'authenticated' then
    perform private.raise_error('UNAUTHENTICATED');
  end if;
  return v_user_id;
end;
$$;
comment on function private.acting_user(uuid) is
  'The owner a call acts for: auth.uid() for users, whatever they pass; the named user for the service.';
revoke all on function private.acting_user(uuid) from public, anon, authenticated, service_role;

create type private.requested_job as (job_id uuid, status text, outcome text, created_at timestamptz);
comment on type private.requested_job is 'What a request for a job is answered with: created, joined or reused.';

create function private.request_job(
  p_user_id uuid, p_job_type text, p_params jsonb, p_dedupe_window interval, p_priority int,
  p_scheduled_for timestamptz, p_asks_for jsonb, p_supersede boolean, p_is_user boolean
)
returns private.requested_job
language plpgsql volatile set search_path = ''
as $$
declare
  v_params constant jsonb := coalesce(p_params, '{}');
  -- As private.job_dedupe_key(), written out: a call costs as much again.
  v_key constant text := left(encode(sha256(convert_to(
    p_job_type || ' ' || coalesce(p_asks_for, v_params)::text, 'UTF8')), 'hex'), 32);
  v_equal record;
  v_after timestamptz;
  v_epoch bigint;
  v_place private.job_place;
  v_said text;
  v_made private.requested_job;
begin
  -- Conditions and not calls: each of those costs more than what it asks.
  if jsonb_typeof(v_params) <> 'object' or p_priority not between 1 and 10 or pg_column_size(v_params) > 16384
    or current_setting('transaction_isolation') <> 'read committed'
  then
    perform private.check_job_request(v_params, p_priority), private.check_isolation();
  end if;

  if p_dedupe_window is null or p_dedupe_window > interval '0' or p_supersede then
    v_equal := private.join_equal_job(p_user_id, p_job_type, v_key, p_dedupe_window, p_supersede);
    if v_equal.outcome is not null then
      return row(v_equal.job_id, v_equal.status, v_equal.outcome, v_equal.created_at)::private.requested_job;
    end if;
    v_after := v_equal.requested_at;
  end if;

  -- All that is to be known in one look, since an enqueue is paid for by the statement.
  if p_user_id is null then
    v_epoch := private.enter_line();
    select type.name, type.max_retries, type.expires_after, type.quota_type, type.is_paused, lane.job_priority,
      -- As private.line_up(): one behind the other, however many wait.
      case
        when p_scheduled_for > now() then null
        else nextval(('private.job_lane_system_' || lane.job_priority)::regclass)
      end,
      lane.virtual_time + 1
    into v_place
    from public.job_type as type
    join private.job_lane as lane on lane.job_priority = coalesce(p_priority, type.default_priority)
    where type.name = p_job_type;
    if v_place.turn < v_place.first_turn then
      v_place.turn := setval(('private.job_lane_system_' || v_place.job_priority)::regclass, v_place.first_turn);
    end if;
  else
    if not pg_try_advisory_xact_lock(hashtextextended('job_queue:' || p_user_id, 0)) then
      perform private.lock_requests(p_user_id, p_job_type, v_key);
    end if;
    v_epoch := private.enter_line();
    v_place := private.find_place(p_user_id, p_job_type, p_priority, p_scheduled_for, p_is_user);
  end if;
  if v_place.job_type is null then
    perform private.refuse_job_type(p_job_type);
  end if;

  -- What the trigger does for others is done here, where all is known; owners hear of it from the trigger.
  v_said := set_config('job_engine.insert', case when p_user_id is null then 'listed' else 'listed, of users' end, true);
  insert into public.job_queue as job (
    user_id, job_type, job_priority, params, max_retries, requested_at, scheduled_for, expires_at, dedupe_key, turn
  ) values (
    p_user_id, p_job_type, v_place.job_priority, v_params, v_place.max_retries,
    greatest(clock_timestamp(), v_after + interval '1 microsecond'), greatest(p_scheduled_for, now()),
    greatest(p_scheduled_for, now()) + v_place.expires_after, v_key, v_place.turn
  )
  returning job.id, 'pending', 'created', job.created_at into v_made;
  v_said := set_config('job_engine.insert', '', true);
  insert into private.job_count_change (job_type, status, change) values (p_job_type, 'pending', 1);
  if p_user_id is not null then
    insert into private.job_active (user_id, job_id) values (p_user_id, v_made.job_id);
    if v_place.quota_type is not null then
      perform private.charge_job_quotas(array[v_made.job_id], array[p_user_id], array[v_place.quota_type]);
    end if;
  end if;
  insert into private.job_waiting (job_id, user_id, job_type, job_priority, turn, scheduled_for, expires_at)
  values (v_made.job_id, p_user_id, p_job_type, v_place.job_priority, v_place.turn, greatest(p_scheduled_for, now()),
    greatest(p_scheduled_for, now()) + v_place.expires_after)
  returning case
    -- What waits for its time, or for the end of a pause, rings no bell.
    when v_place.turn is null or v_place.is_paused then null
    -- A worker sleeps; or none may be there, and one is started.
    when exists (
      select from public.job_worker
      where heartbeat_at > clock_timestamp() - interval '6 seconds' and in_flight < capacity and not is_draining)
      then pg_notify('job_ready', '')::text
    when date_part('epoch', clock_timestamp()) * 1000 - pg_sequence_last_value('private.doorbell_clock') < 1000 then null
    else private.ring_doorbell()
  end into v_said;
  return v_made;
end;
$$;
comment on function private.request_job(uuid, text, jsonb, interval, int, timestamptz, jsonb, boolean, boolean) is
  'Body of find_or_create_job(), for everybody; p_is_user: asked for by a user, who may not create every type.';

create function private.find_or_create_job(
  p_user_id uuid,
  p_job_type text,
  p_params jsonb,
  p_dedupe_window interval default null,
  p_priority int default null,
  p_scheduled_for timestamptz default null,
  p_asks_for jsonb default null,
  p_supersede boolean default false
)
returns private.requested_job
language plpgsql volatile set search_path = ''
as $$
begin
  return private.request_job(
    p_user_id, p_job_type, p_params, p_dedupe_window, p_priority, p_scheduled_for, p_asks_for, p_supersede, false);
end;
$$;
comment on function private.find_or_create_job(uuid, text, jsonb, interval, int, timestamptz, jsonb, boolean) is
  'Joins an active equal job, reuses a fresh result, or creates; for callers that checked the request. Jobs are equal when p_asks_for is (default: the params). p_supersede: creates, and cancels the equal active job.';

create function private.find_or_create_job_as_caller(
  p_user_id uuid, p_job_type text, p_params jsonb, p_priority int, p_dedupe_window interval,
  p_scheduled_for timestamptz default null, p_key text default null, p_supersede boolean default false
)
returns private.requested_job
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if length(p_key) not between 1 and 200 or p_scheduled_for > now() + interval '1 year' then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field',
      case when length(p_key) not between 1 and 200 then 'p_key' else 'p_scheduled_for' end));
  end if;
  return private.request_job(
    private.acting_user(p_user_id), p_job_type, p_params, p_dedupe_window, p_priority, p_scheduled_for,
    -- A string, which params never are: no request by key equals one by params.
    to_jsonb(p_key), coalesce(p_supersede, false), current_setting('role', true) = 'authenticated');
end;
$$;
comment on function private.find_or_create_job_as_caller(uuid, text, jsonb, int, interval, timestamptz, text, boolean) is
  'Body of create_job() and find_or_create_job(). Lends the right to read types and write the queue.';

revoke all on function
  private.request_job(uuid, text, jsonb, interval, int, timestamptz, jsonb, boolean, boolean),
  private.find_or_create_job(uuid, text, jsonb, interval, int, timestamptz, jsonb, boolean),
  private.find_or_create_job_as_caller(uuid, text, jsonb, int, interval, timestamptz, text, boolean)
from public, anon, authenticated, service_role;
grant execute on function
  private.find_or_create_job_as_caller(uuid, text, jsonb, int, interval, timestamptz, text, boolean)
to authenticated, service_role;

create function public.create_job(
  p_user_id uuid, p_job_type text, p_params jsonb default '{}', p_priority int default null,
  p_scheduled_for timestamptz default null
)
returns uuid
language plpgsql volatile set search_path = ''
as $$
begin
  -- A window of nothing joins nothing: every call is a job of its own.
  return (private.find_or_create_job_as_caller(
    p_user_id, p_job_type, p_params, p_priority, interval '0', p_scheduled_for)).job_id;
end;
$$;
comment on function public.create_job(uuid, text, jsonb, int, timestamptz) is
  'Creates a job of the caller (the service may name a user; null = a system job) and returns its id.';

create function public.find_or_create_job(
  p_user_id uuid, p_job_type text, p_params jsonb default '{}', p_dedupe_window interval default null,
  p_key text default null, p_supersede boolean default false
)
returns table (job_id uuid, status text, outcome text, created_at timestamptz)
language plpgsql volatile set search_path = ''
as $$
declare
  v_made constant private.requested_job := private.find_or_create_job_as_caller(
    p_user_id, p_job_type, p_params, null, p_dedupe_window, null, p_key, p_supersede);
begin
  job_id := v_made.job_id;
  status := v_made.status;
  outcome := v_made.outcome;
  created_at := v_made.created_at;
  return next;
end;
$$;
comment on function public.find_or_create_job(uuid, text, jsonb, interval, text, boolean) is
  'Returns the caller''s equal active job (joined), its fresh result (reused), or a new job (created). Equal: same type and p_key, else type and params. p_supersede: the new job takes the place of the active one.';

revoke all on function
  public.create_job(uuid, text, jsonb, int, timestamptz),
  public.find_or_create_job(uuid, text, jsonb, interval, text, boolean)
from public, anon, authenticated, service_role;
grant execute on function
  public.create_job(uuid, text, jsonb, int, timestamptz),
  public.find_or_create_job(uuid, text, jsonb, interval, text, boolean)
to authenticated, service_role;

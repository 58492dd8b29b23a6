-- What owners do with jobs: create, find or create, cancel. The public functions are thin; who is acting
-- is decided once, in private.acting_user(). Other modules enqueue through
--
--   private.find_or_create_job(p_user_id uuid, p_job_type text, p_params jsonb,
--     p_dedupe_window interval default null, p_priority int default null,
--     p_scheduled_for timestamptz default null, p_asks_for jsonb default null,
--     p_supersede boolean default false)
--   returns one row (job_id uuid, status text, outcome text, created_at timestamptz)
-- which does not ask whether users may create the type: the caller has checked what it enqueues.

create type private.requested_job as (job_id uuid, status text, outcome text, created_at timestamptz);
comment on type private.requested_job is 'What a request for a job is answered with: created, joined or reused.';

-- What follows is paid for by every single enqueue, where it is not rows that cost, but what PostgreSQL prepares
-- anew in each call: a statement, an expression, a function in one of these (whose right to be called is looked
-- up every time), a call of our own. So: one look for all there is to know, plain inserts, and what is rare
-- behind a condition on what is known already. DATABASE_OPTIMIZATION.md says what each of these costs.
create function private.add_job(
  p_user_id uuid, p_job_type text, p_params jsonb, p_key text, p_priority int, p_scheduled_for timestamptz,
  p_requested_after timestamptz, p_is_user boolean
)
returns uuid
language plpgsql volatile set search_path = ''
as $$
declare
  v_now_ms bigint;
  v_job_id uuid;
  v_epoch bigint;
  v_place private.job_place;
  v_said text;
begin
  if p_user_id is not null then
    v_place := private.find_place(p_user_id, p_job_type, p_priority, p_scheduled_for, p_is_user);
    -- It may have waited for another request of this user.
    v_now_ms := (date_part('epoch', clock_timestamp()) * 1000)::bigint;
  else
    v_now_ms := (date_part('epoch', clock_timestamp()) * 1000)::bigint;
    -- Does a worker sleep that can be handed the job?
    if pg_sequence_last_value('private.sleep_clock') > v_now_ms then
      if (p_scheduled_for > now()) is not true then
        v_job_id := private.hand_over_job(p_job_type, p_params, p_key, p_priority, p_requested_after);
      end if;
      if v_job_id is not null then
        return v_job_id;
      end if;
    end if;
    -- As private.enter_line().
    loop
      v_epoch := pg_sequence_last_value('private.job_epoch');
      exit when pg_try_advisory_xact_lock_shared(hashtextextended('job_epoch', v_epoch))
        and pg_sequence_last_value('private.job_epoch') = v_epoch;
    end loop;
    select type.max_retries, greatest(p_scheduled_for, current_timestamp),
      greatest(p_scheduled_for, current_timestamp) + type.expires_after, null, lane.job_priority,
      -- As private.line_up(): one behind the other, however many wait.
      case
        when p_scheduled_for > current_timestamp then null
        when nextval(lane.system_turns) > lane.virtual_time then currval(lane.system_turns)
        else setval(lane.system_turns, lane.virtual_time + 1)
      end,
      type.is_paused
    into v_place
    from public.job_type as type
    -- One type and one lane, fenced off, since a hash is three nodes more.
    cross join lateral (
      select job_priority, virtual_time, system_turns
      from private.job_lane where job_priority = coalesce(p_priority, type.default_priority) offset 0
    ) as lane
    where type.name = p_job_type;
  end if;
  if v_place.job_priority is null then
    perform private.refuse_job_type(p_job_type);
  end if;

  -- As private.time_ordered_id(), in fewer functions: the time, the version, what is random behind that.
  v_job_id := ('0' || to_hex(v_now_ms) || '7' || right(gen_random_uuid()::text, 21))::uuid;
  -- What the trigger does for others is done here, where all is known; owners hear of it from the trigger.
  v_said := set_config('job_engine.insert', case when p_user_id is null then 'listed' else 'listed, of users' end, true);
  insert into public.job_queue (
    id, user_id, job_type, job_priority, params, max_retries, requested_at, scheduled_for, expires_at, dedupe_key, turn
  ) values (
    v_job_id, p_user_id, p_job_type, v_place.job_priority, p_params, v_place.max_retries,
    greatest(clock_timestamp(), p_requested_after), v_place.scheduled_for, v_place.expires_at, p_key, v_place.turn
  );
  v_said := set_config('job_engine.insert', '', true);
  insert into private.job_count_change (job_type, status, change) values (p_job_type, 'pending', 1);
  insert into private.job_waiting (job_id, user_id, job_type, job_priority, is_counted, turn, scheduled_for, expires_at)
  values (v_job_id, p_user_id, p_job_type, v_place.job_priority, p_user_id is not null, v_place.turn,
    v_place.scheduled_for, v_place.expires_at);
  if v_place.quota_type is not null then
    perform private.charge_job_quotas(array[v_job_id], array[p_user_id], array[v_place.quota_type]);
  end if;

  -- What waits for its time, or for the end of a pause, rings no bell.
  if v_place.turn is not null and not v_place.is_paused
    and (pg_sequence_last_value('private.doorbell_hush') > v_now_ms) is not true
  then
    perform private.ring_doorbell();
  end if;
  return v_job_id;
end;
$$;
comment on function private.add_job(uuid, text, jsonb, text, int, timestamptz, timestamptz, boolean) is
  'Creates a job, and lists, counts and announces it; for callers that have checked the request. p_requested_after: it counts as asked for no earlier than this; p_is_user: asked for by a user, who may not create every type.';

create function private.request_job(
  p_user_id uuid, p_job_type text, p_params jsonb, p_dedupe_window interval, p_priority int,
  p_scheduled_for timestamptz, p_asks_for jsonb, p_supersede boolean, p_is_user boolean
)
returns private.requested_job
language plpgsql volatile set search_path = ''
as $$
declare
  v_params constant jsonb := coalesce(p_params, '{}');
  v_text constant text := v_params::text;
  -- As private.job_dedupe_key(), written out: a call costs as much again.
  v_key constant text := left(encode(sha256(convert_to(
    p_job_type || ' ' || coalesce(p_asks_for::text, v_text), 'UTF8')), 'hex'), 32);
  v_equal record;
  v_requested_after timestamptz;
begin
  -- Conditions and not calls: each of those costs more than what it asks.
  if jsonb_typeof(v_params) <> 'object' or p_priority not between 1 and 10 or octet_length(v_text) > 65536
    or current_setting('transaction_isolation') <> 'read committed'
  then
    perform private.check_job_request(v_params, p_priority), private.check_isolation();
  end if;

  if p_dedupe_window is null or p_dedupe_window > interval '0' or p_supersede then
    v_equal := private.join_equal_job(p_user_id, p_job_type, v_key, p_dedupe_window, p_supersede, p_scheduled_for);
    if v_equal.outcome is not null then
      return row(v_equal.job_id, v_equal.status, v_equal.outcome, v_equal.created_at)::private.requested_job;
    end if;
    v_requested_after := v_equal.requested_at + interval '1 microsecond';
  end if;
  return row(
    private.add_job(
      p_user_id, p_job_type, v_params, v_key, p_priority, p_scheduled_for, v_requested_after, p_is_user),
    'pending', 'created', now())::private.requested_job;
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
  p_user_id uuid, p_job_type text, p_params jsonb, p_dedupe_window interval, p_key text, p_supersede boolean
)
returns private.requested_job
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if length(p_key) not between 1 and 200 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_key'));
  end if;
  return private.request_job(
    private.counted_user(p_user_id, 'create_job'), p_job_type, p_params, p_dedupe_window, null, null,
    -- A string, which params never are: no request by key equals one by params.
    to_jsonb(p_key), coalesce(p_supersede, false), current_setting('role', true) = 'authenticated');
end;
$$;
comment on function private.find_or_create_job_as_caller(uuid, text, jsonb, interval, text, boolean) is
  'Body of find_or_create_job(). Lends the right to read types and write the queue.';

create function private.create_job_as_caller(
  p_user_id uuid, p_job_type text, p_params jsonb, p_priority int, p_scheduled_for timestamptz
)
returns uuid
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_text constant text := coalesce(p_params, '{}')::text;
begin
  -- As private.request_job(); what is rarely said, behind a question that calls nothing.
  if jsonb_typeof(p_params) <> 'object' or octet_length(v_text) > 65536
    or current_setting('transaction_isolation') <> 'read committed'
  then
    perform private.check_job_request(p_params, p_priority), private.check_isolation();
  end if;
  if p_priority is not null or p_scheduled_for is not null then
    if p_priority not between 1 and 10 then
      perform private.check_job_request(p_params, p_priority);
    elsif p_scheduled_for > now() + interval '1 year' then
      perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_scheduled_for'));
    end if;
  end if;
  -- It looks for no equal: of equal jobs the newest is the one that others join. Nor does the service, which may
  -- name whom it acts for, ask who it is: as private.counted_user(), for everybody else.
  if coalesce(nullif(current_setting('role', true), 'none'), session_user) in ('service_role', 'postgres') then
    return private.add_job(p_user_id, p_job_type, coalesce(p_params, '{}'),
      left(encode(sha256(convert_to(p_job_type || ' ' || v_text, 'UTF8')), 'hex'), 32),
      p_priority, p_scheduled_for, null, false);
  end if;
  return private.add_job(private.counted_user(p_user_id, 'create_job'), p_job_type, coalesce(p_params, '{}'),
    left(encode(sha256(convert_to(p_job_type || ' ' || v_text, 'UTF8')), 'hex'), 32),
    p_priority, p_scheduled_for, null, current_setting('role', true) = 'authenticated');
end;
$$;
comment on function private.create_job_as_caller(uuid, text, jsonb, int, timestamptz) is
  'Body of create_job(). Lends the right to read types and write the queue.';

revoke all on function
  private.add_job(uuid, text, jsonb, text, int, timestamptz, timestamptz, boolean),
  private.request_job(uuid, text, jsonb, interval, int, timestamptz, jsonb, boolean, boolean),
  private.find_or_create_job(uuid, text, jsonb, interval, int, timestamptz, jsonb, boolean),
  private.find_or_create_job_as_caller(uuid, text, jsonb, interval, text, boolean),
  private.create_job_as_caller(uuid, text, jsonb, int, timestamptz)
from public, anon, authenticated, service_role;
grant execute on function
  private.find_or_create_job_as_caller(uuid, text, jsonb, interval, text, boolean),
  private.create_job_as_caller(uuid, text, jsonb, int, timestamptz)
to authenticated, service_role;

create function public.create_job(
  p_user_id uuid, p_job_type text, p_params jsonb default '{}', p_priority int default null,
  p_scheduled_for timestamptz default null
)
returns uuid
language plpgsql volatile set search_path = ''
as $$
begin
  return private.create_job_as_caller(p_user_id, p_job_type, p_params, p_priority, p_scheduled_for);
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
    p_user_id, p_job_type, p_params, p_dedupe_window, p_key, p_supersede);
begin
  job_id := v_made.job_id;
  status := v_made.status;
  outcome := v_made.outcome;
  created_at := v_made.created_at;
  return next;
end;
$$;
comment on function public.find_or_create_job(uuid, text, jsonb, interval, text, boolean) is
  'Returns the caller''s equal active job (joined; one that was only scheduled begins now), its fresh result (reused), or a new job (created). Equal: same type and p_key, else type and params. p_supersede: the new job takes the place of the active one.';

revoke all on function
  public.create_job(uuid, text, jsonb, int, timestamptz),
  public.find_or_create_job(uuid, text, jsonb, interval, text, boolean)
from public, anon, authenticated, service_role;
grant execute on function
  public.create_job(uuid, text, jsonb, int, timestamptz),
  public.find_or_create_job(uuid, text, jsonb, interval, text, boolean)
to authenticated, service_role;

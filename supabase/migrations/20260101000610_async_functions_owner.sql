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

-- Looks, and creates only what it did not find. What makes that race-free is a lock under which one
-- request at a time looks and inserts: of one user, so that the limit is counted right, too; of system
-- jobs, which have no limit, for one thing. The look comes after the lock in a statement of its own, so
-- that it sees what was committed meanwhile, and a winner that rolled back leaves the way free.
create function private.find_or_create_job(
  p_user_id uuid,
  p_job_type text,
  p_params jsonb,
  p_dedupe_window interval default null,
  p_priority int default null,
  p_scheduled_for timestamptz default null,
  p_asks_for jsonb default null,
  p_supersede boolean default false,
  out job_id uuid,
  out status text,
  out outcome text,
  out created_at timestamptz
)
language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_column
declare
  v_type public.job_type;
  v_params constant jsonb := coalesce(p_params, '{}');
  v_key text;
  v_window interval;
  v_priority smallint;
  v_scheduled_for constant timestamptz := greatest(p_scheduled_for, now());
  v_may_join boolean;
  v_equal record;
  v_is_active boolean;
begin
  select * into v_type from public.job_type where name = p_job_type;
  if not found then
    perform private.raise_error('UNKNOWN_JOB_TYPE', jsonb_build_object('job_type', p_job_type));
  end if;
  -- Conditions and not calls: each of those costs more than what it asks.
  if jsonb_typeof(v_params) <> 'object' or p_priority not between 1 and 10 or pg_column_size(v_params) > 16384 then
    perform private.check_job_request(v_params, p_priority);
  end if;
  if current_setting('transaction_isolation') <> 'read committed' then
    perform private.check_isolation();
  end if;

  v_key := private.job_dedupe_key(p_job_type, coalesce(p_asks_for, v_params));
  v_window := coalesce(p_dedupe_window, v_type.dedupe_window);
  v_priority := coalesce(p_priority, v_type.default_priority);
  v_may_join := v_window > interval '0' and not p_supersede;

  -- Whoever only wants to know of a job that is there waits for nobody.
  for is_locked in 0..1 loop
    if is_locked = 0 then
      continue when not v_may_join;
    -- As private.lock_requests(), which is called only when there is somebody to wait for.
    elsif p_user_id is not null then
      if not pg_try_advisory_xact_lock(hashtextextended('job_queue:' || p_user_id, 0)) then
        perform private.lock_requests(p_user_id, p_job_type, v_key);
      end if;
    elsif not pg_try_advisory_xact_lock_shared(hashtextextended('job_queue:' || p_job_type, 0))
      or not pg_try_advisory_xact_lock(hashtextextended('job_queue:' || v_key, 0))
    then
      perform private.lock_requests(p_user_id, p_job_type, v_key);
    end if;

    select * into v_equal from private.find_newest_job(p_user_id, v_key);
    v_is_active := v_equal.status in ('pending', 'processing');
    if v_may_join and v_is_active and v_equal.requested_at > now() - v_window then
      select v_equal.job_id, v_equal.status, 'joined', v_equal.created_at
      into job_id, status, outcome, created_at;
      return;
    end if;

    if v_may_join and v_type.cache_ttl is not null then
      select found.job_id, 'completed', 'reused', found.created_at
      into job_id, status, outcome, created_at
      from private.find_result(p_user_id, v_key, v_type.cache_ttl) as found;
      if found then
        return;
      end if;
    end if;
  end loop;

  if v_is_active then
    if p_supersede then
      perform private.cancel_job_tree(v_equal.job_id, 'SUPERSEDED');
    else
      -- An active job that is too old to be joined goes on, but gives up the key.
      update public.job_queue set dedupe_key = gen_random_uuid()::text where id = v_equal.job_id;
    end if;
  end if;
  if p_user_id is not null then
    perform private.check_job_limit(p_user_id);
  end if;

  insert into public.job_queue as job (
    user_id, job_type, job_priority, params, max_retries, requested_at, scheduled_for, expires_at, dedupe_key, turn
  ) values (
    p_user_id, p_job_type, v_priority, v_params, v_type.max_retries,
    greatest(clock_timestamp(), v_equal.requested_at + interval '1 microsecond'), v_scheduled_for,
    v_scheduled_for + v_type.expires_after, v_key,
    case when v_scheduled_for <= now() then private.line_up(p_user_id, v_priority) end
  )
  returning job.id, job.status, 'created', job.created_at
  into job_id, status, outcome, created_at;
end;
$$;
comment on function private.find_or_create_job(uuid, text, jsonb, interval, int, timestamptz, jsonb, boolean) is
  'Joins an active equal job, reuses a fresh result, or creates; for callers that checked the request. Jobs are equal when p_asks_for is (default: the params). p_supersede: creates, and cancels the equal active job.';

revoke all on function private.find_or_create_job(uuid, text, jsonb, interval, int, timestamptz, jsonb, boolean)
  from public, anon, authenticated, service_role;

create function private.find_or_create_job_as_caller(
  p_user_id uuid, p_job_type text, p_params jsonb, p_priority int, p_dedupe_window interval,
  p_scheduled_for timestamptz default null, p_key text default null, p_supersede boolean default false,
  out job_id uuid, out status text, out outcome text, out created_at timestamptz
)
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user_id constant uuid := private.acting_user(p_user_id);
  v_is_user constant boolean := current_setting('role', true) = 'authenticated';
  v_type public.job_type;
begin
  if v_is_user then
    select * into v_type from public.job_type where name = p_job_type;
    if found and not v_type.user_creatable then
      perform private.raise_error('FORBIDDEN', jsonb_build_object('job_type', p_job_type),
        'Jobs of this type are created by the product, not by its users.');
    end if;
  end if;

  if length(p_key) not between 1 and 200 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_key'));
  end if;
  if p_scheduled_for > now() + interval '1 year' then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_scheduled_for'));
  end if;

  select made.job_id, made.status, made.outcome, made.created_at
  into job_id, status, outcome, created_at
  from private.find_or_create_job(
    v_user_id, p_job_type, p_params, p_dedupe_window,
    -- A user may step back in the queue, not forward: that would be at the other users' cost.
    case
      when v_is_user and p_priority between 1 and 10 then greatest(p_priority, v_type.default_priority)
      else p_priority
    end,
    p_scheduled_for,
    -- A string, which params never are: no request by key equals one by params.
    to_jsonb(p_key),
    coalesce(p_supersede, false)
  ) as made;
end;
$$;
comment on function private.find_or_create_job_as_caller(uuid, text, jsonb, int, interval, timestamptz, text, boolean) is
  'Body of create_job() and find_or_create_job(). Lends the right to read types and write the queue.';
revoke all on function
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
declare
  -- A window of nothing joins nothing: every call is a job of its own.
  v_made constant record := private.find_or_create_job_as_caller(
    p_user_id, p_job_type, p_params, p_priority, interval '0', p_scheduled_for);
begin
  return v_made.job_id;
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
begin
  return query
    select *
    from private.find_or_create_job_as_caller(
      p_user_id, p_job_type, p_params, null, p_dedupe_window, null, p_key, p_supersede);
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

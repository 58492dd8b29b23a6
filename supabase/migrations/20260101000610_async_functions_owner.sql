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
-- What every enqueue calls is plpgsql, which keeps its plans (PostgreSQL before 18 plans the body of an SQL
-- function anew in every call), and of few statements: an enqueue is paid for by the statement.

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

create function private.job_dedupe_key(p_job_type text, p_params jsonb)
returns text
language plpgsql immutable set search_path = ''
as $$
begin
  -- jsonb prints keys in one order, so that equal params have equal text. Half of the digest is enough: who
  -- finds two requests that meet in it has only joined two requests of his own.
  return left(encode(sha256(convert_to(p_job_type || ' ' || p_params::text, 'UTF8')), 'hex'), 32);
end;
$$;
comment on function private.job_dedupe_key(text, jsonb) is 'Digest under which equal requests meet.';
revoke all on function private.job_dedupe_key(text, jsonb) from public, anon, authenticated, service_role;

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
  perform private.check_job_request(v_params, p_priority);
  perform private.check_isolation();

  v_key := private.job_dedupe_key(p_job_type, coalesce(p_asks_for, v_params));
  v_window := coalesce(p_dedupe_window, v_type.dedupe_window);
  v_priority := coalesce(p_priority, v_type.default_priority);
  v_may_join := v_window > interval '0' and not p_supersede;

  -- Whoever only wants to know of a job that is there waits for nobody.
  for is_locked in 0..1 loop
    if is_locked = 0 then
      continue when not v_may_join;
    elsif p_user_id is not null then
      perform pg_advisory_xact_lock(hashtextextended('job_queue:' || p_user_id, 0));
    else
      -- As private.lock_requests(): a call in every enqueue costs more than the lock.
      perform pg_advisory_xact_lock_shared(hashtextextended('job_queue:' || p_job_type, 0)),
        pg_advisory_xact_lock(hashtextextended('job_queue:' || v_key, 0));
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

create function private.check_isolation()
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  -- Blind to what others commit, it would find no equal job and no limit reached.
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    perform private.raise_error('CONFLICT', null, 'Jobs are created and retried under read committed only.');
  end if;
end;
$$;
comment on function private.check_isolation() is
  'Refuses transactions that do not see what was committed since they began.';

create function private.lock_requests(p_user_id uuid, p_job_type text, p_key text)
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  if p_user_id is not null then
    perform pg_advisory_xact_lock(hashtextextended('job_queue:' || p_user_id, 0));
  else
    -- Beside each other, but not beside create_jobs(), which locks a whole type.
    perform pg_advisory_xact_lock_shared(hashtextextended('job_queue:' || p_job_type, 0));
    perform pg_advisory_xact_lock(hashtextextended('job_queue:' || p_key, 0));
  end if;
end;
$$;
comment on function private.lock_requests(uuid, text, text) is
  'Lets one request at a time, to the end of its transaction, look for its equal and create a job: per user, or per type and key of system jobs.';

create function private.find_newest_job(p_user_id uuid, p_key text)
returns table (job_id uuid, status text, created_at timestamptz, requested_at timestamptz)
language plpgsql volatile rows 1 set search_path = ''
as $$
begin
  -- Of equal requests only the newest can be active: a later one joined it, or took its key away; and it was
  -- requested later than those before, also where the clock has been set back. Two arms, since an "or" or
  -- "is not distinct from" would keep a prepared plan from the index.
  if p_user_id is null then
    return query
      select job.id, job.status, job.created_at, job.requested_at
      from public.job_queue as job
      where job.user_id is null and job.dedupe_key = p_key and job.parent_job_id is null
      order by job.requested_at desc
      limit 1;
  else
    return query
      select job.id, job.status, job.created_at, job.requested_at
      from public.job_queue as job
      where job.user_id = p_user_id and job.dedupe_key = p_key and job.parent_job_id is null
      order by job.requested_at desc
      limit 1;
  end if;
end;
$$;
comment on function private.find_newest_job(uuid, text) is
  'The newest top-level job under this key, the only one that may be active. Volatile: must see what was committed after a lock.';

create function private.find_result(p_user_id uuid, p_key text, p_ttl interval)
returns table (job_id uuid, created_at timestamptz, completed_at timestamptz)
language plpgsql volatile rows 1 set search_path = ''
as $$
begin
  -- The last hundred requests say enough: a key that many jobs share must not make each of them search.
  if p_user_id is null then
    return query
      select latest.id, latest.created_at, latest.completed_at
      from (
        select job.id, job.created_at, job.completed_at, job.status
        from public.job_queue as job
        where job.user_id is null and job.dedupe_key = p_key and job.parent_job_id is null
        order by job.requested_at desc
        limit 100
      ) as latest
      where latest.status = 'completed' and latest.completed_at > now() - p_ttl
      order by latest.completed_at desc
      limit 1;
  else
    return query
      select latest.id, latest.created_at, latest.completed_at
      from (
        select job.id, job.created_at, job.completed_at, job.status
        from public.job_queue as job
        where job.user_id = p_user_id and job.dedupe_key = p_key and job.parent_job_id is null
        order by job.requested_at desc
        limit 100
      ) as latest
      where latest.status = 'completed' and latest.completed_at > now() - p_ttl
      order by latest.completed_at desc
      limit 1;
  end if;
end;
$$;
comment on function private.find_result(uuid, text, interval) is
  'The newest completed top-level job under this key that ended within p_ttl.';

create function private.count_active_jobs(p_user_id uuid)
returns int
language plpgsql volatile set search_path = ''
as $$
begin
  -- Counting stops early: more than this says nothing more.
  return (
    select count(*) from (
      select from private.job_active where user_id = p_user_id limit 1000) as active);
end;
$$;
comment on function private.count_active_jobs(uuid) is
  'A user''s active top-level jobs. Volatile: must see what was committed after a lock.';

create function private.check_job_limit(p_user_id uuid)
returns void
language plpgsql volatile set search_path = ''
as $$
declare
  v_active constant int := private.count_active_jobs(p_user_id);
  v_limit constant int := (select max_active_jobs_per_user from private.job_setting);
begin
  if v_active >= v_limit then
    perform private.raise_error('JOB_LIMIT_REACHED',
      jsonb_build_object('limit', v_limit, 'active', v_active, 'retry_after', 30));
  end if;
end;
$$;
comment on function private.check_job_limit(uuid) is
  'Refuses one more job of a user who has as many active ones as may be. The caller holds the user''s lock.';

create function private.enter_line()
returns void
language plpgsql volatile set search_path = ''
as $$
declare
  v_epoch bigint;
begin
  -- Functions and not queries, which would cost ten times as much. Refused is only who is late by an epoch.
  loop
    v_epoch := pg_sequence_last_value('private.job_epoch');
    exit when pg_try_advisory_xact_lock_shared(hashtextextended('job_epoch', v_epoch))
      and pg_sequence_last_value('private.job_epoch') = v_epoch;
  end loop;
end;
$$;
comment on function private.enter_line() is
  'Called before the time of a lane is read to line up by it: until this transaction ends, no floor passes where it may stand. See private.move_cursors().';

create function private.line_up(p_user_id uuid, p_priority smallint, p_count int default 1)
returns bigint
language plpgsql volatile set search_path = ''
-- A user's few jobs, by their ids, whatever the caller needs for its own plan.
set enable_nestloop = on set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
as $$
declare
  v_first bigint;
  v_turn bigint;
begin
  perform private.enter_line();
  v_first := (select virtual_time + 1 from private.job_lane where job_priority = p_priority);

  if p_user_id is not null then
    -- A user's jobs stand one behind the other, so that users take turns.
    return v_first + (
      select count(*)
      from (select job_id from private.job_active where user_id = p_user_id limit 1000) as active
      join private.job_waiting as waiting on waiting.job_id = active.job_id
      where waiting.turn is not null and waiting.job_priority = p_priority);
  end if;

  -- So do the system's, however many wait: counted by a sequence, which nobody has to wait for.
  v_turn := nextval(('private.job_lane_system_' || p_priority)::regclass);
  if v_turn < v_first or p_count > 1 then
    v_turn := greatest(v_turn, v_first);
    perform setval(('private.job_lane_system_' || p_priority)::regclass, v_turn + p_count - 1);
  end if;
  return v_turn;
end;
$$;
comment on function private.line_up(uuid, smallint, int) is
  'Where new top-level jobs of a user, or of the system, stand in a lane; returns the first of p_count turns.';

create function private.next_turn(p_priority smallint)
returns bigint
language plpgsql volatile set search_path = ''
as $$
begin
  perform private.enter_line();
  return (select virtual_time + 1 from private.job_lane where job_priority = p_priority);
end;
$$;
comment on function private.next_turn(smallint) is 'The first free turn in a priority lane.';

revoke all on function
  private.find_or_create_job(uuid, text, jsonb, interval, int, timestamptz, jsonb, boolean),
  private.check_isolation(),
  private.lock_requests(uuid, text, text),
  private.find_newest_job(uuid, text),
  private.find_result(uuid, text, interval),
  private.count_active_jobs(uuid),
  private.check_job_limit(uuid),
  private.enter_line(),
  private.line_up(uuid, smallint, int),
  private.next_turn(smallint)
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

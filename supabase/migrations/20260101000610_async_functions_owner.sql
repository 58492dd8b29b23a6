-- What owners do with jobs: create, find or create, cancel. The public functions are thin; who is acting
-- is decided once, in private.acting_user(). Other modules enqueue through
--
--   private.find_or_create_job(p_user_id uuid, p_job_type text, p_params jsonb,
--     p_dedupe_window interval default null, p_priority int default null,
--     p_scheduled_for timestamptz default null, p_asks_for jsonb default null,
--     p_supersede boolean default false)
--   returns table (job_id uuid, status text, outcome text, created_at timestamptz)
--
-- which does not ask whether users may create the type: the caller has checked what it enqueues.
-- What every enqueue calls is plpgsql, which keeps its plans: PostgreSQL before 18 plans the body of an
-- SQL function anew in every call, which cost more than all the rest.

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
  -- jsonb prints keys in one order, so that equal params have equal text.
  return encode(sha256(convert_to(p_job_type || ' ' || p_params::text, 'UTF8')), 'hex');
end;
$$;
comment on function private.job_dedupe_key(text, jsonb) is 'Digest under which equal requests meet.';
revoke all on function private.job_dedupe_key(text, jsonb) from public, anon, authenticated, service_role;

-- Looks, and creates only what it did not find. Three things make that race-free: requests of one user
-- queue on an advisory lock before they count and insert; the unique index over active jobs decides
-- whatever came past the lock; and every round of the loop sees what was committed meanwhile, so that a
-- winner that rolled back leaves the way free.
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
returns table (job_id uuid, status text, outcome text, created_at timestamptz)
language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_column
declare
  v_type public.job_type;
  v_params constant jsonb := coalesce(p_params, '{}');
  v_key text;
  v_window interval;
  v_priority smallint;
  v_scheduled_for constant timestamptz := greatest(coalesce(p_scheduled_for, now()), now());
  v_limit int;
  v_active int;
  v_ahead int;
  -- System jobs have no limit to count, and meet in the index alone.
  v_is_locked boolean := p_user_id is null and not p_supersede;
begin
  select * into v_type from public.job_type where name = p_job_type;
  if not found then
    perform private.raise_error('UNKNOWN_JOB_TYPE', jsonb_build_object('job_type', p_job_type));
  end if;
  perform private.check_job_request(v_params, p_priority);

  v_key := private.job_dedupe_key(p_job_type, coalesce(p_asks_for, v_params));
  v_window := coalesce(p_dedupe_window, v_type.dedupe_window);
  v_priority := coalesce(p_priority, v_type.default_priority);

  for attempt in 1..10 loop
    return query
      select job.id, job.status, 'joined', job.created_at
      from public.job_queue as job
      where (job.user_id = p_user_id or (p_user_id is null and job.user_id is null))
        and job.dedupe_key = v_key and job.status in ('pending', 'processing')
        and job.parent_job_id is null
        and v_window > interval '0' and job.requested_at > now() - v_window and not p_supersede;
    if found then
      return;
    end if;

    if v_type.cache_ttl is not null and v_window > interval '0' and not p_supersede then
      return query
        select job.id, job.status, 'reused', job.created_at
        from public.job_queue as job
        where (job.user_id = p_user_id or (p_user_id is null and job.user_id is null))
          and job.dedupe_key = v_key and job.status = 'completed'
          and job.completed_at > now() - v_type.cache_ttl
        order by job.completed_at desc
        limit 1;
      if found then
        return;
      end if;
    end if;

    if not v_is_locked then
      perform pg_advisory_xact_lock(hashtextextended('job_queue:' || coalesce(p_user_id::text, v_key), 0));
      v_is_locked := true;
      continue;
    end if;

    if p_supersede then
      perform private.cancel_job_tree(job.id, 'SUPERSEDED')
      from public.job_queue as job
      where (job.user_id = p_user_id or (p_user_id is null and job.user_id is null))
        and job.dedupe_key = v_key and job.status in ('pending', 'processing')
        and job.parent_job_id is null;
    else
      -- An active job that is too old to be joined goes on, but gives up the key.
      update public.job_queue as job
      set dedupe_key = gen_random_uuid()::text
      where (job.user_id = p_user_id or (p_user_id is null and job.user_id is null))
        and job.dedupe_key = v_key and job.status in ('pending', 'processing')
        and job.parent_job_id is null
        and (v_window <= interval '0' or job.requested_at <= now() - v_window);
    end if;

    select active, ahead into v_active, v_ahead from private.count_active_jobs(p_user_id, v_priority);
    select setting.max_active_jobs_per_user into v_limit from private.job_setting as setting;
    if p_user_id is not null and v_active >= v_limit then
      perform private.raise_error('JOB_LIMIT_REACHED',
        jsonb_build_object('limit', v_limit, 'active', v_active, 'retry_after', 30));
    end if;

    return query
      insert into public.job_queue as job (
        user_id, job_type, job_priority, params, max_retries, scheduled_for, expires_at, dedupe_key, turn
      ) values (
        p_user_id, p_job_type, v_priority, v_params, v_type.max_retries, v_scheduled_for,
        v_scheduled_for + v_type.expires_after, v_key,
        case when v_scheduled_for <= now() then private.next_turn(v_priority) + v_ahead end
      )
      on conflict (user_id, dedupe_key)
        where status in ('pending', 'processing') and parent_job_id is null
        do nothing
      returning job.id, job.status, 'created', job.created_at;
    if found then
      return;
    end if;
  end loop;

  -- Only a caller in a stricter isolation level, blind to what others commit, gets here.
  perform private.raise_error('CONFLICT');
end;
$$;
comment on function private.find_or_create_job(uuid, text, jsonb, interval, int, timestamptz, jsonb, boolean) is
  'Joins an active equal job, reuses a fresh result, or creates; for callers that checked the request. Jobs are equal when p_asks_for is (default: the params). p_supersede: creates, and cancels the equal active job.';

create function private.count_active_jobs(p_user_id uuid, p_priority smallint)
returns table (active int, ahead int)
language plpgsql volatile set search_path = ''
as $$
begin
  return query
  -- Children are exempt. Counting stops early: more than this says nothing more. Two arms, of which one
  -- is never run: an "or" would make every user pay for all jobs of the system.
  select count(*)::int,
    (count(*) filter (where status = 'pending' and turn is not null and job_priority = p_priority))::int
  from (
    (select status, turn, job_priority
    from public.job_queue
    where user_id = p_user_id and status in ('pending', 'processing') and parent_job_id is null
    limit 1000)
    union all
    (select status, turn, job_priority
    from public.job_queue
    where p_user_id is null and user_id is null
      and status in ('pending', 'processing') and parent_job_id is null
    limit 1000)
  ) as active;
end;
$$;
comment on function private.count_active_jobs(uuid, smallint) is
  'A user''s active top-level jobs, and those of them that wait in the same lane. Volatile: must see what was committed after a lock.';

create function private.next_turn(p_priority smallint)
returns bigint
language plpgsql volatile set search_path = ''
as $$
begin
  return (select virtual_time + 1 from private.job_lane where job_priority = p_priority);
end;
$$;
comment on function private.next_turn(smallint) is 'The first free turn in a priority lane.';

revoke all on function
  private.find_or_create_job(uuid, text, jsonb, interval, int, timestamptz, jsonb, boolean),
  private.count_active_jobs(uuid, smallint),
  private.next_turn(smallint)
from public, anon, authenticated, service_role;

create function private.find_or_create_job_as_caller(
  p_user_id uuid, p_job_type text, p_params jsonb, p_priority int, p_dedupe_window interval,
  p_scheduled_for timestamptz default null, p_key text default null, p_supersede boolean default false
)
returns table (job_id uuid, status text, outcome text, created_at timestamptz)
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

  return query
    select * from private.find_or_create_job(
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
    );
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
language sql volatile set search_path = ''
as $$
  -- A window of nothing joins nothing: every call is a job of its own.
  select job_id
  from private.find_or_create_job_as_caller(
    p_user_id, p_job_type, p_params, p_priority, interval '0', p_scheduled_for);
$$;
comment on function public.create_job(uuid, text, jsonb, int, timestamptz) is
  'Creates a job of the caller (the service may name a user; null = a system job) and returns its id.';

create function public.find_or_create_job(
  p_user_id uuid, p_job_type text, p_params jsonb default '{}', p_dedupe_window interval default null,
  p_key text default null, p_supersede boolean default false
)
returns table (job_id uuid, status text, outcome text, created_at timestamptz)
language sql volatile set search_path = ''
as $$
  select *
  from private.find_or_create_job_as_caller(
    p_user_id, p_job_type, p_params, null, p_dedupe_window, null, p_key, p_supersede);
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

-- How requests for a job meet: what makes two of them equal, the lock under which one at a time looks for
-- its equal, and the limit of a user's active jobs.
-- What every enqueue calls is plpgsql, which keeps its plans (PostgreSQL before 18 plans the body of an SQL
-- function anew in every call), and of few statements: an enqueue is paid for by the statement.

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

create function private.check_isolation()
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  -- Blind to what others commit, it would find no equal job, no limit reached, and in line what has been taken.
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    perform private.raise_error('CONFLICT', null, 'Jobs are created, retried and changed while they wait, and users deleted, under read committed only.');
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

create function private.find_newest_job(
  p_user_id uuid, p_key text,
  out job_id uuid, out status text, out created_at timestamptz, out requested_at timestamptz,
  out scheduled_for timestamptz
)
language plpgsql volatile set search_path = ''
-- Planned on a young table, it would read all of it ever after.
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  -- Of equal requests the newest is the one that others join; it was requested later than those before, also
  -- where the clock has been set back. Two arms, since an "or" or "is not distinct from" would keep a prepared
  -- plan from the index.
  if p_user_id is null then
    select job.id, job.status, job.created_at, job.requested_at, job.scheduled_for
    into job_id, status, created_at, requested_at, scheduled_for
    from public.job_queue as job
    where hashtextextended(job.dedupe_key, 0) = hashtextextended(p_key, 0) and job.user_id is null
      and job.dedupe_key = p_key and job.parent_job_id is null
    order by job.requested_at desc
    limit 1;
  else
    select job.id, job.status, job.created_at, job.requested_at, job.scheduled_for
    into job_id, status, created_at, requested_at, scheduled_for
    from public.job_queue as job
    where hashtextextended(job.dedupe_key, 0) = hashtextextended(p_key, 0) and job.user_id = p_user_id
      and job.dedupe_key = p_key and job.parent_job_id is null
    order by job.requested_at desc
    limit 1;
  end if;
end;
$$;
comment on function private.find_newest_job(uuid, text) is
  'The newest top-level job under this key; nulls when there is none. Volatile: must see what was committed after a lock.';

create function private.find_result(p_user_id uuid, p_key text, p_ttl interval)
returns table (job_id uuid, created_at timestamptz, completed_at timestamptz)
language plpgsql volatile rows 1 set search_path = ''
set enable_seqscan = off
as $$
begin
  -- The last hundred requests say enough: a key that many jobs share must not make each of them search.
  if p_user_id is null then
    return query
      select latest.id, latest.created_at, latest.completed_at
      from (
        select job.id, job.created_at, job.completed_at, job.status
        from public.job_queue as job
        where hashtextextended(job.dedupe_key, 0) = hashtextextended(p_key, 0) and job.user_id is null
          and job.dedupe_key = p_key and job.parent_job_id is null
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
        where hashtextextended(job.dedupe_key, 0) = hashtextextended(p_key, 0) and job.user_id = p_user_id
          and job.dedupe_key = p_key and job.parent_job_id is null
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

-- Looks, and creates only what it did not find. What makes that race-free is a lock under which one
-- request at a time looks and inserts: of one user, so that the limit is counted right, too; of system
-- jobs, which have no limit, for one thing. The look comes after the lock in a statement of its own, so
-- that it sees what was committed meanwhile, and a winner that rolled back leaves the way free.
-- Jobs that join nothing are not looked for: of equal active jobs the newest is the one that is joined.
create function private.join_equal_job(
  p_user_id uuid, p_job_type text, p_key text, p_dedupe_window interval, p_supersede boolean, p_scheduled_for timestamptz,
  out job_id uuid, out status text, out outcome text, out created_at timestamptz, out requested_at timestamptz
)
language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_column
declare
  v_equal record;
  v_window interval;
  v_cache_ttl interval;
begin
  -- Whoever only wants to know of a job that is there waits for nobody.
  for is_locked in 0..1 loop
    if is_locked = 0 then
      continue when p_supersede;
    -- As private.lock_requests(), which is called only when there is somebody to wait for.
    elsif p_user_id is not null then
      if not pg_try_advisory_xact_lock(hashtextextended('job_queue:' || p_user_id, 0)) then
        perform private.lock_requests(p_user_id, p_job_type, p_key);
      end if;
    elsif not pg_try_advisory_xact_lock_shared(hashtextextended('job_queue:' || p_job_type, 0))
      or not pg_try_advisory_xact_lock(hashtextextended('job_queue:' || p_key, 0))
    then
      perform private.lock_requests(p_user_id, p_job_type, p_key);
    end if;

    v_equal := private.find_newest_job(p_user_id, p_key);
    continue when v_equal.job_id is null or p_supersede;
    if v_window is null then
      select coalesce(p_dedupe_window, dedupe_window), cache_ttl into v_window, v_cache_ttl
      from public.job_type
      where name = p_job_type;
    end if;
    continue when v_window <= interval '0';
    if v_equal.status in ('pending', 'processing') and v_equal.requested_at > now() - v_window then
      if v_equal.scheduled_for > greatest(p_scheduled_for, now()) and private.is_planned(v_equal.job_id) then
        continue when is_locked = 0;
        perform private.bring_forward(array[p_user_id], array[v_equal.job_id], array[greatest(p_scheduled_for, now())],
          p_waits => p_scheduled_for is null);
        -- Somebody may have ended it, and been waited for.
        select again.* into job_id, status, outcome, created_at, requested_at
        from private.join_equal_job(p_user_id, p_job_type, p_key, p_dedupe_window, false, 'infinity') as again;
        return;
      end if;
      job_id := v_equal.job_id;
      status := v_equal.status;
      outcome := 'joined';
      created_at := v_equal.created_at;
      return;
    end if;
    if v_cache_ttl is not null then
      select found.job_id, 'completed', 'reused', found.created_at
      into job_id, status, outcome, created_at
      from private.find_result(p_user_id, p_key, v_cache_ttl) as found;
      if found then
        return;
      end if;
    end if;
  end loop;

  if p_supersede and v_equal.status in ('pending', 'processing') then
    -- Before the jobs, as everybody locks them; the new one needs its owner.
    perform from public.users where id = p_user_id for key share;
    perform private.cancel_job_tree(v_equal.job_id, 'SUPERSEDED');
  end if;
  requested_at := v_equal.requested_at;
end;
$$;
comment on function private.join_equal_job(uuid, text, text, interval, boolean, timestamptz) is
  'The equal active job or fresh result that a request is answered with; else the lock to create one, and when the newest equal was requested. One that is only planned for later than p_scheduled_for (null: now) is brought forward. p_supersede: cancels it.';

create function private.refuse_job_type(p_job_type text)
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  if not exists (select from public.job_type where name = p_job_type) then
    perform private.raise_error('UNKNOWN_JOB_TYPE', jsonb_build_object('job_type', p_job_type));
  end if;
  perform private.raise_error('FORBIDDEN', jsonb_build_object('job_type', p_job_type),
    'Jobs of this type are created by the product, not by its users.');
end;
$$;
comment on function private.refuse_job_type(text) is 'Says why nobody, or no user, creates jobs of this type.';

create type private.job_place as (
  max_retries int, scheduled_for timestamptz, expires_at timestamptz, quota_type text, job_priority smallint,
  turn bigint, is_paused boolean
);
comment on type private.job_place is
  'What a new job takes from its type, where it stands: its turn, null while it waits for its time.';

create function private.find_place(
  p_user_id uuid, p_job_type text, p_priority int, p_scheduled_for timestamptz, p_is_user boolean
)
returns private.job_place
language plpgsql volatile set search_path = ''
-- Else planned in every call, since one without a priority looks cheaper.
set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
declare
  v_epoch bigint;
  v_place private.job_place;
  v_most int;
  v_active int;
begin
  -- As private.lock_requests() and private.enter_line().
  if not pg_try_advisory_xact_lock(hashtextextended('job_queue:' || p_user_id, 0)) then
    perform private.lock_requests(p_user_id, p_job_type, null);
  end if;
  -- As private.know_users().
  perform from public.users where id = p_user_id for key share;
  if not found then
    perform private.know_users(array[p_user_id]);
  end if;
  loop
    v_epoch := pg_sequence_last_value('private.job_epoch');
    exit when pg_try_advisory_xact_lock_shared(hashtextextended('job_epoch', v_epoch))
      and pg_sequence_last_value('private.job_epoch') = v_epoch;
  end loop;
  select type.max_retries, greatest(p_scheduled_for, current_timestamp),
    greatest(p_scheduled_for, current_timestamp) + type.expires_after, type.quota_type, lane.job_priority,
    -- As private.line_up(): one behind the other, so that users take turns.
    case when p_scheduled_for > current_timestamp then null else lane.virtual_time + 1 + own.in_line end,
    type.is_paused, setting.max_active_jobs_per_user,
    -- As private.count_active_jobs().
    own.jobs + (select count(*) from private.job_active where user_id = p_user_id) + case
      when exists (select from private.job_lease where started_at is not null and user_ids is not null)
        then coalesce((private.count_deferred_jobs(array[p_user_id]))[1], 0)
      else 0
    end
  into v_place.max_retries, v_place.scheduled_for, v_place.expires_at, v_place.quota_type, v_place.job_priority,
    v_place.turn, v_place.is_paused, v_most, v_active
  from public.job_type as type
  join private.job_lane as lane on lane.job_priority = case
    -- A user may step back in the queue, not forward: that would be at the other users' cost.
    when p_is_user then greatest(p_priority, type.default_priority)
    else coalesce(p_priority, type.default_priority)
  end
  cross join private.job_setting as setting
  cross join lateral (
    select count(*) as jobs,
      count(*) filter (where waiting.turn is not null and waiting.job_priority = lane.job_priority) as in_line
    from (
      select turn, job_priority from private.job_waiting where user_id = p_user_id and is_counted limit 1000
    ) as waiting
  ) as own
  where type.name = p_job_type and (type.user_creatable or not p_is_user);
  if v_active >= v_most then
    perform private.raise_error('JOB_LIMIT_REACHED',
      jsonb_build_object('limit', v_most, 'active', v_active, 'retry_after', 30));
  end if;
  return v_place;
end;
$$;
comment on function private.find_place(uuid, text, int, timestamptz, boolean) is
  'Where a new job of a user stands, who has room for one, under the user''s lock; nulls when there is no such type for the user.';

revoke all on function
  private.job_dedupe_key(text, jsonb),
  private.check_isolation(),
  private.lock_requests(uuid, text, text),
  private.find_newest_job(uuid, text),
  private.find_result(uuid, text, interval),
  private.join_equal_job(uuid, text, text, interval, boolean, timestamptz),
  private.refuse_job_type(text),
  private.find_place(uuid, text, int, timestamptz, boolean)
from public, anon, authenticated, service_role;

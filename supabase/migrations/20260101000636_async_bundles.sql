-- Jobs that were created together and stand one behind the other: how a claim takes the next of them, and how
-- they come to stand alone again. See async_deferred_starts.sql for what a start of these leaves unwritten.

create function private.enter_bundles(
  p_job_type text, p_priority smallint, p_first_turn bigint, p_job_ids uuid[], p_expires_at timestamptz
)
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  insert into private.job_bundle (job_type, job_priority, turn, jobs, job_ids, scheduled_for, expires_at)
  select p_job_type, p_priority, p_first_turn + first - 1, cardinality(bundled.job_ids), bundled.job_ids, now(), p_expires_at
  from generate_series(1, cardinality(p_job_ids), 500) as first
  cross join lateral (select p_job_ids[first : first + 499] as job_ids) as bundled;
end;
$$;
comment on function private.enter_bundles(text, smallint, bigint, uuid[], timestamptz) is
  'Lists new jobs of the system, which stand at p_first_turn and right behind it, to be started now. Their type has no limit.';

create function private.has_other_bundles(p_job_types text[], p_priority smallint)
returns boolean
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
begin
  return (
    select coalesce(min(lane.first) <> max(lane.last) or min(lane.first) <> p_priority, false)
    from public.job_type as type
    cross join lateral (
      select (
          select job_priority from private.job_bundle where job_type = type.name order by job_priority limit 1) as first, (
          select job_priority from private.job_bundle where job_type = type.name order by job_priority desc limit 1) as last
    ) as lane
    where (p_job_types is null or type.name = any(p_job_types)) and not type.is_paused);
end;
$$;
comment on function private.has_other_bundles(text[], smallint) is
  'Whether bundles of these types (null = all) stand in lanes of several priorities, or in others than p_priority.';

create function private.take_bundled(
  p_worker_id text, p_job_types text[], p_limit int, p_priority smallint, p_turn bigint
)
returns table (
  id uuid, user_id uuid, job_type text, params jsonb, checkpoint jsonb, progress_percent smallint,
  retry_count int, max_retries int, crash_count int, parent_job_id uuid, fencing_token bigint, lease_ms int
)
language plpgsql volatile rows 100 set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_memoize = off set jit = off
as $$
#variable_conflict use_column
declare
  v_left int := p_limit;
  -- Types whose next bundle another claim holds.
  v_passed text[] := '{}';
  v_lane record;
  v_bundle record;
  v_jobs int;
  v_job_ids uuid[];
  v_found int;
  v_lease_id bigint;
begin
  while v_left > 0 loop
    -- Which lane is next is looked up without locks, so that the bundles of other lanes stay free.
    select type.name, type.lease, head.job_priority
    into v_lane
    from public.job_type as type
    cross join lateral (
      select bundle.job_priority, bundle.turn
      from private.job_bundle as bundle
      where bundle.job_type = type.name
      order by bundle.job_priority, bundle.turn
      limit 1
    ) as head
    where (p_job_types is null or type.name = any(p_job_types)) and not type.is_paused
      -- Created while the type got its first limit: see unfold_limited().
      and coalesce(type.max_concurrency, type.max_per_user, type.rate_limit) is null
      and type.name <> all(v_passed) and (head.job_priority, head.turn) <= (p_priority, p_turn)
    order by head.job_priority, head.turn
    limit 1;
    exit when not found;

    select bundle.ctid as entry, bundle.turn, bundle.jobs, bundle.job_ids,
      cardinality(bundle.job_ids) - bundle.jobs + 1 as first
    into v_bundle
    from private.job_bundle as bundle
    where bundle.job_type = v_lane.name and bundle.job_priority = v_lane.job_priority
      and (v_lane.job_priority < p_priority or bundle.turn <= p_turn)
      and (bundle.expires_at is null or bundle.expires_at > now())
    order by bundle.turn
    limit 1
    for update skip locked;
    -- What others hold, or what is just to expire, keeps nobody from the next lane.
    if not found then
      v_passed := v_passed || v_lane.name;
      continue;
    end if;

    v_jobs := least(v_left, v_bundle.jobs,
      case when v_lane.job_priority = p_priority then least(p_turn - v_bundle.turn, 500) + 1 end);
    v_job_ids := v_bundle.job_ids[v_bundle.first : v_bundle.first + v_jobs - 1];
    if v_jobs = v_bundle.jobs then
      delete from private.job_bundle where ctid = v_bundle.entry;
    else
      update private.job_bundle
      set turn = v_bundle.turn + v_jobs, jobs = v_bundle.jobs - v_jobs
      where ctid = v_bundle.entry;
    end if;

    with moved as (
      update private.job_lane
      set virtual_time = v_bundle.turn + v_jobs - 1
      -- A lane whose clock another claim is moving right now is left to it.
      where job_priority = v_lane.job_priority and virtual_time < v_bundle.turn + v_jobs - 1
        and pg_try_advisory_xact_lock(hashtextextended('job_lane', job_priority))
    )
    insert into private.job_lease (job_type, worker_id, check_at, job_ids, started_at, unsettled)
    values (v_lane.name, p_worker_id, clock_timestamp() + v_lane.lease, v_job_ids, now(), v_jobs)
    returning lease_id into v_lease_id;

    -- Not locked: who ends one of them at this moment ends it as if it had begun.
    return query
    select job.id, job.user_id, job.job_type, job.params, job.checkpoint, job.progress_percent, job.retry_count,
      job.max_retries, job.crash_count, job.parent_job_id, 1000000000000 + v_lease_id,
      (date_part('epoch', v_lane.lease) * 1000)::int
    from public.job_queue as job
    where job.id = any(v_job_ids) and job.status = 'pending' and job.fencing_token = 0;
    get diagnostics v_found = row_count;
    if v_found = 0 then
      delete from private.job_lease where lease_id = v_lease_id;
    elsif v_found < v_jobs then
      update private.job_lease set unsettled = v_found where lease_id = v_lease_id;
    end if;
    v_left := v_left - v_found;
  end loop;
end;
$$;
comment on function private.take_bundled(text, text[], int, smallint, bigint) is
  'Starts, without writing so to their rows, up to p_limit bundled jobs of these types (null = all) that stand in lanes before p_priority or there no later than p_turn.';

create function private.unfold_bundles(p_bundle_ids bigint[], p_waits boolean default false)
returns void
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
declare
  v_job_ids uuid[];
  v_entered int;
  v_epoch constant bigint := private.enter_line();
begin
  with unfolded as (
    delete from private.job_bundle where bundle_id = any(p_bundle_ids)
    returning job_ids[cardinality(job_ids) - jobs + 1 :] as job_ids
  )
  select array_agg(job_id) into v_job_ids from unfolded cross join unnest(unfolded.job_ids) as job_id;

  if p_waits then
    perform from public.job_queue where id = any(v_job_ids) and status = 'pending' order by id for share;
  end if;

  with entered as (
    insert into private.job_waiting (job_id, job_type, job_priority, turn, scheduled_for, expires_at)
    select job.id, job.job_type, job.job_priority, job.turn, job.scheduled_for, job.expires_at
    from public.job_queue as job
    where job.id = any(v_job_ids) and job.status = 'pending' and job.fencing_token = 0
    order by job.id
    -- Who ends one of them this moment finds no entry to take away, and would leave the one made here.
    for share skip locked
    on conflict (job_id) do nothing
    returning job_type, job_priority, turn
  ),
  -- They stand where they stood, which may be below what has been claimed since.
  lowered as (
    update private.job_cursor as cursor
    set turn = late.turn, place = 0
    from (select job_type, job_priority, min(turn) as turn from entered group by job_type, job_priority) as late
    where cursor.job_type = late.job_type and cursor.job_priority = late.job_priority and cursor.turn > late.turn
  )
  select count(*) into v_entered from entered;

  -- What somebody holds stays in line all the same, each by itself.
  if v_entered < cardinality(v_job_ids) then
    insert into private.job_bundle (job_type, job_priority, turn, jobs, job_ids, scheduled_for, expires_at)
    select job.job_type, job.job_priority, job.turn, 1, array[job.id], job.scheduled_for, job.expires_at
    from public.job_queue as job
    where job.id = any(v_job_ids) and job.status = 'pending' and job.fencing_token = 0
      and not exists (select from private.job_waiting as waiting where waiting.job_id = job.id);
  end if;
end;
$$;
comment on function private.unfold_bundles(bigint[], boolean) is
  'Gives the jobs of these bundles, which the caller has locked, entries of their own; those that somebody holds, bundles of their own, unless p_waits.';

create function private.unfold_heads(p_job_types text[])
returns void
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
begin
  perform private.unfold_bundles(array(
    select head.bundle_id
    from public.job_type as type
    cross join generate_series(1, 10) as lane (job_priority)
    cross join lateral (
      select bundle.bundle_id
      from private.job_bundle as bundle
      where bundle.job_type = type.name and bundle.job_priority = lane.job_priority
      order by bundle.turn
      limit 1
      for update skip locked
    ) as head
    where (p_job_types is null or type.name = any(p_job_types)) and not type.is_paused));
end;
$$;
comment on function private.unfold_heads(text[]) is
  'Unfolds the first bundle of each lane of these types (null = all), for a claim that has to weigh single jobs; what another claim holds is left to it.';

create function private.write_out(p_job_types text[], p_job_ids uuid[] default '{}')
returns void
language plpgsql volatile set search_path = ''
set enable_seqscan = off set enable_nestloop = on set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_bundle_ids bigint[];
  v_leases bigint[];
  v_job_ids uuid[];
begin
  loop
    v_bundle_ids := array(
      select bundle_id from private.job_bundle where job_type = any(p_job_types) order by bundle_id for update);
    exit when v_bundle_ids = '{}';
    -- Once more, since a claim may have left what the caller holds in a bundle of its own.
    perform private.unfold_bundles(v_bundle_ids, true);
  end loop;
  select array_agg(distinct lease_id), array_agg(job_id) into v_leases, v_job_ids
  from private.job_lease as lease
  cross join unnest(lease.job_ids) as job_id
  where lease.started_at is not null and (lease.job_type = any(p_job_types) or lease.job_ids && p_job_ids);
  perform private.write_starts(v_leases);
  delete from private.job_waiting as waiting
  using public.job_queue as job
  where waiting.job_id = any(v_job_ids) and job.id = waiting.job_id and job.status <> 'pending';
end;
$$;
comment on function private.write_out(text[], uuid[]) is
  'Makes all bundles and deferred starts of these types, and the deferred starts of these jobs, ordinary entries and rows.';

revoke all on function
  private.enter_bundles(text, smallint, bigint, uuid[], timestamptz),
  private.has_other_bundles(text[], smallint),
  private.take_bundled(text, text[], int, smallint, bigint),
  private.unfold_bundles(bigint[], boolean),
  private.unfold_heads(text[]),
  private.write_out(text[], uuid[])
from public, anon, authenticated, service_role;

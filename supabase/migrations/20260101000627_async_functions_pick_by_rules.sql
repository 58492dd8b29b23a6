-- What a claim takes where more than the order of one lane decides: lanes of several types in one priority, caps,
-- rates, pauses, and jobs that strict priority has kept waiting for too long. See private.take_jobs().

-- The whole of the rules, in one statement.
create function private.pick_by_rules(
  p_limit int, p_job_types text[], p_aged int, p_aged_before timestamptz
)
returns tid[]
language plpgsql volatile set search_path = ''
-- Planning this statement takes longer than running it, and its best plan is always the same: the one
-- over the lanes' index, also when a worker's first claim meets an empty table, which it would rather scan, or
-- statistics of one, by which it would rather sort what it takes for a row.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
as $$
declare
  v_window constant int := private.lane_window();
  v_open constant private.open_job_type[] := array(
    select open_type from private.open_job_types(p_limit, p_job_types, p_lock => true) as open_type);
  v_lanes private.lane_head[];
  v_rows tid[];
begin
  if v_open = '{}' then
    return '{}';
  end if;
  if exists (select from unnest(v_open) as open_type where open_type.blocked_users <> '{}') then
    perform private.put_blocked_jobs_aside(v_open);
  end if;
  perform private.line_up_capped_jobs(v_open);
  v_lanes := array(
    select lane
    from private.lanes_with_work(array(select name from unnest(v_open))) as lane);

  v_rows := array(
    with open_type as materialized (
      select open_type.*, first.job_priority, first.turn, first.place
      from unnest(v_open) as open_type
      join (
        select distinct on (job_type) * from unnest(v_lanes) order by job_type, job_priority
      ) as first on first.job_type = open_type.name
    ),
    -- The first jobs of every type, unlocked, to see how many of each lane this claim should take.
    head as materialized (
      select first.*, open_type.name, open_type.slots, open_type.max_per_user, open_type.is_limited
      from open_type
      cross join lateral (
        select waiting.ctid as row_id, waiting.user_id, waiting.job_priority, waiting.turn, waiting.place
        from private.job_waiting as waiting
        where waiting.job_type = open_type.name and waiting.turn is not null
          and (waiting.job_priority, waiting.turn, waiting.place)
            >= (open_type.job_priority, open_type.turn, open_type.place)
          and waiting.scheduled_for <= now() and (waiting.expires_at is null or waiting.expires_at > now())
        order by waiting.job_priority, waiting.turn, waiting.place
        limit open_type.slots
          + case when open_type.max_per_user is null and open_type.blocked_users = '{}' then 0 else v_window end
      ) as first
      where first.user_id is null or first.user_id <> all(open_type.blocked_users)
    ),
    -- Where strict priority ends, if this claim is full; while there is room for all, nobody needs help.
    edge as materialized (
      select max(job_priority) as job_priority
      from (select job_priority from head order by job_priority limit p_limit) as first
      having p_aged > 0 and count(*) = p_limit
    ),
    -- Beyond it, lanes whose head has waited too long; the longest-waiting jobs of those heads.
    aged as materialized (
      select first.row_id, first.user_id, first.job_priority, first.turn, first.place,
        open_type.name, open_type.slots, open_type.max_per_user, open_type.is_limited
      from edge
      join unnest(v_lanes) as lane on lane.job_priority > edge.job_priority
      join open_type on open_type.name = lane.job_type
      cross join lateral (
        select waiting.ctid as row_id, waiting.user_id, waiting.job_priority, waiting.turn, waiting.place,
          waiting.scheduled_for
        from private.job_waiting as waiting
        where waiting.job_type = lane.job_type and waiting.job_priority = lane.job_priority
          and waiting.turn is not null and (waiting.turn, waiting.place) >= (lane.turn, lane.place)
          and (waiting.expires_at is null or waiting.expires_at > now())
        order by waiting.turn, waiting.place
        limit p_aged
      ) as first
      where first.scheduled_for < p_aged_before
        and (first.user_id is null or first.user_id <> all(open_type.blocked_users))
      order by first.scheduled_for
      limit p_aged
    ),
    candidate as (
      select *, true as is_aged from aged
      union all
      select row_id, user_id, job_priority, turn, place, name, slots, max_per_user, is_limited, false
      from head
      where row_id <> all(array(select row_id from aged))
    ),
    within_user_cap as (
      select * from (
        select *, max_per_user is not null and user_id is not null
          and row_number() over (
            partition by name, user_id order by is_aged desc, job_priority, turn, place)
          + case when max_per_user is not null then (
              select count(*) from private.job_running as running
              where running.job_type = name and running.user_id = candidate.user_id)
            else 0 end
          > max_per_user as is_over_cap
        from candidate
      ) as counted
      where not is_over_cap
    ),
    within_slots as (
      select * from (
        select *, row_number() over (
          partition by name order by is_aged desc, job_priority, turn, place) as nth
        from within_user_cap
      ) as placed
      where nth <= slots
    ),
    lane as materialized (
      select name, job_priority, is_limited, count(*) as jobs, array_agg(row_id) as row_ids
      from (
        select name, job_priority, is_limited, row_id
        from within_slots
        order by is_aged desc, job_priority, turn, place
        limit p_limit
      ) as next
      group by name, job_priority, is_limited
    )
    -- Then that many of each lane are locked, deeper in it where another claim was quicker. A limited type
    -- is claimed by nobody else now, and exactly the chosen jobs of it are taken.
    select picked.row_id
    from (
      select locked.row_id
      from lane
      join open_type on open_type.name = lane.name
      join unnest(v_lanes) as from_here on from_here.job_type = lane.name and from_here.job_priority = lane.job_priority
      cross join lateral (
        select waiting.ctid as row_id
        from private.job_waiting as waiting
        where waiting.job_type = lane.name and waiting.job_priority = lane.job_priority
          and waiting.turn is not null and (waiting.turn, waiting.place) >= (from_here.turn, from_here.place)
          and waiting.scheduled_for <= now() and (waiting.expires_at is null or waiting.expires_at > now())
          and (waiting.user_id is null or waiting.user_id <> all(open_type.blocked_users))
        order by waiting.turn, waiting.place
        limit lane.jobs
        for update skip locked
      ) as locked
      where not lane.is_limited
      union all
      select exact.row_id
      from (
        select waiting.ctid as row_id
        from private.job_waiting as waiting
        where waiting.ctid = any(array(select unnest(row_ids) from lane where is_limited))
          and waiting.turn is not null
        for update skip locked
      ) as exact
    ) as picked
  );

  with latest as (
    select job_priority, max(turn) as turn from private.job_waiting where ctid = any(v_rows) group by job_priority
  )
  update private.job_lane as lane
  set virtual_time = latest.turn
  from latest
  where lane.job_priority = latest.job_priority and lane.virtual_time < latest.turn
    -- As in take_jobs().
    and pg_try_advisory_xact_lock(hashtextextended('job_lane', lane.job_priority));
  return v_rows;
end;
$$;
comment on function private.pick_by_rules(int, text[], int, timestamptz) is
  'Locks the entries of the next jobs, within the caps and rates of open types and without paused users, up to p_aged of them from lanes whose head waits since before p_aged_before, and moves the clocks of their lanes; returns where the entries stand.';

-- Where lanes of several types stand side by side.
create function private.pick_next(p_lanes private.lane_head[], p_priority smallint, p_limit int)
returns tid[]
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
  return array(
    select head.entry
    from unnest(p_lanes) as lane
    cross join lateral (
      select waiting.ctid as entry, waiting.turn, waiting.place
      from private.job_waiting as waiting
      where waiting.job_type = lane.job_type and waiting.job_priority = p_priority
        and waiting.turn is not null and (waiting.turn, waiting.place) >= (lane.from_turn, lane.from_place)
        and waiting.scheduled_for <= now() and (waiting.expires_at is null or waiting.expires_at > now())
      order by waiting.turn, waiting.place
      limit p_limit
      for update skip locked
    ) as head
    where lane.job_priority = p_priority
    order by head.turn, head.place
    limit p_limit);
end;
$$;
comment on function private.pick_next(private.lane_head[], smallint, int) is
  'Locks the entries of the next jobs of a priority, passing over what another claim has; returns where they stand.';

create function private.lock_jobs(p_entries tid[])
returns private.picked_jobs[]
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return array(
    select row(type.name, type.lease, type.max_runtime,
      coalesce(type.max_concurrency, type.max_per_user, type.rate_limit) is not null, locked.entries, locked.rows,
      locked.ids, locked.last_turn, locked.has_owner, locked.worked)::private.picked_jobs
    from (
      select waiting.job_type, array_agg(waiting.ctid) as entries, array_agg(job.row_id) as rows,
        array_agg(waiting.job_id) as ids, max(waiting.turn) as last_turn, bool_or(waiting.user_id is not null) as has_owner,
        max(job.runtime_seconds) as worked
      from private.job_waiting as waiting
      cross join lateral (
        select job.ctid as row_id, job.runtime_seconds
        from public.job_queue as job
        where job.id = waiting.job_id and job.status = 'pending' and job.turn is not null
        for update skip locked
      ) as job
      where waiting.ctid = any(p_entries)
      group by waiting.job_type
    ) as locked
    join public.job_type as type on type.name = locked.job_type);
end;
$$;
comment on function private.lock_jobs(tid[]) is
  'Locks the jobs of these entries that are there to be started, by type.';

create function private.charge_rates(p_started text[])
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  insert into private.job_rate as rate (job_type, tokens, refilled_at)
  select started.job_type, private.tokens_left(started.job_type) - started.jobs, clock_timestamp()
  from (select job_type, count(*) as jobs from unnest(p_started) as job_type group by job_type) as started
  join public.job_type as type on type.name = started.job_type and type.rate_limit is not null
  on conflict (job_type) do update
    set tokens = excluded.tokens, refilled_at = excluded.refilled_at;
end;
$$;
comment on function private.charge_rates(text[]) is
  'Takes one token per started job: every claim is a start, paid for in its transaction or not at all.';

revoke all on function
  private.pick_by_rules(int, text[], int, timestamptz),
  private.pick_next(private.lane_head[], smallint, int),
  private.lock_jobs(tid[]),
  private.charge_rates(text[])
from public, anon, authenticated, service_role;

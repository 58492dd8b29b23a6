-- How jobs line up, and from where a claim looks at those that stand in line. A lane is a priority of a job
-- type; its clock is the highest turn that was claimed, and whoever lines up stands behind that.

create function private.enter_line()
returns bigint
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
  return v_epoch;
end;
$$;
comment on function private.enter_line() is
  'Called before the time of a lane is read to line up by it: until this transaction ends, no floor passes where it may stand. Returns the epoch; see private.move_cursors().';

create function private.line_up(p_user_id uuid, p_priority smallint, p_count int default 1)
returns bigint
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
declare
  v_epoch constant bigint := private.enter_line();
  v_first bigint;
  v_turn bigint;
begin
  if p_user_id is not null then
    -- A user's jobs stand one behind the other, so that users take turns.
    return (
      select virtual_time + 1 + (
        select count(*)
        from (
          -- Fenced off: planned on a young table, this would read a lane.
          select turn, job_priority from private.job_waiting where user_id = p_user_id and is_counted limit 1000
        ) as waiting
        where waiting.turn is not null and waiting.job_priority = p_priority)
      from private.job_lane
      where job_priority = p_priority);
  end if;

  -- So do the system's, however many wait: counted by a sequence, which nobody has to wait for.
  v_first := (select virtual_time + 1 from private.job_lane where job_priority = p_priority);
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

create function private.line_up_users(p_user_ids uuid[], p_priorities smallint[])
returns table (user_id uuid, job_priority smallint, first_turn bigint, active int)
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_epoch constant bigint := private.enter_line();
begin
  return query
  select own.user_id, own.job_priority, lane.virtual_time + 1 + waiting.in_line,
    -- As private.count_active_jobs().
    waiting.jobs + coalesce(own.deferred, 0)
      + (select count(*) from private.job_active as active where active.user_id = own.user_id)::int
  from unnest(p_user_ids, p_priorities, private.count_deferred_jobs(p_user_ids)) as own (user_id, job_priority, deferred)
  join private.job_lane as lane on lane.job_priority = own.job_priority
  cross join lateral (
    select count(*)::int as jobs,
      count(*) filter (where entry.turn is not null and entry.job_priority = own.job_priority) as in_line
    from (
      select turn, job_priority from private.job_waiting where user_id = own.user_id and is_counted limit 1000
    ) as entry
  ) as waiting;
end;
$$;
comment on function private.line_up_users(uuid[], smallint[]) is
  'As line_up() for many users, each in a lane: the first turn there, and how many active jobs the user has; who has 1 000 has enough.';

create function private.line_up_again(
  p_user_ids uuid[], p_job_types text[], p_priorities smallint[], p_jobs int[], p_behind int default 0
)
returns bigint[]
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_nestloop = on set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_epoch constant bigint := private.enter_line();
  v_turns bigint[];
begin
  -- Nobody is waited for, since whoever asks holds jobs: who finds that another transaction is moving the same flow
  -- stands beside what that one lines up, and is not remembered. So a turn has one job of a user, and one more for
  -- each transaction that lines some up at the same moment.
  with own as (
    select coalesce(asked.user_id, '00000000-0000-0000-0000-000000000000') as flow_id, asked.job_type,
      asked.job_priority, asked.jobs, asked.place, lane.virtual_time + p_behind as lane_time
    from unnest(p_user_ids, p_job_types, p_priorities, p_jobs) with ordinality
      as asked (user_id, job_type, job_priority, jobs, place)
    join private.job_lane as lane on lane.job_priority = asked.job_priority
  ),
  free as materialized (
    select flow.flow_id, flow.job_priority, flow.again_type, greatest(own.lane_time, flow.last_turn) + own.jobs as last_turn
    from own
    join private.job_flow as flow
      on flow.flow_id = own.flow_id and flow.job_priority = own.job_priority and flow.again_type = own.job_type
    for update of flow skip locked
  ),
  moved as (
    update private.job_flow as flow
    set last_turn = greatest(flow.last_turn, free.last_turn)
    from free
    where flow.flow_id = free.flow_id and flow.job_priority = free.job_priority and flow.again_type = free.again_type
  ),
  placed as materialized (
    select own.*, flow.flow_id is not null as is_known, greatest(own.lane_time, flow.last_turn) + 1 as first_turn
    from own
    left join private.job_flow as flow
      on flow.flow_id = own.flow_id and flow.job_priority = own.job_priority and flow.again_type = own.job_type
  ),
  opened as (
    insert into private.job_flow (flow_id, job_priority, last_turn, again_type)
    select flow_id, job_priority, first_turn + jobs - 1, job_type
    from placed
    -- Whoever else inserts the same would be waited for. One lock for many flows, as there is little room for locks.
    where not is_known
      and pg_try_advisory_xact_lock(hashtextextended('job_flow', hashtextextended(flow_id::text, 0) & 63))
    on conflict do nothing
  )
  select array_agg(first_turn order by place) into v_turns from placed;
  return v_turns;
end;
$$;
comment on function private.line_up_again(uuid[], text[], smallint[], int[], int) is
  'Where jobs of users, or of the system, stand that have been in the queue before or have waited for their time: behind those of their type before them, one by one as they may come. For each user, type and lane, named once, the first of its p_jobs turns; at the earliest p_behind turns behind the first free one.';

create function private.next_turn(p_priority smallint)
returns bigint
language plpgsql volatile set search_path = ''
as $$
declare
  v_epoch constant bigint := private.enter_line();
begin
  return (select virtual_time + 1 from private.job_lane where job_priority = p_priority);
end;
$$;
comment on function private.next_turn(smallint) is 'The first free turn in a priority lane.';

create view private.lane_head with (security_invoker = true) as
select cursor.job_type, cursor.job_priority, head.turn, head.place, cursor.turn as from_turn, cursor.place as from_place,
  (select time.virtual_time from private.job_lane as time where time.job_priority = cursor.job_priority) as lane_time,
  type.lease, type.max_runtime,
  coalesce(type.max_concurrency, type.max_per_user, type.rate_limit) is not null as is_limited,
  case when head.user_id is not null then head.job_id end as first_of_user
from private.job_cursor as cursor
cross join lateral (
  select waiting.job_type, waiting.turn, waiting.place, waiting.user_id, waiting.job_id
  from private.job_waiting as waiting
  where waiting.job_type = cursor.job_type and waiting.job_priority = cursor.job_priority
    and waiting.turn is not null and (waiting.turn, waiting.place) >= (cursor.turn, cursor.place)
  order by waiting.turn, waiting.place
  limit 1
) as head
-- Only for lanes in which one stands.
cross join lateral (
  select name, lease, max_runtime, max_concurrency, max_per_user, rate_limit
  from public.job_type
  where name = head.job_type and not is_paused
  offset 0
) as type;
comment on view private.lane_head is
  'Lanes of open types in which a job stands ready: where the first one stands, from where it was looked for, and the time of the lane; first_of_user: that job, if it is a user''s.';
revoke all on private.lane_head from public, anon, authenticated, service_role;

create function private.lanes_with_work(p_job_types text[])
returns setof private.lane_head
language plpgsql volatile rows 10 set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return query
  select lane.*
  from private.lane_head as lane
  where p_job_types is null or lane.job_type = any(p_job_types)
  order by lane.job_priority, lane.job_type;
end;
$$;
comment on function private.lanes_with_work(text[]) is
  'Lanes in which a job stands ready, first priority first; null = of every type.';

-- The floor of a lane moves behind the claims. When a claim looks, everything below the first job it sees
-- has gone; but who has read the lane's time before and is still open may yet bring a job to a place below,
-- and who reads it later may line up from the time on that everybody can read now. So the place seen now is
-- only noted, no further than that time, and becomes the floor when all who had read it before have ended.
-- Epochs tell when: whoever lines up shares a lock on the current one to the end of its transaction
-- (private.enter_line()), and one epoch follows on the next only when nobody holds the one before it. Two
-- epochs after a note nobody is left from before it. Transactions that line nothing up hold no floor, however
-- long they are open. A claim reads the epoch before it looks, or a job could come in between.
-- Who breaks the rule all the same (a job inserted with an old turn) sets the floor back itself, and the
-- tick looks below it: see private.lower_cursors().
create function private.move_cursors(p_lanes private.lane_head[], p_epoch bigint)
returns void
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off
as $$
declare
  v_epoch bigint := pg_sequence_last_value('private.job_epoch');
begin
  -- What it saw may be older than the epoch.
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    return;
  end if;

  with free as (
    select cursor.job_type, cursor.job_priority, seen.turn as seen_turn, seen.place as seen_place, seen.lane_time
    from unnest(p_lanes) as seen
    join private.job_cursor as cursor on cursor.job_type = seen.job_type and cursor.job_priority = seen.job_priority
    where cursor.next_epoch + 2 <= p_epoch
    -- One that another claim is moving right now is left to it.
    for update of cursor skip locked
  )
  update private.job_cursor as cursor
  set (turn, place) = (
      select floor.turn, floor.place
      from (values (cursor.next_turn, cursor.next_place), (free.seen_turn, free.seen_place)) as floor (turn, place)
      order by floor.turn, floor.place
      limit 1
    ),
    next_turn = least(free.seen_turn, free.lane_time + 1),
    next_place = case when free.seen_turn <= free.lane_time + 1 then free.seen_place else 0 end,
    next_epoch = v_epoch
  from free
  where cursor.job_type = free.job_type and cursor.job_priority = free.job_priority;

  -- Whoever has the lock on the epoch before is the only one that may end this one, and the next after it.
  for i in 1..2 loop
    exit when not pg_try_advisory_xact_lock(hashtextextended('job_epoch', v_epoch - 1))
      or pg_sequence_last_value('private.job_epoch') <> v_epoch;
    v_epoch := nextval('private.job_epoch');
  end loop;
end;
$$;
comment on function private.move_cursors(private.lane_head[], bigint) is
  'Moves the floor of these lanes up to where nothing can wait below it, and the epoch on; p_epoch is the one that was read before they were seen.';

create function private.lower_cursors()
returns int
language plpgsql volatile set search_path = ''
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_lowered int;
begin
  with late as (
    select cursor.job_type, cursor.job_priority, head.turn, head.place
    from private.job_cursor as cursor
    cross join lateral (
      select waiting.turn, waiting.place
      from private.job_waiting as waiting
      where waiting.job_type = cursor.job_type and waiting.job_priority = cursor.job_priority
        and waiting.turn is not null and (waiting.turn, waiting.place) < (cursor.turn, cursor.place)
      order by waiting.turn, waiting.place
      limit 1
    ) as head
  )
  update private.job_cursor as cursor
  set turn = late.turn, place = late.place
  from late
  where cursor.job_type = late.job_type and cursor.job_priority = late.job_priority
    and (cursor.turn, cursor.place) > (late.turn, late.place);
  get diagnostics v_lowered = row_count;
  return v_lowered;
end;
$$;
comment on function private.lower_cursors() is
  'Sets the floor of lanes back to a job that came to stand below it; returns how many.';

revoke all on function
  private.enter_line(),
  private.line_up(uuid, smallint, int),
  private.line_up_users(uuid[], smallint[]),
  private.line_up_again(uuid[], text[], smallint[], int[], int),
  private.next_turn(smallint),
  private.lanes_with_work(text[]),
  private.move_cursors(private.lane_head[], bigint),
  private.lower_cursors()
from public, anon, authenticated, service_role;

-- Which job types may start something now: pauses, caps and rates are decided here and nowhere else. The
-- claim asks, and so does whoever wants to know whether work is due; nothing that waits only for a slot
-- rings a bell. Caps are counted from live leases, so that a crash can leak no slot.

create type private.open_job_type as (
  name text,
  slots int,
  max_per_user int,
  blocked_users uuid[],
  is_limited boolean
);
comment on type private.open_job_type is
  'A job type that may start something: how many, of whom none (paused or at max_per_user), and whether a limit must be kept exactly.';

create function private.tokens_left(p_job_type text)
returns double precision
language sql volatile set search_path = ''
as $$
  -- The clock, not now(): a transaction that began earlier must not read time as going backwards.
  select least(type.rate_limit, coalesce(
    rate.tokens + greatest(0, extract(epoch from clock_timestamp() - rate.refilled_at))
      * type.rate_limit / extract(epoch from type.rate_window),
    type.rate_limit))
  from public.job_type as type
  left join private.job_rate as rate on rate.job_type = type.name
  where type.name = p_job_type;
$$;
comment on function private.tokens_left(text) is
  'Starts a type has left in its token bucket of rate_limit, refilled evenly over rate_window; null = no rate.';

create function private.job_type_lock(p_job_type text)
returns bigint
language sql immutable set search_path = ''
as $$
  select hashtextextended('job_type:' || p_job_type, 0);
$$;
comment on function private.job_type_lock(text) is
  'Key of the advisory lock under which starts of a limited type are counted, one transaction at a time.';

create function private.open_job_types(
  p_slots int, p_job_types text[] default null, p_lock boolean default false
)
returns setof private.open_job_type
language plpgsql volatile set search_path = ''
as $$
declare
  v_names text[];
begin
  if (select is_draining from private.job_setting) then
    return;
  end if;

  -- Two claims that count at once would both find the last slot free. So only one at a time may start
  -- jobs of a limited type, the others pass on to other types; and it counts in a later statement, which
  -- sees what the one before has taken.
  select array_agg(type.name) into v_names
  from public.job_type as type
  where case
    when type.is_paused or type.name <> all(p_job_types) then false
    when not p_lock or coalesce(type.max_concurrency, type.max_per_user, type.rate_limit) is null then true
    -- Nobody is kept from a type for nothing. (Not exists(): the planner might hash all that waits.)
    when (
        select true from private.job_waiting as waiting
        where waiting.job_type = type.name and waiting.turn is not null limit 1) is null
      and (
        select true from private.job_waiting as waiting
        where waiting.job_type = type.name and waiting.held_by = 'user_cap' limit 1) is null
    then false
    else pg_try_advisory_xact_lock(private.job_type_lock(type.name))
  end;

  return query
  select open_type.*
  from (
    select type.name,
      least(p_slots, type.max_concurrency - coalesce(running.jobs, 0),
        case when type.rate_limit is not null then floor(private.tokens_left(type.name)) end)::int as slots,
      type.max_per_user,
      coalesce(running.full_users, '{}') || array(select pause.user_id from private.job_pause as pause)
        as blocked_users,
      coalesce(type.max_concurrency, type.max_per_user, type.rate_limit) is not null as is_limited
    from public.job_type as type
    left join lateral (
      select sum(of_user.jobs)::int as jobs,
        array_agg(of_user.user_id) filter (
          where of_user.jobs >= type.max_per_user and of_user.user_id is not null) as full_users
      from (
        select running.user_id, count(*) as jobs
        from private.job_running as running
        where running.job_type = type.name
          and coalesce(type.max_concurrency, type.max_per_user) is not null
        group by running.user_id
      ) as of_user
    ) as running on true
    where type.name = any(v_names)
  ) as open_type
  where open_type.slots > 0;
end;
$$;
comment on function private.open_job_types(int, text[], boolean) is
  'Job types that may start now, with up to p_slots each; with p_lock, limited types that somebody else is starting are left out.';

-- A user at a limit whose many jobs stand at the head of a lane would make every claim walk over them.
-- A claim looks at this many jobs of a lane beyond what it wants, and puts a larger crowd aside.
create function private.lane_window()
returns int
language sql immutable set search_path = ''
as $$ select 50; $$;
comment on function private.lane_window() is
  'How far beyond the wanted number a claim looks into the lanes of a type, where it may have to pass over jobs.';

create function private.put_blocked_jobs_aside(p_open private.open_job_type[])
returns int
language plpgsql volatile set search_path = ''
as $$
declare
  v_window int := private.lane_window();
  v_round int;
  v_total int := 0;
begin
  -- At most some 5 000 jobs in one go: the next claim goes on.
  for i in 1..10 loop
    with seen as materialized (
      select first.entry, first.user_id, open_type.name, open_type.max_per_user is not null as is_capped
      from unnest(p_open) as open_type
      cross join lateral (
        select waiting.ctid as entry, waiting.user_id
        from private.job_waiting as waiting
        where waiting.job_type = open_type.name and waiting.turn is not null
        order by waiting.job_priority, waiting.turn, waiting.place
        limit open_type.slots + v_window
      ) as first
      where first.user_id = any(open_type.blocked_users)
    ),
    -- Locked, so that who resumes this user waits for us and finds what we hold.
    paused as materialized (
      select pause.user_id
      from private.job_pause as pause
      where pause.user_id in (select user_id from seen)
      for key share skip locked
    ),
    crowd as (
      -- A pause may last, a slot is soon free: a few jobs that wait for one stay where they are. So do those
      -- of a user who is being resumed: where there is no cap, a lock on the pause is all that keeps them.
      select entry
      from (select *, count(*) over (partition by name) as jobs from seen) as counted
      where user_id in (select user_id from paused) or (is_capped and jobs > private.lane_window() / 2)
    ),
    taken as (
      select job.row_id
      from (
        -- Entry first: what another claim is starting is left to it.
        select waiting.job_id
        from private.job_waiting as waiting
        where waiting.ctid = any(array(select entry from crowd))
        for update skip locked
      ) as entry
      cross join lateral (
        select job.ctid as row_id
        from public.job_queue as job
        where job.id = entry.job_id and job.status = 'pending' and job.turn is not null
        for update skip locked
      ) as job
    )
    update public.job_queue as job
    set turn = null,
      held_by = case when job.user_id in (select user_id from paused) then 'user_pause' else 'user_cap' end
    where job.ctid = any(array(select row_id from taken));
    get diagnostics v_round = row_count;
    v_total := v_total + v_round;
    exit when v_round <= private.lane_window() / 2;
    v_window := 500;
  end loop;
  return v_total;
end;
$$;
comment on function private.put_blocked_jobs_aside(private.open_job_type[]) is
  'Holds jobs of paused users and crowds of users at max_per_user that stand at the head of these types; returns how many.';

create function private.next_capped_user(p_job_type text, p_after uuid)
returns uuid
language sql volatile set search_path = ''
as $$
  select coalesce(
    (select user_id from private.job_waiting
      where held_by = 'user_cap' and job_type = p_job_type and user_id > p_after
      order by user_id limit 1),
    (select user_id from private.job_waiting
      where held_by = 'user_cap' and job_type = p_job_type
      order by user_id limit 1));
$$;
comment on function private.next_capped_user(text, uuid) is
  'The next user, round and round, with jobs of this type put aside.';

create function private.capped_users_with_room(p_open private.open_job_type[])
returns table (job_type text, user_id uuid, room int)
language sql volatile set search_path = ''
as $$
  -- A hundred users from a random one on: bounded, and everybody's turn comes.
  with recursive holder as (
    select open_type.name, open_type.slots, open_type.max_per_user, first.user_id, first.user_id as first_user_id, 1 as step
    from unnest(p_open) as open_type
    cross join lateral private.next_capped_user(open_type.name, gen_random_uuid()) as first (user_id)
    where first.user_id is not null
    union all
    select holder.name, holder.slots, holder.max_per_user, next.user_id, holder.first_user_id, holder.step + 1
    from holder
    cross join lateral private.next_capped_user(holder.name, holder.user_id) as next (user_id)
    where holder.step < 100 and next.user_id <> holder.first_user_id
  ),
  counted as (
    -- The cap may have been lifted since.
    select name, user_id, least(slots, max_per_user - (
      select count(*)::int from private.job_running as running
      where running.job_type = holder.name and running.user_id = holder.user_id
    )) as room
    from holder
  )
  select name, user_id, room from counted where room > 0;
$$;
comment on function private.capped_users_with_room(private.open_job_type[]) is
  'Users whose jobs of these types were put aside at max_per_user and who may start some again.';

create function private.line_up_capped_jobs(p_open private.open_job_type[])
returns int
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
declare
  v_lined_up int;
begin
  perform from private.job_waiting where held_by = 'user_cap' limit 1;
  if not found then
    return 0;
  end if;

  with next as materialized (
    select job.id, job.user_id, job.job_type, job.job_priority
    from public.job_queue as job
    where job.id = any(array(
        select first.job_id
        from private.capped_users_with_room(p_open) as capped
        cross join lateral (
          select waiting.job_id
          from private.job_waiting as waiting
          where waiting.held_by = 'user_cap' and waiting.job_type = capped.job_type
            and waiting.user_id = capped.user_id
          order by waiting.job_priority, waiting.place
          limit capped.room
        ) as first
      )) and job.held_by = 'user_cap'
    for update skip locked
  ),
  -- Every claim does so, and what the one before lined up may still wait: where a cap was lifted, a crowd.
  line as materialized (
    select private.line_up_again(array_agg(user_id order by user_id, job_type, job_priority),
      array_agg(job_type order by user_id, job_type, job_priority),
      array_agg(job_priority order by user_id, job_type, job_priority),
      array_agg(jobs order by user_id, job_type, job_priority)) as turns
    from (
      select user_id, job_type, job_priority, count(*)::int as jobs from next group by user_id, job_type, job_priority
    ) as own
    having count(*) > 0
  )
  update public.job_queue as job
  set held_by = null, turn = placed.turn
  from (
    select id, (select turns from line)[dense_rank() over (order by user_id, job_type, job_priority)] - 1
      + row_number() over (partition by user_id, job_type, job_priority order by id) as turn
    from next
  ) as placed
  -- By its ids: else, planned on a young table, it would read all of it.
  where job.id = placed.id and job.id = any(array(select id from next));
  get diagnostics v_lined_up = row_count;
  return v_lined_up;
end;
$$;
comment on function private.line_up_capped_jobs(private.open_job_type[]) is
  'Gives jobs that were put aside at max_per_user back to their lanes, as many as their users may start; returns how many.';

revoke all on function
  private.tokens_left(text),
  private.job_type_lock(text),
  private.open_job_types(int, text[], boolean),
  private.lane_window(),
  private.put_blocked_jobs_aside(private.open_job_type[]),
  private.next_capped_user(text, uuid),
  private.capped_users_with_room(private.open_job_type[]),
  private.line_up_capped_jobs(private.open_job_type[])
from public, anon, authenticated, service_role;

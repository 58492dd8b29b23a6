-- How a worker comes by jobs. A claim first puts the queue right (lost leases, expired and newly due
-- jobs), looks which lanes have work, asks which types are open, and takes the next jobs: by priority,
-- then taking turns between users, then first come first served; and a share of its jobs from lanes that
-- strict priority has kept waiting for too long. What it looks at are the slim rows of job_waiting; the
-- jobs themselves are only touched once they are chosen.

-- Where nothing but the order decides: no cap, no rate, nobody paused.
create function private.pick_next(p_lanes private.lane_head[], p_limit int)
returns uuid[]
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_priority smallint;
  v_picked uuid[] := '{}';
begin
  for v_priority in select distinct job_priority from unnest(p_lanes) order by 1 loop
    with next as (
      select head.row_id
      from unnest(p_lanes) as lane
      cross join lateral (
        select waiting.ctid as row_id, waiting.turn, waiting.place
        from private.job_waiting as waiting
        where waiting.job_type = lane.job_type and waiting.job_priority = v_priority
          and waiting.turn is not null and (waiting.turn, waiting.place) >= (lane.from_turn, lane.from_place)
          and waiting.scheduled_for <= now() and (waiting.expires_at is null or waiting.expires_at > now())
        order by waiting.turn, waiting.place
        limit p_limit - cardinality(v_picked)
        for update skip locked
      ) as head
      where lane.job_priority = v_priority
      order by head.turn, head.place
      limit p_limit - cardinality(v_picked)
    ),
    taken as (
      delete from private.job_waiting where ctid = any(array(select row_id from next)) returning job_id
    )
    select v_picked || array_agg(job_id) into v_picked from taken;
    exit when cardinality(v_picked) >= p_limit;
  end loop;
  return v_picked;
end;
$$;
comment on function private.pick_next(private.lane_head[], int) is
  'Takes away the entries of the next jobs of these lanes, passing over what another claim has; returns their ids.';

-- What a claim has: where the jobs stand, now locked, and what is written about them elsewhere.
create type private.picked_jobs as (
  rows tid[],
  ids uuid[],
  types text[],
  user_ids uuid[],
  worked double precision
);
comment on type private.picked_jobs is
  'Jobs that a claim has locked, column by column; worked: the longest any of them has run before, in seconds.';

create function private.lock_jobs(p_job_ids uuid[])
returns private.picked_jobs
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
declare
  v_locked private.picked_jobs;
begin
  with locked as materialized (
    -- Nobody's lock is waited for: what is being cancelled, say, is left where it is.
    select job.ctid as row_id, job.id, job.job_type, job.user_id, job.runtime_seconds, job.job_priority, job.turn
    from public.job_queue as job
    where job.id = any(p_job_ids) and job.status = 'pending' and job.turn is not null
    for update skip locked
  ),
  free as (
    -- A lane whose clock another claim is moving right now is left to it.
    select lane.job_priority, latest.turn
    from (select job_priority, max(turn) as turn from locked group by job_priority) as latest
    join private.job_lane as lane on lane.job_priority = latest.job_priority and lane.virtual_time < latest.turn
    for update of lane skip locked
  ),
  moved as (
    update private.job_lane as lane
    set virtual_time = free.turn
    from free
    where lane.job_priority = free.job_priority
  )
  select array_agg(row_id), array_agg(id), array_agg(job_type), array_agg(user_id), max(runtime_seconds)
  into v_locked
  from locked;

  if cardinality(v_locked.ids) is distinct from cardinality(p_job_ids) then
    insert into private.job_waiting (job_id, user_id, job_type, job_priority, turn, held_by, scheduled_for, expires_at)
    select id, user_id, job_type, job_priority, turn, held_by, scheduled_for, expires_at
    from public.job_queue
    where id = any(p_job_ids) and id <> all(coalesce(v_locked.ids, '{}')) and status = 'pending'
    -- Whoever holds the job may have put its entry back already.
    on conflict do nothing;
  end if;
  return v_locked;
end;
$$;
comment on function private.lock_jobs(uuid[]) is
  'Locks those of the picked jobs that are still there to be started, moves the clock of their lanes, and gives the entries of the others back.';

create function private.list_claimed(p_worker_id text, p_jobs private.picked_jobs)
returns void
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
  -- One statement, whose snapshot is taken when it may write the leases: see tg_job_type__count_running().
  with started as materialized (
    select job_type, count(*)::int as jobs, array_agg(job_id) as job_ids
    from unnest(p_jobs.ids, p_jobs.types) as job (job_id, job_type)
    group by job_type
  ),
  counted as (
    insert into private.job_count_change (job_type, status, change)
    select started.job_type, side.status, started.jobs * side.sign
    from started, (values ('pending', -1), ('processing', 1)) as side (status, sign)
  ),
  limited as (
    insert into private.job_running (job_id, job_type, user_id)
    select job.job_id, job.job_type, job.user_id
    from started
    join public.job_type as type on type.name = started.job_type
      and coalesce(type.max_concurrency, type.max_per_user, type.rate_limit) is not null
    cross join lateral (
      select * from unnest(p_jobs.ids, p_jobs.types, p_jobs.user_ids) as job (job_id, job_type, user_id)
      where job.job_type = started.job_type
    ) as job
    on conflict do nothing
  )
  insert into private.job_lease (job_type, worker_id, check_at, job_ids)
  select started.job_type, p_worker_id,
    least(clock_timestamp() + type.lease, now() + type.max_runtime - p_jobs.worked * interval '1 second'),
    started.job_ids
  from started
  join public.job_type as type on type.name = started.job_type;
end;
$$;
comment on function private.list_claimed(text, private.picked_jobs) is
  'Lists jobs that a claim is about to start as running, and counts them: what the trigger does for all others.';

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

create function private.take_jobs(p_worker_id text, p_batch_size int, p_job_types text[])
returns table (
  id uuid, user_id uuid, job_type text, params jsonb, checkpoint jsonb, progress_percent smallint,
  retry_count int, max_retries int, crash_count int, parent_job_id uuid, fencing_token bigint, lease_ms int
)
language plpgsql volatile security definer rows 100 set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  v_batch_size constant int := least(greatest(coalesce(p_batch_size, 10), 1), 1000);
  v_epoch constant bigint := pg_sequence_last_value('private.job_epoch');
  v record;
  v_aged int;
  v_type record;
  v_by_rules boolean;
  v_job private.picked_jobs;
begin
  if coalesce(p_worker_id, '') = '' then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_worker_id'));
  end if;

  for look in 1..2 loop
    -- Everything there is to know in one look, since for a single job what costs is the statements.
    select setting.is_draining, setting.ageing_share, setting.ageing_after,
      array(select lane from private.lanes_with_work(p_job_types) as lane) as lanes,
      pg_current_xact_id_if_assigned() is null as has_no_number,
      exists (select from private.job_waiting where held_by = 'user_cap') as is_capped,
      exists (select from private.job_pause) as is_paused,
      -- As private.put_queue_right() asks.
      exists (select from private.job_lease where check_at <= now())
        or exists (select from private.job_waiting where expires_at <= now())
        or exists (
          select from private.job_waiting
          where turn is null and held_by is null and scheduled_for <= now()) as has_to_be_put_right
    into v
    from private.job_setting as setting;
    exit when not v.has_to_be_put_right;
    exit when look = 2;
    perform private.put_queue_right();
  end loop;
  -- Most claims of an idle worker end here.
  if v.is_draining or (v.lanes = '{}' and not v.is_capped) then
    return;
  end if;

  -- A share of a job is a job with that probability, so that single claims keep to it, too.
  v_aged := floor(v_batch_size * v.ageing_share + random());
  select array_agg(name) as names, array_agg(lease) as leases,
    array_agg((extract(epoch from lease) * 1000)::int) as lease_ms,
    bool_or(coalesce(max_concurrency, max_per_user, rate_limit) is not null
      and not is_paused and name in (select job_type from unnest(v.lanes))) as has_limit,
    array_agg(name) filter (where not is_paused) as open_names, '' as said
  into v_type
  from public.job_type
  where p_job_types is null or name = any(p_job_types);

  v_by_rules := v_type.has_limit or v.is_capped or v.is_paused
    or (v_aged > 0 and v.lanes[1].job_priority <> v.lanes[cardinality(v.lanes)].job_priority);
  if v_by_rules then
    v_job := private.lock_jobs(private.pick_by_rules(v_batch_size, p_job_types, v_aged, now() - v.ageing_after));
  else
    v_job := private.lock_jobs(private.pick_next(
      array(select lane from unnest(v.lanes) as lane where lane.job_type = any(v_type.open_names)), v_batch_size));
  end if;
  if v_job.rows is null then
    return;
  end if;
  -- Moving a floor costs as much as passing over a hundred dead entries.
  if v.has_no_number and random() * 100 < cardinality(v_job.rows) then
    perform private.move_cursors(v.lanes, v_epoch);
  end if;
  if v_by_rules then
    perform private.charge_rates(v_job.types);
  end if;
  perform private.list_claimed(p_worker_id, v_job);
  v_type.said := set_config('job_engine.claim', case
    when array_remove(v_job.user_ids, null) = '{}' then 'of the system' else 'of users' end, true);

  return query
  -- By row address: the rows are locked, and a join would tempt the planner to scan the table.
  update public.job_queue as job
  set status = 'processing',
    worker_id = p_worker_id,
    fencing_token = job.fencing_token + 1,
    is_classic = false,
    -- From this moment: a claim that had to wait must not hand out leases that are half used up.
    lease_expires_at = clock_timestamp() + v_type.leases[array_position(v_type.names, job.job_type)],
    started_at = coalesce(job.started_at, now()),
    slice_started_at = now(),
    seq = job.seq + 1,
    updated_at = now()
  where job.ctid = any(v_job.rows)
  returning job.id, job.user_id, job.job_type, job.params, job.checkpoint, job.progress_percent, job.retry_count,
    job.max_retries, job.crash_count, job.parent_job_id, job.fencing_token,
    v_type.lease_ms[array_position(v_type.names, job.job_type)];
  v_type.said := set_config('job_engine.claim', '', true);
end;
$$;
comment on function private.take_jobs(text, int, text[]) is
  'Body of claim_jobs(): what a worker needs of each job, in no order. Lends the right to change the queue.';

revoke all on function
  private.pick_next(private.lane_head[], int),
  private.lock_jobs(uuid[]),
  private.list_claimed(text, private.picked_jobs),
  private.charge_rates(text[]),
  private.take_jobs(text, int, text[])
from public, anon, authenticated, service_role;
grant execute on function private.take_jobs(text, int, text[]) to service_role;

create function public.claim_jobs(
  p_worker_id text, p_batch_size int default 10, p_job_types text[] default null
)
returns setof public.job_queue
language plpgsql volatile rows 10 set search_path = ''
as $$
declare
  v_job_ids constant uuid[] := array(
    select id from private.take_jobs(p_worker_id, p_batch_size, p_job_types));
begin
  return query
  select job.*
  from public.job_queue as job
  where job.id = any(v_job_ids)
  order by job.job_priority, job.turn, job.created_at;
end;
$$;
comment on function public.claim_jobs(text, int, text[]) is
  'Service only. Takes up to p_batch_size due jobs for a worker, each with a new fencing token and a lease.';
revoke all on function public.claim_jobs(text, int, text[]) from public, anon, authenticated, service_role;
grant execute on function public.claim_jobs(text, int, text[]) to service_role;

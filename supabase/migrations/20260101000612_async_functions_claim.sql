-- How a worker comes by jobs. A claim first puts the queue right (lost leases, expired and newly due
-- jobs), asks which types are open, then takes the next jobs in one statement: by priority, then taking
-- turns between users, then first come first served; and a share of its jobs from lanes that strict
-- priority has kept waiting for too long.

create function private.claim_jobs(p_worker_id text, p_batch_size int, p_job_types text[])
returns setof public.job_queue
language plpgsql volatile security definer set search_path = ''
-- Planning this statement takes longer than running it, and its best plan is always the same: the one
-- over the lanes' index, also when a worker's first claim meets an empty table, which it would rather scan.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  v_batch_size constant int := least(greatest(coalesce(p_batch_size, 10), 1), 1000);
  v_window constant int := private.lane_window();
  v_open private.open_job_type[];
  v_aged int;
  v_aged_before timestamptz;
begin
  if coalesce(p_worker_id, '') = '' then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_worker_id'));
  end if;

  perform private.recover_lost_jobs();
  perform private.expire_pending_jobs();
  perform private.promote_due_jobs();

  -- Most claims of an idle worker end here.
  if not exists (select from public.job_queue where status = 'pending' and turn is not null)
    and not exists (select from public.job_queue where held_by = 'user_cap')
  then
    return;
  end if;

  v_open := array(
    select open_type from private.open_job_types(v_batch_size, p_job_types, p_lock => true) as open_type);
  if v_open = '{}' then
    return;
  end if;
  if exists (select from unnest(v_open) as open_type where open_type.blocked_users <> '{}') then
    perform private.put_blocked_jobs_aside(v_open);
  end if;
  perform private.line_up_capped_jobs(v_open);

  -- A share of a job is a job with that probability, so that single claims keep to it, too.
  select floor(v_batch_size * ageing_share + random()), now() - ageing_after
  into v_aged, v_aged_before
  from private.job_setting;

  return query
  with open_type as materialized (
    select * from unnest(v_open)
  ),
  -- The first jobs of every type, unlocked, to see how many of each lane this claim should take.
  head as materialized (
    select first.*, open_type.name, open_type.slots, open_type.max_per_user, open_type.is_limited
    from open_type
    cross join lateral (
      select job.ctid as row_id, job.user_id, job.job_priority, job.turn, job.created_at
      from public.job_queue as job
      where job.job_type = open_type.name and job.status = 'pending' and job.turn is not null
        and job.scheduled_for <= now() and (job.expires_at is null or job.expires_at > now())
      order by job.job_priority, job.turn, job.created_at
      limit open_type.slots
        + case when open_type.max_per_user is null and open_type.blocked_users = '{}' then 0 else v_window end
    ) as first
    where first.user_id is null or first.user_id <> all(open_type.blocked_users)
  ),
  -- Where strict priority ends, if this claim is full; while there is room for all, nobody needs help.
  edge as materialized (
    select max(job_priority) as job_priority
    from (select job_priority from head order by job_priority limit v_batch_size) as first
    having v_aged > 0 and count(*) = v_batch_size
  ),
  -- Beyond it, lanes whose head has waited too long; the longest-waiting jobs of those heads.
  aged as materialized (
    select first.row_id, first.user_id, first.job_priority, first.turn, first.created_at,
      open_type.name, open_type.slots, open_type.max_per_user, open_type.is_limited
    from edge
    cross join generate_series(edge.job_priority + 1, 10) as lane (job_priority)
    cross join open_type
    cross join lateral (
      select job.ctid as row_id, job.user_id, job.job_priority, job.turn, job.created_at, job.scheduled_for
      from public.job_queue as job
      where job.job_type = open_type.name and job.job_priority = lane.job_priority
        and job.status = 'pending' and job.turn is not null
        and (job.expires_at is null or job.expires_at > now())
      order by job.turn, job.created_at
      limit v_aged
    ) as first
    where first.scheduled_for < v_aged_before
      and (first.user_id is null or first.user_id <> all(open_type.blocked_users))
    order by first.scheduled_for
    limit v_aged
  ),
  candidate as (
    select *, true as is_aged from aged
    union all
    select *, false from head where row_id <> all(array(select row_id from aged))
  ),
  within_user_cap as (
    select * from (
      select *, max_per_user is not null and user_id is not null
        and row_number() over (
          partition by name, user_id order by is_aged desc, job_priority, turn, created_at)
        + case when max_per_user is not null then (
            select count(*) from public.job_queue as job
            where job.job_type = name and job.user_id = candidate.user_id and job.status = 'processing')
          else 0 end
        > max_per_user as is_over_cap
      from candidate
    ) as counted
    where not is_over_cap
  ),
  within_slots as (
    select * from (
      select *, row_number() over (
        partition by name order by is_aged desc, job_priority, turn, created_at) as place
      from within_user_cap
    ) as placed
    where place <= slots
  ),
  lane as materialized (
    select name, job_priority, is_limited, count(*) as jobs, array_agg(row_id) as row_ids
    from (
      select name, job_priority, is_limited, row_id
      from within_slots
      order by is_aged desc, job_priority, turn, created_at
      limit v_batch_size
    ) as next
    group by name, job_priority, is_limited
  ),
  -- Then that many of each lane are locked, deeper in it where another claim was quicker. A limited type
  -- is claimed by nobody else now, and exactly the chosen jobs of it are taken.
  picked as materialized (
    select locked.row_id
    from lane
    join open_type on open_type.name = lane.name
    cross join lateral (
      select job.ctid as row_id
      from public.job_queue as job
      where job.job_type = lane.name and job.job_priority = lane.job_priority
        and job.status = 'pending' and job.turn is not null
        and job.scheduled_for <= now() and (job.expires_at is null or job.expires_at > now())
        and (job.user_id is null or job.user_id <> all(open_type.blocked_users))
      order by job.turn, job.created_at
      limit lane.jobs
      for update skip locked
    ) as locked
    where not lane.is_limited
    union all
    select exact.row_id
    from (
      select job.ctid as row_id
      from public.job_queue as job
      where job.ctid = any(array(select unnest(row_ids) from lane where is_limited))
        and job.status = 'pending' and job.turn is not null
      for update skip locked
    ) as exact
  ),
  claimed as (
    -- By row address: the rows are locked, and a join would tempt the planner to scan the table.
    update public.job_queue as job
    set status = 'processing',
      worker_id = p_worker_id,
      fencing_token = job.fencing_token + 1,
      is_classic = false,
      -- From this moment: a claim that had to wait must not hand out leases that are half used up.
      lease_expires_at = clock_timestamp() + (select type.lease from public.job_type as type where type.name = job.job_type),
      started_at = coalesce(job.started_at, now()),
      slice_started_at = now(),
      seq = job.seq + 1,
      updated_at = now()
    where job.ctid = any(array(select row_id from picked))
    returning job.*
  ),
  -- Every claim of a job is one start; it is paid for in this transaction, or not at all.
  charged as (
    insert into private.job_rate as rate (job_type, tokens, refilled_at)
    select started.job_type, private.tokens_left(started.job_type) - started.jobs, clock_timestamp()
    from (select job_type, count(*) as jobs from claimed group by job_type) as started
    join public.job_type as type on type.name = started.job_type and type.rate_limit is not null
    on conflict (job_type) do update
      set tokens = excluded.tokens, refilled_at = excluded.refilled_at
  ),
  -- A lane another claim is moving right now is left to it: nobody waits for the clock.
  free_lane as (
    select lane.job_priority, latest.turn
    from private.job_lane as lane
    join (select job_priority, max(turn) as turn from claimed group by job_priority) as latest
      on latest.job_priority = lane.job_priority and latest.turn > lane.virtual_time
    for update of lane skip locked
  ),
  moved as (
    update private.job_lane as lane
    set virtual_time = free_lane.turn
    from free_lane
    where lane.job_priority = free_lane.job_priority
  )
  select * from claimed order by job_priority, turn, created_at;
end;
$$;
comment on function private.claim_jobs(text, int, text[]) is
  'Body of claim_jobs(). Lends the right to change the queue.';

revoke all on function private.claim_jobs(text, int, text[])
from public, anon, authenticated, service_role;
grant execute on function private.claim_jobs(text, int, text[]) to service_role;

create function public.claim_jobs(
  p_worker_id text, p_batch_size int default 10, p_job_types text[] default null
)
returns setof public.job_queue
language sql volatile rows 10 set search_path = ''
as $$
  select * from private.claim_jobs(p_worker_id, p_batch_size, p_job_types);
$$;
comment on function public.claim_jobs(text, int, text[]) is
  'Service only. Takes up to p_batch_size due jobs for a worker, each with a new fencing token and a lease.';
revoke all on function public.claim_jobs(text, int, text[]) from public, anon, authenticated, service_role;
grant execute on function public.claim_jobs(text, int, text[]) to service_role;

-- How a claim takes jobs of users whose start it need not write (async_deferred_starts.sql). Locked are only their
-- entries, which is enough: whatever changes a job that waits changes its entry, too, in the same statement, and
-- waits there for the claim.
--   - Who ends one of them meanwhile (a cancel, the end of an account) ends it as if it had begun: it is completed
--     by nobody.
--   - Who moves one (a priority set by hand) finds the lease when it has waited, and has the start written, as
--     tg_job_queue__after_update() asks.
--   - Who starts one, holds it or lets it expire takes the entry first, or looks for it when it has the row
--     (start_job(), pause_user_jobs(), put_blocked_jobs_aside(), expire_pending_jobs()).
--   - Whose change is not committed yet holds the entry, and is passed over.
-- The other way round, whoever has a row and then waits for its entry, as all of them do, waits for claims only,
-- and a claim waits for nobody: no two of them can deadlock.

create function private.take_unwritten(
  p_worker_id text, p_lanes private.lane_head[], p_priority smallint, p_limit int
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
  v_lanes constant private.lane_head[] := array(
    select lane from unnest(p_lanes) as lane where lane.job_priority = p_priority);
  v_lane constant private.lane_head := v_lanes[1];
  v_next record;
begin
  -- Children, and what is tried again, stand in crowds: the first says what the others are.
  if not exists (
    select from public.job_queue
    where id = v_lane.first_of_user and fencing_token = 0 and parent_job_id is null)
  then
    return;
  end if;
  if cardinality(v_lanes) = 1 then
    select array_agg(next.entry) as entries, array_agg(next.job_id) as job_ids, max(next.turn) as last_turn,
      bool_and(next.user_id is not null) as are_of_users
    into v_next
    from (
      select waiting.ctid as entry, waiting.job_id, waiting.user_id, waiting.turn
      from private.job_waiting as waiting
      where waiting.job_type = v_lane.job_type and waiting.job_priority = v_lane.job_priority
        and waiting.turn is not null and (waiting.turn, waiting.place) >= (v_lane.from_turn, v_lane.from_place)
        and waiting.scheduled_for <= now() and (waiting.expires_at is null or waiting.expires_at > now())
      order by waiting.turn, waiting.place
      limit p_limit
      for update skip locked
    ) as next;
  else
    select array_agg(next.ctid) as entries, array_agg(next.job_id) as job_ids, max(next.turn) as last_turn,
      bool_and(next.user_id is not null) as are_of_users
    into v_next
    from private.job_waiting as next
    where next.ctid = any(private.pick_next(v_lanes, p_priority, p_limit));
  end if;
  if v_next.are_of_users is not true or cardinality(v_next.entries) < p_limit then
    return;
  end if;

  -- All of them or none: each part asks for what the lease has, which is written only when all can be left so.
  return query
  with job as materialized (
    select job.id, job.user_id, job.job_type, job.params, job.checkpoint, job.progress_percent, job.retry_count,
      job.max_retries, job.crash_count, job.parent_job_id
    from public.job_queue as job
    where job.id = any(v_next.job_ids) and job.status = 'pending' and job.turn is not null
      and job.fencing_token = 0 and job.parent_job_id is null
  ),
  kind as materialized (
    select own.job_type, own.job_ids, own.user_ids, lane.lease, lane.max_runtime,
      sum(cardinality(own.job_ids)) over () as jobs
    from (
      select job_type, array_agg(id) as job_ids, array_agg(user_id) as user_ids from job group by job_type
    ) as own
    join unnest(v_lanes) as lane on lane.job_type = own.job_type
  ),
  listed as (
    insert into private.job_lease (job_type, worker_id, check_at, job_ids, user_ids, started_at, unsettled)
    select job_type, p_worker_id, clock_timestamp() + least(lease, max_runtime), job_ids, user_ids, now(),
      cardinality(job_ids)
    from kind
    where jobs = p_limit
    returning job_type, 1000000000000 + lease_id as fencing_token
  ),
  taken as (
    delete from private.job_waiting
    where ctid = any(v_next.entries) and exists (select from listed)
  ),
  moved as (
    update private.job_lane
    set virtual_time = v_next.last_turn
    -- A lane whose clock another claim is moving right now is left to it.
    where job_priority = p_priority and virtual_time < v_next.last_turn and exists (select from listed)
      and pg_try_advisory_xact_lock(hashtextextended('job_lane', job_priority))
  )
  select job.*, listed.fencing_token, (date_part('epoch', kind.lease) * 1000)::int
  from listed
  join kind on kind.job_type = listed.job_type
  join job on job.job_type = listed.job_type;
end;
$$;
comment on function private.take_unwritten(text, private.lane_head[], smallint, int) is
  'Starts the next p_limit jobs of these lanes without writing so to their rows, if that many are there and all are of users, nobody''s children, and were never started; else none.';

revoke all on function private.take_unwritten(text, private.lane_head[], smallint, int)
from public, anon, authenticated, service_role;

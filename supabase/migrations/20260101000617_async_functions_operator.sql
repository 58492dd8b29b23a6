-- For operators and the timetable: what puts the queue right, and how it is doing.

-- When the tick last ran, rang and found something to do: the heartbeat of the engine itself.
create table private.job_tick (
  id boolean primary key default true,
  ticked_at timestamptz,
  rang_at timestamptz,
  worked_at timestamptz,
  ring_ids bigint[] not null default '{}',
  constraint job_tick_is_one_row check (id)
);
comment on table private.job_tick is
  'Last tick, last tick that rang the doorbell, last tick that found something to do.';
comment on column private.job_tick.ring_ids is
  'Ids of the tick''s last three calls through pg_net, newest first; the answer to one comes seconds later.';
insert into private.job_tick default values;
alter table private.job_tick enable row level security;
revoke all on private.job_tick from public, anon, authenticated, service_role;

create function private.live_workers()
returns table (live int, idle int)
language plpgsql volatile set search_path = ''
as $$
begin
  return query
  -- A worker that takes no more work reports a capacity of 0.
  select count(*)::int, (count(*) filter (where in_flight < capacity and not is_draining))::int
  from public.job_worker
  where heartbeat_at > clock_timestamp() - interval '6 seconds' and capacity > 0;
end;
$$;
comment on function private.live_workers() is 'Workers heard of within 6 seconds, three of their heartbeats, and those of them with room.';

create function private.due_job_types()
returns table (job_type text, due_at timestamptz)
language plpgsql volatile set search_path = ''
as $$
declare
  v_window constant int := private.lane_window();
  v_open constant private.open_job_type[] := array(
    select open_type from private.open_job_types(1) as open_type);
begin
  -- The head of every lane is the next to go; a probe per lane costs the same at any backlog.
  return query
  select waiting.name, min(waiting.scheduled_for)
  from (
    select open_type.name, head.scheduled_for
    from unnest(v_open) as open_type
    cross join generate_series(1, 10) as lane (job_priority)
    cross join lateral (
      select first.scheduled_for
      from (
        select waiting.user_id, waiting.scheduled_for
        from private.job_waiting as waiting
        where waiting.job_type = open_type.name and waiting.job_priority = lane.job_priority
          and waiting.turn is not null
        order by waiting.turn, waiting.place
        limit case when open_type.blocked_users = '{}' then 1 else v_window end
      ) as first
      where first.user_id is null or first.user_id <> all(open_type.blocked_users)
      limit 1
    ) as head
    union all
    select open_type.name, (
      select bundle.scheduled_for
      from private.job_bundle as bundle
      where bundle.job_type = open_type.name
      order by bundle.job_priority, bundle.turn
      limit 1)
    from unnest(v_open) as open_type
    union all
    select capped.job_type, (
      select first.scheduled_for
      from private.job_waiting as first
      where first.held_by = 'user_cap' and first.job_type = capped.job_type and first.user_id = capped.user_id
      order by first.job_priority, first.place
      limit 1)
    from private.capped_users_with_room(v_open) as capped
    union all
    select crashed.job_type, crashed.due_at from private.crashed_since(v_open) as crashed
  ) as waiting
  where waiting.scheduled_for <= now()
  group by waiting.name;
end;
$$;
comment on function private.due_job_types() is
  'Types with a job that could start this moment, and since when the longest-waiting one at the head of a lane could.';

create function private.oldest_due_at()
returns timestamptz
language sql volatile set search_path = ''
as $$
  select min(due_at) from private.due_job_types();
$$;
comment on function private.oldest_due_at() is
  'Since when the longest-waiting job at the head of a lane could have run; null = nothing is due, or only what a pause, cap or rate holds back.';

create function private.oldest_transaction_seconds()
returns int
language sql volatile set search_path = ''
as $$
  -- Vacuum's own transactions hold nothing back.
  select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::int
  from pg_catalog.pg_stat_activity
  where pid <> pg_backend_pid() and xact_start is not null and backend_type <> 'autovacuum worker'
    and (backend_type = 'client backend' or backend_xmin is not null);
$$;
comment on function private.oldest_transaction_seconds() is
  'Age of the oldest open transaction of others; while it is open, no dead row version of the queue can go.';

create function private.waiting_since(p_job_type text, p_aside text[])
returns timestamptz
language plpgsql stable set search_path = ''
set enable_seqscan = off
as $$
begin
  -- The head of every lane is the next to go; a probe per lane costs the same at any backlog.
  return (
    select min(first.scheduled_for)
    from (
      select head.scheduled_for
      from generate_series(1, 10) as lane (job_priority)
      cross join lateral (
        (select waiting.scheduled_for
        from private.job_waiting as waiting
        where waiting.job_type = p_job_type and waiting.job_priority = lane.job_priority
          and waiting.turn is not null
        order by waiting.turn, waiting.place
        limit 1)
        union all
        (select bundle.scheduled_for
        from private.job_bundle as bundle
        where bundle.job_type = p_job_type and bundle.job_priority = lane.job_priority
        order by bundle.turn
        limit 1)
      ) as head
      union all
      -- What stands beside the lanes: any thousand say enough.
      (select aside.scheduled_for
      from private.job_waiting as aside
      where aside.held_by = any(p_aside) and aside.job_type = p_job_type
      limit 1000)
    ) as first
    where first.scheduled_for <= now());
end;
$$;
comment on function private.waiting_since(text, text[]) is
  'Since when the longest-waiting job at the head of a lane of this type has waited, or of those that stand aside for one of these reasons (held_by); whether the type may start any is not asked. Null = none waits.';

create function private.get_queue_health()
returns jsonb
language plpgsql volatile security definer set search_path = ''
-- Planned on a young table, its counts would read all of it.
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  -- What waits for no lane's turn, but for a worker.
  v_aside constant text[] := '{crash, user_cap, user_pause}';
begin
  -- Probes and counts that stop at 10 000, which says enough: asking costs the same at any backlog.
  return jsonb_build_object(
    'oldest_pending_seconds', coalesce(
      extract(epoch from clock_timestamp() - private.oldest_due_at())::int, 0),
    -- Also what a pause or a cap keeps waiting, as in the lag: these are for who looks, not for an alarm.
    'pending', (
      select least(10000, coalesce(sum(jobs), 0)) from (
        select 1 as jobs from private.job_waiting where turn is not null
        union all
        select 1 from (
          select scheduled_for from private.job_waiting where held_by = any(v_aside) limit 10000) as aside
        where scheduled_for <= now()
        union all
        select jobs from private.job_bundle
        limit 10000) as ready),
    'scheduled', (
      select count(*) from (
        select from private.job_waiting where turn is null and held_by is null
        union all
        select from (
          select scheduled_for from private.job_waiting where held_by = any(v_aside) limit 10000) as aside
        where scheduled_for > now()
        limit 10000) as delayed),
    'processing', (
      select coalesce(sum(jobs), 0) from private.count_all_jobs() where status = 'processing'),
    'failed_last_minute', (
      select count(*) from (
        select from public.job_type as type
        join private.job_failure as failure on failure.job_type = type.name
        join public.job_queue as job on job.id = failure.job_id
        where failure.failed_at > now() - interval '1 minute'
          and job.status = 'failed' and job.completed_at > now() - interval '1 minute'
        limit 10000) as failed),
    'lag', (
      select coalesce(jsonb_object_agg(of_type.name, of_type.seconds) filter (where of_type.seconds is not null), '{}')
      from (
        select type.name, extract(epoch from clock_timestamp() - private.waiting_since(type.name, v_aside))::int as seconds
        from public.job_type as type
      ) as of_type),
    'paused_types', (
      select coalesce(jsonb_agg(name order by name), '[]') from public.job_type where is_paused),
    'paused_users', (select count(*) from private.job_pause),
    'workers', (select live from private.live_workers()),
    'idle_workers', (select idle from private.live_workers()),
    'oldest_transaction_seconds', private.oldest_transaction_seconds(),
    'last_tick_at', (select ticked_at from private.job_tick),
    'last_ring_at', (select rang_at from private.job_tick),
    'last_work_at', (select worked_at from private.job_tick),
    'tick_refused', coalesce(private.last_ring_status() in (401, 403), false)
  );
end;
$$;
comment on function private.get_queue_health() is
  'Body of get_queue_health(). Lends the right to read the engine''s own tables and the list of sessions.';

revoke all on function
  private.live_workers(),
  private.due_job_types(),
  private.oldest_due_at(),
  private.oldest_transaction_seconds(),
  private.waiting_since(text, text[]),
  private.get_queue_health()
from public, anon, authenticated, service_role;
grant execute on function private.get_queue_health() to service_role;

create function public.get_queue_health()
returns jsonb
language sql volatile set search_path = ''
as $$
  select private.get_queue_health();
$$;
comment on function public.get_queue_health() is
  'Service only. Figures of the queue: {oldest_pending_seconds, pending, scheduled, processing, failed_last_minute, lag, paused_types, paused_users, workers, idle_workers, oldest_transaction_seconds, last_tick_at, last_ring_at, last_work_at, tick_refused}.';

create function public.detect_stuck_jobs()
returns table (job_id uuid, status text, error_code text)
language sql volatile set search_path = ''
as $$
  select * from private.recover_lost_jobs();
$$;
comment on function public.detect_stuck_jobs() is
  'Service only. Gives back or ends jobs whose lease or runtime is used up; says which and how.';

create function public.expire_stale_jobs()
returns table (job_id uuid, job_type text)
language sql volatile set search_path = ''
as $$
  select * from private.expire_pending_jobs();
$$;
comment on function public.expire_stale_jobs() is
  'Service only. Fails pending jobs past expires_at with EXPIRED; says which.';

revoke all on function
  public.get_queue_health(),
  public.detect_stuck_jobs(),
  public.expire_stale_jobs()
from public, anon, authenticated, service_role;
grant execute on function
  public.get_queue_health(),
  public.detect_stuck_jobs(),
  public.expire_stale_jobs()
to service_role;

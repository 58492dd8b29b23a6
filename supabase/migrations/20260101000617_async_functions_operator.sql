-- For operators and the timetable: what puts the queue right, and how it is doing.

-- When the tick last ran, rang and found something to do: the heartbeat of the engine itself.
create table private.job_tick (
  id boolean primary key default true,
  ticked_at timestamptz,
  rang_at timestamptz,
  worked_at timestamptz,
  constraint job_tick_is_one_row check (id)
);
comment on table private.job_tick is
  'Last tick, last tick that rang the doorbell, last tick that recovered or expired a job.';
insert into private.job_tick default values;
alter table private.job_tick enable row level security;
revoke all on private.job_tick from public, anon, authenticated, service_role;

create function private.live_workers()
returns table (live int, idle int)
language sql volatile set search_path = ''
as $$
  -- A worker that takes no more work reports a capacity of 0.
  select count(*)::int, (count(*) filter (where in_flight < capacity and not is_draining))::int
  from public.job_worker
  where heartbeat_at > clock_timestamp() - interval '6 seconds' and capacity > 0;
$$;
comment on function private.live_workers() is 'Workers heard of within 6 seconds, three of their heartbeats, and those of them with room.';

create function private.oldest_due_at()
returns timestamptz
language sql volatile set search_path = ''
as $$
  -- The head of every lane is the next to go; a probe per lane costs the same at any backlog.
  select min(head.scheduled_for)
  from public.job_type as type
  cross join generate_series(1, 10) as priority
  cross join lateral (
    select job.scheduled_for
    from public.job_queue as job
    where job.job_type = type.name and job.job_priority = priority and job.status = 'pending'
      and job.turn is not null
    order by job.turn, job.created_at
    limit 1
  ) as head
  where not type.is_paused and head.scheduled_for <= now();
$$;
comment on function private.oldest_due_at() is
  'Since when the longest-waiting job at the head of a lane could have run; null = nothing is due.';

create function private.get_queue_health()
returns jsonb
language sql volatile security definer set search_path = ''
as $$
  select jsonb_build_object(
    'oldest_pending_seconds', coalesce(
      extract(epoch from clock_timestamp() - private.oldest_due_at())::int, 0),
    -- Counting stops at 10 000, which says enough.
    'pending', (
      select count(*) from (
        select from public.job_queue where status = 'pending' and turn is not null limit 10000) as ready),
    'scheduled', (
      select count(*) from (
        select from public.job_queue where status = 'pending' and turn is null limit 10000) as delayed),
    'processing', (select count(*) from public.job_queue where status = 'processing'),
    'workers', (select live from private.live_workers()),
    'last_tick_at', (select ticked_at from private.job_tick),
    'last_ring_at', (select rang_at from private.job_tick)
  );
$$;
comment on function private.get_queue_health() is
  'Body of get_queue_health(). Lends the right to read the engine''s own tables.';

revoke all on function
  private.live_workers(),
  private.oldest_due_at(),
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
  'Service only. {oldest_pending_seconds, pending, scheduled, processing, workers, last_tick_at, last_ring_at}.';

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

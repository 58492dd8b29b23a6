-- What a job had to say. Daily partitions, so that 100 M lines cost nothing to expire. No foreign key:
-- deleting a job must not search every partition; lines of a deleted job are out of every owner's sight
-- (the policy asks the job) and go with their partition.
create table public.job_log (
  id bigint generated always as identity,
  job_id uuid not null,
  user_id uuid,
  log_level text not null default 'info',
  message text not null,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  primary key (created_at, id),
  constraint job_log_level_is_known check (log_level in ('debug', 'info', 'warning', 'error')),
  constraint job_log_message_is_bounded check (length(message) <= 10000)
) partition by range (created_at);

comment on table public.job_log is 'Log lines of jobs; partitions by day live in schema private.';
comment on column public.job_log.user_id is 'Whose job it is; null for the system''s.';

-- get_job_logs(): a job's lines in time order.
create index job_log_job_idx on public.job_log (job_id, created_at, id);
-- Whoever asks for all lines: their own and not everybody's are looked through.
create index job_log_user_idx on public.job_log (user_id, created_at) where user_id is not null;
-- Operator: recent errors over all jobs.
create index job_log_error_idx on public.job_log (created_at) where log_level = 'error';
-- Operator: full text of messages.
create index job_log_message_idx on public.job_log using gin (to_tsvector('simple', message));
-- Operator: lines by a metadata value; most lines carry none.
create index job_log_metadata_idx on public.job_log using gin (metadata jsonb_path_ops)
  where metadata <> '{}';

-- The engine says it; for whoever writes a line by hand.
create function private.tg_job_log__before_insert()
returns trigger
language plpgsql volatile set search_path = ''
as $$
begin
  new.user_id := (select user_id from public.job_queue where id = new.job_id);
  return new;
end;
$$;
comment on function private.tg_job_log__before_insert() is 'Trigger: a line that names no owner is its job''s owner''s.';
revoke all on function private.tg_job_log__before_insert() from public, anon, authenticated, service_role;

create trigger _100_before_insert
  before insert on public.job_log
  for each row when (new.user_id is null)
  execute function private.tg_job_log__before_insert();

alter table public.job_log enable row level security;
revoke all on public.job_log from public, anon, authenticated, service_role;
grant select on public.job_log to authenticated, service_role;

-- Whoever sees the job sees its lines. The owner is asked for as well, since an index finds no lines by what another
-- table says; and the ids of all the owner's jobs, instead, would be looked for in every partition. Not exists(): the
-- planner might read all the owner's jobs to hash them.
create policy select_own on public.job_log
  for select to authenticated
  using (
    user_id = (select auth.uid())
    and (select job.user_id from public.job_queue as job where job.id = job_log.job_id) = user_id
  );

-- Workers that are alive. Unlogged: after a database crash they introduce themselves again.
create unlogged table public.job_worker (
  worker_id text primary key,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now(),
  capacity int not null default 1,
  in_flight int not null default 0,
  region text,
  is_draining boolean not null default false,
  constraint job_worker_counts_not_negative check (capacity >= 0 and in_flight >= 0)
) with (fillfactor = 50);

comment on table public.job_worker is 'Live workers by heartbeat; is_draining asks one to stop taking work.';

alter table public.job_worker enable row level security;
revoke all on public.job_worker from public, anon, authenticated, service_role;
grant select, update, delete on public.job_worker to service_role;

-- Workers that sleep. Each of these rows is good for one job, which whoever creates it hands over by taking
-- the row: see async_hand_over.sql. Beside job_worker, because a creator may keep its row locked for as long
-- as its transaction is open, and no heartbeat must wait for that.
create unlogged table private.job_sleeper (
  sleeper_id bigint generated always as identity primary key,
  worker_id text not null,
  channel text not null,
  job_types text[] not null,
  asleep_at bigint not null,
  hears_until timestamptz not null,
  lease_id bigint
) with (fillfactor = 50);

comment on table private.job_sleeper is 'Workers that sleep and may be handed one job each, without a claim.';
comment on column private.job_sleeper.channel is
  'On which it listens. Known to nobody else, so that nobody else hears of jobs or can make one up.';
comment on column private.job_sleeper.asleep_at is
  'When it said so, on its own clock: by that it knows how old what it hears can be.';
comment on column private.job_sleeper.hears_until is
  'A worker that is well says again that it sleeps long before. One that has died is handed nothing from then on.';
comment on column private.job_sleeper.lease_id is 'Of the job it was handed; null = it may be handed one.';

alter table private.job_sleeper enable row level security;
revoke all on private.job_sleeper from public, anon, authenticated, service_role;

-- Until when somebody sleeps, in milliseconds, unless a job has come since: what every enqueue asks first, since
-- a sequence costs next to nothing.
create unlogged sequence private.sleep_clock as bigint minvalue 0 start with 0;
revoke all on sequence private.sleep_clock from public, anon, authenticated, service_role;

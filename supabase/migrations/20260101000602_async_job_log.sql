-- What a job had to say. Daily partitions, so that 100 M lines cost nothing to expire. No foreign key:
-- deleting a job must not search every partition; lines of a deleted job are out of every owner's sight
-- (the policy asks the job) and go with their partition.
create table public.job_log (
  id bigint generated always as identity,
  job_id uuid not null,
  log_level text not null default 'info',
  message text not null,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  primary key (created_at, id),
  constraint job_log_level_is_known check (log_level in ('debug', 'info', 'warning', 'error')),
  constraint job_log_message_is_bounded check (length(message) <= 10000)
) partition by range (created_at);

comment on table public.job_log is 'Log lines of jobs; partitions by day live in schema private.';

-- get_job_logs(): a job's lines in time order.
create index job_log_job_idx on public.job_log (job_id, created_at, id);
-- Operator: recent errors over all jobs.
create index job_log_error_idx on public.job_log (created_at) where log_level = 'error';
-- Operator: full text of messages.
create index job_log_message_idx on public.job_log using gin (to_tsvector('simple', message));
-- Operator: lines by a metadata value; most lines carry none.
create index job_log_metadata_idx on public.job_log using gin (metadata jsonb_path_ops)
  where metadata <> '{}';

alter table public.job_log enable row level security;
revoke all on public.job_log from public, anon, authenticated, service_role;
grant select on public.job_log to authenticated, service_role;

create policy select_own on public.job_log
  for select to authenticated
  using (exists (
    select from public.job_queue as job
    where job.id = job_log.job_id and job.user_id = (select auth.uid())
  ));

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

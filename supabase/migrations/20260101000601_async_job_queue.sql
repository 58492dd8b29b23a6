-- The queue, which is also its history until cleanup.
-- Columns of fixed width come first and those that are rarely set last: rows are shorter, and what every
-- claim reads is found without walking over the rest.
create table public.job_queue (
  -- As private.time_ordered_id(), written out: a call costs as much again.
  id uuid primary key default encode(
    set_bit(set_bit(overlay(
      uuid_send(gen_random_uuid())
      placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
      from 1 for 6), 52, 1), 53, 1), 'hex')::uuid,
  created_at timestamptz not null default now(),
  requested_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default now(),
  scheduled_for timestamptz not null default now(),
  seq bigint not null default 0,
  fencing_token bigint not null default 0,
  runtime_seconds double precision not null default 0,
  progress_base_seconds double precision not null default 0,
  retry_count int not null default 0,
  max_retries int not null default 3,
  crash_count int not null default 0,
  crash_streak int not null default 0,
  job_priority smallint not null default 5,
  progress_percent smallint not null default 0,
  is_classic boolean not null default false,
  status text not null default 'pending',
  job_type text not null,
  dedupe_key text collate "C" default gen_random_uuid()::text,
  params jsonb not null default '{}',
  turn bigint default 0,
  expires_at timestamptz,
  user_id uuid,
  parent_job_id uuid,
  started_at timestamptz,
  lease_expires_at timestamptz,
  slice_started_at timestamptz,
  completed_at timestamptz,
  cancel_requested_at timestamptz,
  held_by text,
  worker_id text,
  progress_message text,
  checkpoint jsonb,
  result jsonb,
  error_code text,
  error_message text
) with (
  -- Room on the page for a start and an end, both larger than the row was, keeps them HOT, also while an old
  -- snapshot keeps the versions before; and a queue's dead rows must go early.
  fillfactor = 27,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.02,
  autovacuum_vacuum_insert_scale_factor = 0.05
);

-- What is true of every row is no check of the table, whose text PostgreSQL parses anew in every statement,
-- 130 µs for each job: the triggers of async_job_changes.sql and async_job_updates.sql ask it of all changed rows,
-- in the look they take anyway, and refuse under the name of a check. They spare what a statement of the engine
-- writes that has told them so.
create function private.refuse_jobs(p_fact text)
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  raise check_violation using constraint = 'job_queue_' || p_fact, schema = 'public', table = 'job_queue',
    message = format('row for relation "job_queue" violates check "job_queue_%s"', p_fact);
end;
$$;

comment on function private.refuse_jobs(text) is 'Fails as a check of job_queue does.';
revoke all on function private.refuse_jobs(text) from public, anon, authenticated, service_role;

comment on table public.job_queue is
  'Background jobs, live and finished. Changed only by functions; what is true of every row is asked by its triggers.';
comment on column public.job_queue.user_id is
  'The owner; null only for system jobs. No foreign key, which would look at each of these, too: private.know_users() asks, and tg_users__delete_jobs() does what follows.';
comment on column public.job_queue.fencing_token is
  'Number of the current attempt; grows with every claim, cancel and recovery, never back.';
comment on column public.job_queue.crash_streak is
  'Crashes since the job last moved on (a new checkpoint, the end of a slice); at max_crashes it fails.';
comment on column public.job_queue.job_type is
  'A row of job_type. No foreign key, which would lock that row for every single job: the trigger looks once per statement.';
comment on column public.job_queue.is_classic is
  'Taken with start_job() by a worker that knows no fencing token; only then may a write omit it.';
comment on column public.job_queue.parent_job_id is
  'No foreign key: it would search for children at every single delete. tg_job_queue__after_delete() does it once per statement.';
comment on column public.job_queue.dedupe_key is
  'Digest of type and params; null or a random value marks a job that nobody may join. Of top-level jobs with the same one the newest is joined; older ones may be active, too old to be joined or followed by one of create_job(). Unique among the children of a job.';
comment on column public.job_queue.held_by is
  'Why a pending job stands in no lane: it waits for its children, its user is paused, or its user has a crowd of them and as many running as max_per_user allows.';
comment on column public.job_queue.requested_at is
  'When it was last asked for: created, or retried by hand. The dedupe window counts from here; by the clock, so that of equal requests the latest is known.';
comment on column public.job_queue.progress_base_seconds is
  'runtime_seconds when the progress last went back to 0; the pace is measured from there.';
comment on column public.job_queue.turn is
  'Place in its priority lane, lower first; null while scheduled_for is ahead (the claim promotes it) or it is held.';
comment on column public.job_queue.seq is 'Grows with every change the owner is told about.';
comment on column public.job_queue.started_at is 'First start; slice_started_at is that of this attempt.';
comment on column public.job_queue.runtime_seconds is 'Working time of the slices that have ended.';

-- No index here has a column that a claim, progress or a plain completion changes: those updates are HOT,
-- which is half of what a job costs. What is found by its state is found through the slim tables beside
-- this one (async_side_tables.sql).

-- get_user_jobs() and its keyset form: a user's newest jobs, children apart; and all jobs of a user who goes.
create index job_queue_user_listing_idx
  on public.job_queue (user_id, (parent_job_id is null), created_at desc, id desc)
  where user_id is not null;
-- cleanup_old_jobs() (retention is per type), listings by type and status.
create index job_queue_type_idx on public.job_queue (job_type, created_at);
-- Equal requests: the newest one is the one that may be active (dedupe), or hold a result to use again.
-- By a number, which takes half of the space and of the time that the digest does; who asks compares that, too.
create index job_queue_request_idx
  on public.job_queue (hashtextextended(dedupe_key, 0), user_id, requested_at desc) with (deduplicate_items = off)
  where parent_job_id is null and dedupe_key is not null;
-- A parent's children, each of them once.
create unique index job_queue_child_key on public.job_queue (parent_job_id, dedupe_key)
  where parent_job_id is not null;
-- Jobs by what they are about (params @> …); never for empty params.
create index job_queue_params_idx on public.job_queue using gin (params jsonb_path_ops)
  where params <> '{}';
-- Completed jobs by what they found (result @> …).
create index job_queue_result_idx on public.job_queue using gin (result jsonb_path_ops)
  where result is not null;

-- A queue changes all the time and is analyzed every minute. A handful of statuses and types is known from
-- any sample, and how large that is is said per column: of a million jobs this one takes 150 ms, the default
-- four times as long.
do $$
declare
  v_column record;
begin
  for v_column in
    select format('alter table public.job_queue alter column %I set statistics 25', attname) as setting
    from pg_attribute
    where attrelid = 'public.job_queue'::regclass and attnum > 0 and not attisdropped
  loop
    execute v_column.setting;
  end loop;
end;
$$;
alter index public.job_queue_user_listing_idx alter column 2 set statistics 25;
alter index public.job_queue_request_idx alter column 1 set statistics 25;

alter table public.job_queue enable row level security;
revoke all on public.job_queue from public, anon, authenticated, service_role;
grant select on public.job_queue to authenticated, service_role;

create policy select_own on public.job_queue
  for select to authenticated
  using (user_id = (select auth.uid()));

-- A job that has children: how many, how they ended, and what that means for it. The statement that ends
-- a child counts it, under the lock of this row.
create table public.job_batch (
  parent_job_id uuid primary key,
  on_child_failure text not null default 'partial',
  when_done text not null default 'complete',
  total int not null default 0,
  completed int not null default 0,
  failed int not null default 0,
  cancelled int not null default 0,
  is_awaited boolean not null default false,
  is_open boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint job_batch_on_child_failure_is_known check (on_child_failure in ('fail_fast', 'partial')),
  constraint job_batch_when_done_is_known check (when_done in ('complete', 'resume')),
  constraint job_batch_counts_add_up
    check (completed >= 0 and failed >= 0 and cancelled >= 0 and completed + failed + cancelled <= total)
) with (fillfactor = 50);

comment on table public.job_batch is 'Children of a job, counted; changed only by functions.';
comment on column public.job_batch.parent_job_id is 'No foreign key, as job_queue.parent_job_id.';
comment on column public.job_batch.on_child_failure is
  'fail_fast: the first failed child fails the parent and cancels the rest. partial: the rest goes on, and the parent completes if any child did.';
comment on column public.job_batch.when_done is
  'complete: the engine completes the parent with the counts. resume: the parent''s handler runs once more.';
comment on column public.job_batch.is_awaited is
  'The parent waits, or did so when it ended: a retry then runs the children, not its handler.';
comment on column public.job_batch.is_open is 'False once the parent has ended and no child is active; the sweep looks at open ones.';

-- sweep_batches()
create index job_batch_open_idx on public.job_batch (parent_job_id) where is_open;

create trigger _100_update_updated_at
  before update on public.job_batch
  for each row execute function private.update_updated_at();

alter table public.job_batch enable row level security;
revoke all on public.job_batch from public, anon, authenticated, service_role;
grant select on public.job_batch to authenticated, service_role;

-- By the ids of one's own jobs: to look for each batch's job would be to read everybody's batches.
create policy select_own on public.job_batch
  for select to authenticated
  using (parent_job_id = any(array(
    select job.id from public.job_queue as job where job.user_id = (select auth.uid())
  )));

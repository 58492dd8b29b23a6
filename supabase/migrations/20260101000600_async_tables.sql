-- Background jobs: slow work is a row, written in the transaction that needs it. Owners may read their
-- own rows; only private functions change one, and a worker's change counts only under its fencing token.

create function private.time_ordered_id()
returns uuid
language plpgsql volatile set search_path = ''
as $$
begin
  -- Version 7 (RFC 9562): the milliseconds since 1970, then what a random version 4 has.
  return encode(
    set_bit(set_bit(overlay(
      uuid_send(gen_random_uuid())
      placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
      from 1 for 6), 52, 1), 53, 1), 'hex')::uuid;
end;
$$;
comment on function private.time_ordered_id() is
  'A UUID that grows with time, so that rows made together lie side by side in an index; a random one lies anywhere.';
revoke all on function private.time_ordered_id() from public, anon, authenticated, service_role;

-- One row per kind of job, so that an operator tunes the engine by SQL, without a deploy.
create table public.job_type (
  name text primary key,
  category text not null,
  description text not null,
  default_priority smallint not null default 5,
  max_retries int not null default 3,
  backoff_base interval not null default '10 seconds',
  backoff_cap interval not null default '10 minutes',
  lease interval not null default '60 seconds',
  max_runtime interval not null default '1 hour',
  max_crashes int not null default 3,
  expires_after interval default '24 hours',
  dedupe_window interval not null default '5 minutes',
  cache_ttl interval default '1 hour',
  max_concurrency int,
  max_per_user int,
  rate_limit int,
  rate_window interval not null default '1 minute',
  user_creatable boolean not null default false,
  is_paused boolean not null default false,
  retention interval not null default '7 days',
  quota_type text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint job_type_name_is_snake_case check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  constraint job_type_category_is_known check (category in (
    'platform_sync', 'ai_analysis', 'seo_submission', 'quota_reset', 'token_refresh', 'social_post',
    'maintenance')),
  constraint job_type_priority_in_range check (default_priority between 1 and 10),
  constraint job_type_retries_not_negative check (max_retries >= 0),
  constraint job_type_crash_cap_positive check (max_crashes > 0),
  constraint job_type_backoff_is_a_range
    check (backoff_base > interval '0' and backoff_cap >= backoff_base),
  constraint job_type_lease_positive check (lease >= interval '1 second'),
  constraint job_type_runtime_covers_a_lease check (max_runtime >= lease),
  constraint job_type_windows_not_negative check (
    dedupe_window >= interval '0' and expires_after > interval '0' and cache_ttl > interval '0'
    and rate_window > interval '0' and retention >= interval '0'),
  constraint job_type_caps_not_negative
    check (max_concurrency >= 0 and max_per_user >= 0 and rate_limit >= 0),
  constraint job_type_quota_type_is_known check (quota_type in ('syncs', 'ai_analyses', 'seo_submissions'))
);

comment on table public.job_type is 'Kinds of background job and how the engine treats them.';
comment on column public.job_type.lease is
  'A worker that is silent this long has lost the job. A killed worker costs a lease plus one tick.';
comment on column public.job_type.max_runtime is 'Working time over all slices; waiting does not count.';
comment on column public.job_type.max_crashes is
  'Crashes in a row, without moving on in between, after which a job is given up.';
comment on column public.job_type.cache_ttl is 'How long a result answers the same request; null = never.';
comment on column public.job_type.dedupe_window is
  'find_or_create_job() joins an active job with the same params that is younger than this.';
comment on column public.job_type.max_per_user is 'Jobs of one user that may run at once; null = any.';
comment on column public.job_type.quota_type is
  'Quota of the owner that each job uses up, and gets back if it fails; null = none.';
comment on column public.job_type.user_creatable is
  'False = created only by other functions, which check what the user may ask for.';

create trigger _100_update_updated_at
  before update on public.job_type
  for each row execute function private.update_updated_at();

alter table public.job_type enable row level security;
revoke all on public.job_type from public, anon, authenticated, service_role;
grant select on public.job_type to authenticated;
grant select, insert, update, delete on public.job_type to service_role;

-- A user may see what can be asked for; how internal work is tuned is nobody's business.
create policy select_user_creatable on public.job_type
  for select to authenticated
  using (user_creatable);

-- Settings of the whole engine: one row, no redeploy.
create table private.job_setting (
  id boolean primary key default true,
  max_active_jobs_per_user int not null default 10,
  max_workers int not null default 4,
  notify_status_changes boolean not null default true,
  is_draining boolean not null default false,
  ageing_after interval not null default '5 minutes',
  ageing_share double precision not null default 0.1,
  constraint job_setting_is_one_row check (id),
  constraint job_setting_limits_positive check (max_active_jobs_per_user > 0 and max_workers > 0),
  constraint job_setting_ageing_is_a_share
    check (ageing_after >= interval '0' and ageing_share between 0 and 1)
);

comment on table private.job_setting is
  'Engine-wide settings: active jobs per user, workers the doorbell may start, NOTIFY switch, drain, ageing.';
comment on column private.job_setting.ageing_share is
  'Part of all starts that goes to jobs which have waited longer than ageing_after, whatever their priority.';

insert into private.job_setting default values;

-- Virtual time per priority: the highest turn claimed so far. New work lines up behind it, so that a
-- user with 5 000 waiting jobs and a user with one take turns, without the claim ranking the backlog.
create table private.job_lane (
  job_priority smallint primary key,
  virtual_time bigint not null default 0,
  system_turns regclass not null
) with (fillfactor = 10);

comment on table private.job_lane is 'Fair-queueing clock, one row per priority; moved by the claim.';
comment on column private.job_lane.system_turns is
  'The sequence of the lane, by number: to look it up by name takes longer than to count on.';

-- Where the system's jobs line up: one behind the other, like a user's. A sequence per lane, because there
-- may be a million of them to count, and because nobody waits for one.
do $$
begin
  for v_priority in 1..10 loop
    execute format('create sequence private.job_lane_system_%s as bigint', v_priority);
    execute format(
      'revoke all on sequence private.job_lane_system_%s from public, anon, authenticated, service_role', v_priority);
    insert into private.job_lane (job_priority, system_turns)
    values (v_priority, ('private.job_lane_system_' || v_priority)::regclass);
  end loop;
end;
$$;

-- Where a claim begins to look. A queue leaves dead rows at its head, which vacuum may not remove while
-- anybody holds an old snapshot; from here on there are none. See private.move_cursors().
create table private.job_cursor (
  job_type text references public.job_type (name) on update cascade on delete cascade,
  job_priority smallint,
  turn bigint not null default -9223372036854775808,
  place bigint not null default 0,
  next_turn bigint not null default -9223372036854775808,
  next_place bigint not null default 0,
  next_epoch bigint not null default -1,
  primary key (job_type, job_priority)
) with (fillfactor = 10);

comment on table private.job_cursor is
  'Per lane of a type the place below which nothing waits, and where it goes next once next_epoch is two epochs ago.';

-- Counts epochs: see private.move_cursors(). A sequence, since everybody must see it move at once.
create sequence private.job_epoch as bigint;
select nextval('private.job_epoch');
revoke all on sequence private.job_epoch from public, anon, authenticated, service_role;

create function private.tg_job_type__open_lanes()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into private.job_cursor (job_type, job_priority)
  select new.name, lane.job_priority from private.job_lane as lane;
  return null;
end;
$$;
comment on function private.tg_job_type__open_lanes() is
  'Trigger. Lends the right to write cursors to whoever adds a type.';
revoke all on function private.tg_job_type__open_lanes() from public, anon, authenticated, service_role;

create trigger _100_open_lanes
  after insert on public.job_type
  for each row execute function private.tg_job_type__open_lanes();

-- Where a user's children line up: behind the last one, however many batches they come from. And, beside them,
-- where whatever has been in the queue before lines up: behind what came back before it, not behind the user's
-- next thousand children, or a job of many slices would not move on. Nor behind jobs of another type, which may be
-- paused or at its cap.
create table private.job_flow (
  flow_id uuid,
  job_priority smallint,
  last_turn bigint not null,
  again_type text default '',
  primary key (flow_id, job_priority, again_type)
) with (fillfactor = 50);

comment on table private.job_flow is
  'Last turn given to children of a user (all zeros: the system) per priority, and to what comes again; kept while it is ahead of the lane.';
comment on column private.job_flow.again_type is
  'The type of jobs that have been in the queue before, or waited for their time: see private.line_up_again(). Empty for children.';

-- Token buckets of the types that have a rate_limit: it holds up to rate_limit starts, and refills evenly.
create table private.job_rate (
  job_type text primary key references public.job_type (name) on update cascade on delete cascade,
  tokens double precision not null,
  refilled_at timestamptz not null default now()
);

comment on table private.job_rate is 'Starts a rate-limited job type has left; no row = a full bucket.';

-- Users whose jobs wait until an operator says otherwise.
create table private.job_pause (
  user_id uuid primary key references public.users (id) on delete cascade,
  reason text,
  paused_at timestamptz not null default now()
);

comment on table private.job_pause is 'Users whose jobs are not started; see pause_user_jobs().';

-- How many jobs there are per type and status, without counting them: every statement that changes a
-- status appends what it changed, and the tick adds that up. No row is written by two statements.
create table private.job_count (
  job_type text,
  status text,
  jobs bigint not null,
  primary key (job_type, status)
);

create table private.job_count_change (
  id bigint generated always as identity primary key,
  job_type text not null,
  status text not null,
  change int not null
);

comment on table private.job_count is 'Jobs per type and status, as of the last roll-up.';
comment on table private.job_count_change is 'What has changed since the last roll-up; read together with job_count.';

alter table private.job_setting enable row level security;
alter table private.job_lane enable row level security;
alter table private.job_cursor enable row level security;
alter table private.job_flow enable row level security;
alter table private.job_rate enable row level security;
alter table private.job_pause enable row level security;
alter table private.job_count enable row level security;
alter table private.job_count_change enable row level security;
revoke all on
  private.job_setting, private.job_lane, private.job_cursor, private.job_flow, private.job_rate, private.job_pause,
  private.job_count, private.job_count_change
from public, anon, authenticated, service_role;

-- The witness: every change of a job and every log line, in the order in which the rows were written, and
-- by which session. A row's changes are serialised by its lock, so that ids of one job are its history.

create schema chaos;

create table chaos.job_type (name text primary key);

-- When a type or a user was paused, from the answer of the pause to the question of the resume.
create table chaos.pause (job_type text, user_id uuid, paused_at timestamptz, resumed_at timestamptz);

create table chaos.change (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  job_id uuid not null,
  session text not null default current_setting('application_name'),
  old_status text, new_status text not null,
  old_token bigint, new_token bigint not null,
  old_seq bigint, new_seq bigint not null,
  -- What an attempt wrote names the attempt: its own token stands in it.
  checkpoint_token bigint, result_token bigint, message_token bigint,
  wrote text[] not null,
  error_code text,
  lease_over interval
);
create index on chaos.change (job_id, id);

create table chaos.line (
  id bigint generated always as identity primary key,
  job_id uuid not null,
  line_token bigint,
  job_token bigint not null,
  session text not null default current_setting('application_name')
);

create function chaos.record_change() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  wrote text[] := '{}';
begin
  if tg_op = 'UPDATE' then
    if new.checkpoint is distinct from old.checkpoint then wrote := wrote || 'checkpoint'::text; end if;
    if new.result is distinct from old.result then wrote := wrote || 'result'::text; end if;
    if new.progress_percent <> old.progress_percent then wrote := wrote || 'percent'::text; end if;
    if new.progress_message is distinct from old.progress_message then wrote := wrote || 'message'::text; end if;
    if new.status <> old.status then wrote := wrote || 'status'::text; end if;
    if new.fencing_token <> old.fencing_token then wrote := wrote || 'token'::text; end if;
    if new.lease_expires_at is distinct from old.lease_expires_at then wrote := wrote || 'lease'::text; end if;
  end if;
  insert into chaos.change (
    job_id, old_status, new_status, old_token, new_token, old_seq, new_seq, checkpoint_token, result_token,
    message_token, wrote, error_code, lease_over)
  values (
    new.id, old.status, new.status, old.fencing_token, new.fencing_token, old.seq, new.seq,
    case when 'checkpoint' = any (wrote) then (new.checkpoint ->> 'token')::bigint end,
    case when 'result' = any (wrote) then (new.result ->> 'token')::bigint end,
    case when 'message' = any (wrote) then substring(new.progress_message from '#(\d+)$')::bigint end,
    wrote, new.error_code, clock_timestamp() - old.lease_expires_at);
  return null;
end
$$;

create trigger record_change after insert or update on public.job_queue
  for each row execute function chaos.record_change();

create function chaos.record_line() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  insert into chaos.line (job_id, line_token, job_token)
  select new.job_id, substring(new.message from '#(\d+)$')::bigint, job.fencing_token
  from public.job_queue as job where job.id = new.job_id;
  return null;
end
$$;

create trigger record_line after insert on public.job_log
  for each row execute function chaos.record_line();

-- Kinds of job of this test; a short lease, or nothing would ever be lost in a minute.
insert into public.job_type (
  name, category, description, max_retries, backoff_base, backoff_cap, lease, max_crashes, cache_ttl, dedupe_window)
select name, 'maintenance', 'Chaos.', 8, '100 milliseconds', '500 milliseconds', '2 seconds', crashes, null, '1 second'
from (values
  ('chaos_short', 50), ('chaos_silent', 50), ('chaos_slow', 50), ('chaos_sliced', 50), ('chaos_flaky', 50), ('chaos_rated', 50), ('chaos_batch', 50),
  -- Gives up like any other would: WORKER_LOST is an end, too.
  ('chaos_fragile', 3)
) as kind (name, crashes);
insert into chaos.job_type select name from public.job_type where name like 'chaos\_%';
-- Limits, which are to hold through everything.
update public.job_type set max_concurrency = 4 where name = 'chaos_flaky';
update public.job_type set max_per_user = 2 where name = 'chaos_sliced';
update public.job_type set rate_limit = 5, rate_window = '5 seconds' where name = 'chaos_rated';

-- Room for the real processor beside those of the test.
update private.job_setting set max_active_jobs_per_user = 100000, max_workers = 10;
-- The real processor works on these beside us, and is killed as well.
update public.job_type
set lease = '2 seconds', max_crashes = 50, max_per_user = null, backoff_base = '100 milliseconds', backoff_cap = '1 second'
where name = 'self_test';
insert into chaos.job_type values ('self_test');

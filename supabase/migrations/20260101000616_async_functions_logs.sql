-- Log lines of jobs, fenced like every other write of a worker, and the daily partitions they live in.
-- Partitions stand in schema private: in public each would be a table of the API of its own.

create function private.ensure_job_log_partitions(p_days_ahead int default 7)
returns int
language plpgsql volatile set search_path = ''
as $$
declare
  v_day date;
  v_name text;
  v_made int := 0;
begin
  -- Two callers must not both find the same partition missing.
  perform pg_advisory_xact_lock(hashtextextended('job_log partitions', 0));

  for v_day in
    select generate_series(
      (now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + p_days_ahead, interval '1 day')
  loop
    v_name := 'job_log_' || to_char(v_day, 'YYYYMMDD');
    continue when to_regclass('private.' || v_name) is not null;
    execute format(
      'create table private.%I partition of public.job_log for values from (%L) to (%L)',
      v_name, v_day::timestamp at time zone 'utc', (v_day + 1)::timestamp at time zone 'utc');
    -- The parent's policies do not hold when a partition is addressed by name: nobody may.
    execute format('alter table private.%I enable row level security', v_name);
    execute format('revoke all on private.%I from public, anon, authenticated, service_role', v_name);
    v_made := v_made + 1;
  end loop;
  return v_made;
end;
$$;
comment on function private.ensure_job_log_partitions(int) is
  'Makes the daily partitions of job_log from yesterday to p_days_ahead; returns how many were missing.';

create function private.drop_job_log_partitions(p_retention interval default '30 days')
returns int
language plpgsql volatile set search_path = ''
as $$
declare
  v_name text;
  v_dropped int := 0;
begin
  for v_name in
    select child.relname
    from pg_catalog.pg_inherits
    join pg_catalog.pg_class as child on child.oid = inhrelid
    where inhparent = 'public.job_log'::regclass
      -- In a case, since the planner may ask it of relations that are no partitions at all.
      and case when child.relname ~ '^job_log_\d{8}$' then to_date(right(child.relname, 8), 'YYYYMMDD') end
        < ((now() - p_retention) at time zone 'utc')::date
  loop
    execute format('drop table private.%I', v_name);
    v_dropped := v_dropped + 1;
  end loop;
  return v_dropped;
end;
$$;
comment on function private.drop_job_log_partitions(interval) is
  'Drops the partitions of job_log that are wholly older than p_retention; returns how many.';

revoke all on function
  private.ensure_job_log_partitions(int),
  private.drop_job_log_partitions(interval)
from public, anon, authenticated, service_role;

select private.ensure_job_log_partitions();

create function private.add_job_logs(p_logs jsonb)
returns int
language plpgsql volatile security definer set search_path = ''
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_count int;
begin
  if exists (select from private.job_lease where started_at is not null) then
    -- What has run for a while is to be seen running, as a heartbeat sees to. What is younger may be over in a
    -- moment, and its lines need no start that is written.
    perform private.write_starts_of((
      select jsonb_agg(line)
      from jsonb_array_elements(p_logs) as line
      join private.job_lease as lease on lease.lease_id = (line ->> 'fencing_token')::bigint - 1000000000000
      where lease.started_at <= clock_timestamp() - interval '250 milliseconds'));
  end if;
  begin
    v_count := private.insert_job_logs(p_logs);
  exception when check_violation then
    -- The upkeep was missed for a week; a log line must not be lost over it.
    perform private.ensure_job_log_partitions();
    v_count := private.insert_job_logs(p_logs);
  end;
  return v_count;
end;
$$;
comment on function private.add_job_logs(jsonb) is
  'Body of add_job_log() and add_job_logs(). Lends the right to write the log.';

create function private.insert_job_logs(p_logs jsonb)
returns int
language plpgsql volatile set search_path = ''
-- The jobs by their ids, and hashes between them and their lines: two hundred of each are 40 000 pairs.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_nestloop = off set enable_hashjoin = on
as $$
declare
  v_count int;
begin
  with given as materialized (
    select job_id, fencing_token, message, created_at,
      -- One odd line must not cost the others of the batch.
      case
        when log_level in ('debug', 'info', 'warning', 'error') then log_level
        when log_level = 'warn' then 'warning'
        else 'info'
      end as log_level,
      case
        when octet_length(metadata::text) > 16384 then '{"truncated": true}'
        else coalesce(nullif(metadata, 'null'), '{}')
      end as metadata,
      ordinality
    from rows from (jsonb_to_recordset(p_logs) as (
      job_id uuid, fencing_token bigint, log_level text, message text, metadata jsonb,
      created_at timestamptz)) with ordinality
      as line (job_id, fencing_token, log_level, message, metadata, created_at, ordinality)
  ),
  held as (
    select job.id, job.user_id, job.fencing_token, job.is_classic, job.status = 'pending' and job.fencing_token = 0 as is_unwritten
    from public.job_queue as job
    where job.id = any(array(select job_id from given))
    order by job.id
    for share
  ),
  added as (
    insert into public.job_log (job_id, user_id, log_level, message, metadata, created_at)
    select given.job_id, held.user_id, given.log_level, left(coalesce(given.message, ''), 10000), given.metadata,
      -- The worker's clock orders its lines, but cannot put them where no partition is.
      least(greatest(coalesce(given.created_at, clock_timestamp()), now() - interval '1 hour'),
        clock_timestamp())
    from given
    join held on held.id = given.job_id
      -- The token alone decides, not the status: the attempt that has just settled the job may still write its
      -- last lines, while cancelling, recovery and the next claim have moved the token on.
      and (held.fencing_token = given.fencing_token
        or (given.fencing_token is null and held.is_classic)
        -- A start that is not written: its lease says whose the job is, and whoever takes it away from there
        -- changes the job, which is held here.
        or (held.is_unwritten and (given.job_id, given.fencing_token) in (
          select unnest(job_ids), 1000000000000 + lease_id
          from private.job_lease
          where started_at is not null
            and lease_id = any(array(select fencing_token - 1000000000000 from given)))))
    order by given.ordinality
    returning id
  )
  select count(*) into v_count from added;
  return v_count;
end;
$$;
comment on function private.insert_job_logs(jsonb) is
  'Inserts the lines whose job is still the writer''s; returns how many.';

create function private.add_free_job_logs(p_logs jsonb)
returns int[]
language plpgsql volatile set search_path = ''
set lock_timeout = '50ms'
as $$
declare
  v_held uuid[];
begin
  begin
    perform private.add_job_logs(p_logs);
    return '{}';
  exception when lock_not_available then
    perform set_config('lock_timeout', '0', true);
  end;
  select private.hold_free(array_agg(job_id), array_agg(fencing_token)) into v_held
  from jsonb_to_recordset(p_logs) as line (job_id uuid, fencing_token bigint);
  perform private.add_job_logs((
    select coalesce(jsonb_agg(line), '[]') from jsonb_array_elements(p_logs) as line
    where (line ->> 'job_id')::uuid not in (select unnest(v_held))));
  return array(
    select ordinality::int from jsonb_array_elements(p_logs) with ordinality as given (line)
    where (line ->> 'job_id')::uuid in (select unnest(v_held)));
end;
$$;
comment on function private.add_free_job_logs(jsonb) is
  'As add_job_logs(), but waits for nobody who holds one of the jobs: returns which of the lines, from 1, are left out for that.';

revoke all on function
  private.add_job_logs(jsonb),
  private.insert_job_logs(jsonb),
  private.add_free_job_logs(jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  private.add_job_logs(jsonb),
  private.add_free_job_logs(jsonb)
to service_role;

create function public.add_job_log(
  p_job_id uuid, p_log_level text, p_message text, p_metadata jsonb default '{}',
  p_fencing_token bigint default null
)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.add_job_logs(jsonb_build_array(jsonb_build_object(
    'job_id', p_job_id, 'fencing_token', p_fencing_token, 'log_level', p_log_level,
    'message', p_message, 'metadata', p_metadata))) = 1;
$$;
comment on function public.add_job_log(uuid, text, text, jsonb, bigint) is
  'Service only. Writes one line (debug, info, warning, error); false when the lease is lost.';

create function public.add_job_logs(p_logs jsonb)
returns int
language sql volatile set search_path = ''
as $$
  select private.add_job_logs(p_logs);
$$;
comment on function public.add_job_logs(jsonb) is
  'Service only. Batch form of add_job_log(): [{job_id, fencing_token, log_level, message, metadata, created_at}]; returns how many were written.';

revoke all on function
  public.add_job_log(uuid, text, text, jsonb, bigint),
  public.add_job_logs(jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  public.add_job_log(uuid, text, text, jsonb, bigint),
  public.add_job_logs(jsonb)
to service_role;

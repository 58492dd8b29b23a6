-- What callers see: the real names, arguments and comments. All of them go through cron._stand_in_call.

create function cron._stand_in_require(p_argument text, p_value text) returns void
language plpgsql immutable set search_path = '' as $$
begin
  if p_value is null then
    raise exception '% can not be NULL', p_argument;
  end if;
end;
$$;

create function cron.schedule(schedule text, command text) returns bigint
language plpgsql strict as $$
declare
  job_id bigint;
begin
  insert into cron._stand_in_call (operation, schedule, command, active)
  values ('schedule', schedule, command, true)
  returning jobid into job_id;
  return job_id;
end;
$$;
comment on function cron.schedule(text, text) is 'schedule a pg_cron job';

create function cron.schedule_in_database(
  job_name text,
  schedule text,
  command text,
  database text,
  username text default null,
  active boolean default true
) returns bigint
language plpgsql as $$
#variable_conflict use_variable
declare
  job_id bigint;
begin
  perform cron._stand_in_require('job_name', job_name);
  perform cron._stand_in_require('schedule', schedule);
  perform cron._stand_in_require('command', command);
  insert into cron._stand_in_call (operation, jobname, schedule, command, database, username, active)
  values ('schedule', job_name, schedule, command, database, username, coalesce(active, true))
  returning jobid into job_id;
  return job_id;
end;
$$;
comment on function cron.schedule_in_database(text, text, text, text, text, boolean) is
  'schedule a pg_cron job';

create function cron.schedule(job_name text, schedule text, command text) returns bigint
language plpgsql as $$
#variable_conflict use_variable
declare
  job_id bigint;
begin
  perform cron._stand_in_require('job_name', job_name);
  perform cron._stand_in_require('schedule', schedule);
  perform cron._stand_in_require('command', command);
  insert into cron._stand_in_call (operation, jobname, schedule, command, active)
  values ('schedule', job_name, schedule, command, true)
  returning jobid into job_id;
  return job_id;
end;
$$;
comment on function cron.schedule(text, text, text) is 'schedule a pg_cron job';

create function cron.alter_job(
  job_id bigint,
  schedule text default null,
  command text default null,
  database text default null,
  username text default null,
  active boolean default null
) returns void
language plpgsql as $$
begin
  perform cron._stand_in_require('job_id', job_id::text);
  insert into cron._stand_in_call (operation, jobid, schedule, command, database, username, active)
  values ('alter', job_id, schedule, command, database, username, active);
end;
$$;
comment on function cron.alter_job(bigint, text, text, text, text, boolean) is
  'Alter the job identified by job_id. Any option left as NULL will not be modified.';

create function cron.unschedule(job_id bigint) returns boolean
language plpgsql strict as $$
begin
  insert into cron._stand_in_call (operation, jobid) values ('unschedule', job_id);
  return true;
end;
$$;
comment on function cron.unschedule(bigint) is 'unschedule a pg_cron job';

create function cron.unschedule(job_name text) returns boolean
language plpgsql strict as $$
begin
  insert into cron._stand_in_call (operation, jobname) values ('unschedule', job_name);
  return true;
end;
$$;
comment on function cron.unschedule(text) is 'unschedule a pg_cron job';

grant select on cron.job to public;
grant select, delete on cron.job_run_details to public;
grant select on sequence cron.jobid_seq, cron.runid_seq to public;
-- caller and nothing else is missing from this list: that is what makes it unforgeable.
grant insert (operation, jobid, jobname, schedule, command, database, username, active),
  select (jobid) on cron._stand_in_call to public;
revoke all on function
  cron.alter_job(bigint, text, text, text, text, boolean),
  cron.schedule_in_database(text, text, text, text, text, boolean)
from public;

-- What the hosted platform does after CREATE EXTENSION: postgres may use everything, but reads
-- cron.job only, and may put no trigger on the history.
do $$
begin
  if exists (select from pg_roles where rolname = 'postgres' and not rolsuper) then
    grant usage on schema cron to postgres with grant option;
    grant all on all functions in schema cron to postgres with grant option;
    grant select on cron.job to postgres with grant option;
    grant select, insert, update, delete, truncate, references on cron.job_run_details to postgres
      with grant option;
  end if;
end;
$$;

select pg_catalog.pg_extension_config_dump('cron.job', '');
select pg_catalog.pg_extension_config_dump('cron.jobid_seq', '');
select pg_catalog.pg_extension_config_dump('cron.job_run_details', '');
select pg_catalog.pg_extension_config_dump('cron.runid_seq', '');

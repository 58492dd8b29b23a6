-- Stand-in for pg_cron. The real scheduler is a C background process; here local/scheduler plays
-- it, told of changed jobs by a NOTIFY at commit.

create schema cron;

create sequence cron.jobid_seq;
create sequence cron.runid_seq;

create table cron.job (
  jobid bigint primary key default pg_catalog.nextval('cron.jobid_seq'),
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport int not null default pg_catalog.inet_server_port(),
  database text not null default pg_catalog.current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  constraint jobname_username_uniq unique (jobname, username)
);
alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username operator(pg_catalog.=) current_user);

create table cron.job_run_details (
  jobid bigint,
  runid bigint primary key default pg_catalog.nextval('cron.runid_seq'),
  job_pid int,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);
alter table cron.job_run_details enable row level security;
create policy cron_job_run_details_policy on cron.job_run_details
  using (username operator(pg_catalog.=) current_user);

create function cron.job_cache_invalidate() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform pg_catalog.pg_notify('pg_cron_jobs_changed', '');
  return null;
end;
$$;
comment on function cron.job_cache_invalidate() is 'invalidate job cache';

create trigger cron_job_cache_invalidate
  after insert or update or delete or truncate on cron.job
  for each statement execute function cron.job_cache_invalidate();

-- One field of a cron schedule as the list of its values, or null if the real parser refuses it.
-- Vixie's rules with its leniency kept: what follows the last well-formed element is not looked at
-- ("*x" is "*", "5;9" is "5"); a step is refused on a single value and above the field's maximum.
-- Not copied: a reversed range ("30-10") is accepted but sets nothing, where the real parser sets
-- an accidental handful of bits.
create function cron._stand_in_field(p_text text, p_low int, p_high int, p_names text[] default '{}')
returns int[]
language plpgsql immutable set search_path = '' as $$
declare
  rest text := p_text;
  part text[];
  bound int[];
  step int;
  chosen int[] := '{}';
begin
  loop
    part := pg_catalog.regexp_match(
      rest, '^(\*|[A-Za-z0-9]+)(?:(?<!\*)(-)([A-Za-z0-9]*))?(?:(/)([0-9]*))?(.*)$'
    );
    if part is null or (part[4] is not null and part[1] <> '*' and part[2] is null) then
      return null;
    end if;

    bound := array[
      case when part[1] = '*' then p_low else cron._stand_in_number(part[1], p_low, p_names) end,
      case
        when part[1] = '*' then p_high
        when part[2] is null then cron._stand_in_number(part[1], p_low, p_names)
        else cron._stand_in_number(part[3], p_low, p_names)
      end
    ];
    step := case when part[4] is null then 1 else cron._stand_in_number(part[5], 0, '{}') end;
    if (bound[1] between p_low and p_high and bound[2] between p_low and p_high
        and step between 1 and p_high) is not true then
      return null;
    end if;
    chosen := chosen || array(select pg_catalog.generate_series(bound[1], bound[2], step));

    exit when pg_catalog.left(part[6], 1) <> ',' or part[6] = '';
    rest := pg_catalog.substr(part[6], 2);
  end loop;
  return array(select distinct v from pg_catalog.unnest(chosen) v order by v);
end;
$$;

create function cron._stand_in_number(p_text text, p_low int, p_names text[]) returns int
language sql immutable set search_path = '' as $$
  select case
    when pg_catalog.lower(p_text) = any (p_names)
      then pg_catalog.array_position(p_names, pg_catalog.lower(p_text)) - 1 + p_low
    when p_text ~ '^0*[0-9]{1,4}$' then p_text::int
  end;
$$;

-- The one reading of a schedule: cron.schedule() refuses what it refuses, local/scheduler runs
-- what it returns. {"seconds": n}, {"reboot": true}, or the five fields; null when invalid.
create function cron._stand_in_parse(p_schedule text) returns jsonb
language plpgsql immutable set search_path = '' as $$
declare
  -- Leading blanks, blank lines and comment lines are skipped.
  text_in text := pg_catalog.regexp_replace(p_schedule, '^(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*', '');
  macro text := (pg_catalog.regexp_match(text_in, '^@([^ \t\n]*)'))[1];
  field text[];
  seconds text;
  parsed jsonb;
begin
  if macro in ('reboot', 'restart') then
    return '{"reboot": true}';
  end if;
  text_in := case macro
    when 'yearly' then '0 0 1 1 *'
    when 'annually' then '0 0 1 1 *'
    when 'monthly' then '0 0 1 * *'
    when 'weekly' then '0 0 * * 0'
    when 'daily' then '0 0 * * *'
    when 'midnight' then '0 0 * * *'
    when 'hourly' then '0 * * * *'
    else text_in
  end;

  -- Five fields are read; a sixth, or any text after the fifth, is silently ignored.
  field := pg_catalog.regexp_match(
    text_in,
    '^([^ \t\n]+)[ \t]+([^ \t\n]+)[ \t]+([^ \t\n]+)[ \t]+([^ \t\n]+)[ \t]+([^ \t\n]+)'
  );
  if field is not null then
    parsed := pg_catalog.jsonb_build_object(
      'minute', cron._stand_in_field(field[1], 0, 59),
      'hour', cron._stand_in_field(field[2], 0, 23),
      'dom', case when field[3] = '$' then '{}' else cron._stand_in_field(field[3], 1, 31) end,
      'month', cron._stand_in_field(
        field[4], 1, 12,
        '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}'
      ),
      'dow', cron._stand_in_field(field[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}'),
      'minute_star', field[1] like '*%',
      'hour_star', field[2] like '*%',
      'dom_star', field[3] like '*%',
      'dow_star', field[5] like '*%',
      'dom_last', field[3] = '$'
    );
    if not pg_catalog.jsonb_path_exists(parsed, '$.* ? (@ == null)') then
      return parsed;
    end if;
  end if;

  seconds := (pg_catalog.regexp_match(
    pg_catalog.lower(p_schedule), '^\s*\+?(\d{1,9})\s*second(?:s\s*)?$'
  ))[1];
  if seconds::int between 1 and 59 then
    return pg_catalog.jsonb_build_object('seconds', seconds::int);
  end if;
  return null;
end;
$$;

-- The real functions are C: they know the calling role and write as the extension's owner. SQL
-- has one or the other, so a call goes through this view: its username column is filled by a
-- default that only the caller's identity can give, and a definer trigger does the writing.
create view cron._stand_in_call as
select
  null::text as operation,
  null::bigint as jobid,
  null::text as jobname,
  null::text as schedule,
  null::text as command,
  null::text as database,
  null::text as username,
  null::boolean as active,
  null::name as caller
where false;
alter view cron._stand_in_call alter column caller set default current_user;

create function cron._stand_in_check(p_caller name, p_schedule text, p_database text, p_username text, p_verb text)
returns void
language plpgsql stable set search_path = '' as $$
declare
  caller_is_superuser boolean := (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = p_caller);
  can_login boolean := (select r.rolcanlogin from pg_catalog.pg_roles r where r.rolname = p_username);
begin
  if p_schedule is not null and cron._stand_in_parse(p_schedule) is null then
    raise exception using
      errcode = '22023',
      message = pg_catalog.format('invalid schedule: %s', p_schedule),
      hint = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
  end if;
  if p_username is not null then
    if not caller_is_superuser then
      raise exception 'must be superuser to %', p_verb;
    elsif can_login is null then
      raise exception 'role "%" does not exist', p_username;
    elsif not can_login then
      raise exception using
        message = pg_catalog.format('role "%s" can not log in', p_username),
        detail = 'Jobs may only be run by roles that have the LOGIN attribute.';
    end if;
  end if;
  if p_database is not null
    and not pg_catalog.has_database_privilege(coalesce(p_username, p_caller), p_database, 'connect') then
    raise exception 'User % does not have CONNECT privilege on %', coalesce(p_username, p_caller), p_database;
  end if;
end;
$$;

create function cron._stand_in_act() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  target bigint;
  owner text;
begin
  if new.operation = 'schedule' then
    perform cron._stand_in_check(
      new.caller, new.schedule, coalesce(new.database, pg_catalog.current_database()), new.username,
      'create a job for another role'
    );
    insert into cron.job (schedule, command, nodename, nodeport, database, username, active, jobname)
    values (
      new.schedule, new.command, 'localhost', pg_catalog.current_setting('port')::int,
      coalesce(new.database, pg_catalog.current_database()),
      coalesce(new.username, new.caller), new.active, new.jobname
    )
    -- A paused job stays paused: active is not in this list on purpose.
    on conflict on constraint jobname_username_uniq do update
      set schedule = excluded.schedule, command = excluded.command, database = excluded.database
    returning jobid into new.jobid;

  elsif new.operation = 'alter' then
    perform cron._stand_in_check(
      new.caller, new.schedule, new.database, new.username, 'alter username'
    );
    if pg_catalog.num_nonnulls(new.schedule, new.command, new.database, new.username, new.active) = 0 then
      raise exception using
        message = 'no updates specified',
        hint = 'You must specify at least one job attribute to change when calling alter_job';
    end if;
    update cron.job j
    set
      schedule = coalesce(new.schedule, j.schedule),
      command = coalesce(new.command, j.command),
      database = coalesce(new.database, j.database),
      username = coalesce(new.username, j.username),
      active = coalesce(new.active, j.active)
    where j.jobid = new.jobid
      and (j.username = new.caller
        or (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = new.caller));
    if not found then
      raise exception 'Job % does not exist or you don''t own it', new.jobid;
    end if;

  elsif new.operation = 'unschedule' then
    select j.jobid, j.username into target, owner
    from cron.job j
    where case
      when new.jobid is not null then j.jobid = new.jobid
      else j.jobname = new.jobname and j.username = new.caller
    end;
    if owner is null then
      raise exception '%', case
        when new.jobid is not null then pg_catalog.format('could not find valid entry for job %s', new.jobid)
        else pg_catalog.format('could not find valid entry for job ''%s''', new.jobname)
      end;
    elsif owner <> new.caller and not pg_catalog.has_table_privilege(new.caller, 'cron.job', 'delete') then
      raise exception using errcode = '42501', message = 'permission denied for table job';
    end if;
    delete from cron.job j where j.jobid = target;
  end if;
  return new;
end;
$$;

create trigger stand_in_act
  instead of insert on cron._stand_in_call
  for each row execute function cron._stand_in_act();

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
  if job_name is null then
    raise exception 'job_name can not be NULL';
  elsif schedule is null then
    raise exception 'schedule can not be NULL';
  elsif command is null then
    raise exception 'command can not be NULL';
  end if;
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
  if job_name is null then
    raise exception 'job_name can not be NULL';
  elsif schedule is null then
    raise exception 'schedule can not be NULL';
  elsif command is null then
    raise exception 'command can not be NULL';
  end if;
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
  if job_id is null then
    raise exception 'job_id can not be NULL';
  end if;
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

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

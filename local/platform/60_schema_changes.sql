-- Tells the data API that the schema changed, on the channel and with the words PostgREST listens for.

create or replace function extensions.pgrst_ddl_watch() returns event_trigger
language plpgsql as $$
declare
  command record;
begin
  for command in select * from pg_event_trigger_ddl_commands() loop
    if command.command_tag ~ '^(CREATE|ALTER) (SCHEMA|TABLE|VIEW|MATERIALIZED VIEW|FUNCTION|TYPE|POLICY|TRIGGER)|^(CREATE TABLE AS|SELECT INTO|COMMENT|GRANT|REVOKE)'
      and command.schema_name is distinct from 'pg_temp' then
      notify pgrst, 'reload schema';
      return;
    end if;
  end loop;
end
$$;

create or replace function extensions.pgrst_drop_watch() returns event_trigger
language plpgsql as $$
begin
  if exists (
    select from pg_event_trigger_dropped_objects()
    where object_type in ('schema', 'table', 'view', 'materialized view', 'function', 'type', 'trigger')
      and not is_temporary
  ) then
    notify pgrst, 'reload schema';
  end if;
end
$$;

do $$
begin
  if not exists (select from pg_event_trigger where evtname = 'pgrst_ddl_watch') then
    create event trigger pgrst_ddl_watch on ddl_command_end
      execute function extensions.pgrst_ddl_watch();
    create event trigger pgrst_drop_watch on sql_drop
      execute function extensions.pgrst_drop_watch();
  end if;
end
$$;

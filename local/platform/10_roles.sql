-- The roles of a hosted project. Everything here runs as a superuser, before any migration and at
-- every start, so each statement can be repeated.
-- On a database of one's own (streamvibe.own_database is on) other programs may share the server:
-- a role that exists keeps what it has, settings hold in this database only, and no login gets a
-- password that is not a secret.

do $$
declare
  own constant boolean := coalesce(current_setting('streamvibe.own_database', true), '') = 'on';
  scope constant text := case when own then format('in database %I', current_database()) else '' end;
  wanted record;
  secret text;
begin
  for wanted in
    select * from (values
      -- Not a superuser, exactly as on hosted: what works here as postgres works there.
      ('postgres', 'login createdb createrole replication bypassrls'),
      ('anon', 'nologin noinherit'),
      ('authenticated', 'nologin noinherit'),
      ('service_role', 'nologin noinherit bypassrls'),
      ('authenticator', 'login noinherit'),
      ('dashboard_user', 'nologin createdb createrole replication'),
      ('supabase_auth_admin', 'login noinherit createrole'),
      ('supabase_storage_admin', 'login noinherit createrole'),
      ('supabase_realtime_admin', 'nologin noinherit'),
      ('supabase_read_only_user', 'login bypassrls'),
      ('supabase_replication_admin', 'login replication'),
      ('supabase_etl_admin', 'login replication')
    ) as role (name, attributes)
  loop
    if to_regrole(wanted.name) is null then
      execute format('create role %I %s', wanted.name, wanted.attributes);
      secret := case
        when not own then 'postgres'
        when wanted.name = 'postgres' then current_setting('streamvibe.postgres_password', true)
      end;
      if wanted.attributes ~ '^login' and secret is not null then
        execute format('alter role %I password %L', wanted.name, secret);
      end if;
    end if;
  end loop;

  if not (select rolsuper from pg_roles where rolname = 'postgres') then
    grant anon, authenticated, service_role, authenticator to postgres;
    grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
    -- New in PostgreSQL 16.
    if to_regrole('pg_create_subscription') is not null then
      grant pg_create_subscription to postgres;
    end if;
    -- On the stack's own server postgres owns the database, and by that schema public; here it may not.
    if own then
      execute format('grant create, connect, temporary on database %I to postgres', current_database());
      grant create on schema public to postgres;
    end if;
  end if;

  for wanted in
    select * from (values
      ('anon', 'statement_timeout', '''3s'''),
      ('authenticated', 'statement_timeout', '''8s'''),
      ('authenticator', 'statement_timeout', '''8s'''),
      ('authenticator', 'lock_timeout', '''8s'''),
      ('postgres', 'search_path', '"$user", public, extensions'),
      ('supabase_admin', 'search_path', '"$user", public, auth, extensions'),
      ('supabase_auth_admin', 'search_path', 'auth'),
      ('supabase_storage_admin', 'search_path', 'storage'),
      -- Our own server is built without it; on one that has it, compiling costs a small statement of
      -- many parts, such as a heartbeat, seconds each time.
      ('postgres', 'jit', 'off')
    ) as setting (role, name, value)
  loop
    if to_regrole(wanted.role) is not null and (own or wanted.name <> 'jit') then
      execute format('alter role %I %s set %s = %s', wanted.role, scope, wanted.name, wanted.value);
    end if;
  end loop;

  if not own then
    execute format('alter database %I owner to postgres', current_database());
  end if;
end
$$;

grant anon, authenticated, service_role to authenticator;
grant pg_read_all_data to supabase_read_only_user;

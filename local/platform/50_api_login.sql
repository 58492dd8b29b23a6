-- The role @supabase/lite logs in as. It is Auth and data API in one process, so it inherits what
-- supabase_auth_admin owns, and may become, without inheriting, the three API roles.
-- It owns nothing else and holds no grant option: lite's attempt to grant everything on every
-- schema with row-level security cannot succeed, and migrations' revokes stay revoked.

do $$
begin
  if to_regrole('supabase_lite') is null then
    create role supabase_lite login inherit;
    execute format('alter role supabase_lite password %L',
      coalesce(nullif(current_setting('streamvibe.api_password', true), ''), 'postgres'));
  end if;

  -- It may become an API role by way of authenticator, which inherits nothing: that works with
  -- PostgreSQL 15 as well, where a grant cannot say so by itself.
  grant authenticator to supabase_lite;
  if current_setting('server_version_num')::int >= 160000 then
    -- As text, because PostgreSQL 15 does not know the words.
    execute 'grant supabase_auth_admin to supabase_lite with inherit true, set false';
    -- What makes every table visible to its introspection, as PostgREST sees them, without a grant
    -- on any; requests never run as this role.
    execute 'grant pg_read_all_data to supabase_lite with inherit true, set false';
  else
    grant supabase_auth_admin, pg_read_all_data to supabase_lite;
  end if;
end
$$;

do $$
declare
  scope constant text := case
    when coalesce(current_setting('streamvibe.own_database', true), '') = 'on'
      then format('in database %I', current_database())
    else ''
  end;
begin
  execute format('alter role supabase_lite %s set search_path = public, extensions', scope);
  execute format('alter role supabase_lite %s set statement_timeout = ''8s''', scope);
  execute format('alter role supabase_lite %s set lock_timeout = ''8s''', scope);
  -- Why: see role postgres.
  execute format('alter role supabase_lite %s set jit = off', scope);
end
$$;

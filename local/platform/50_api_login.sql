-- The role @supabase/lite logs in as. It is Auth and data API in one process, so it inherits what
-- supabase_auth_admin owns, and may become, without inheriting, the three API roles.
-- It owns nothing else and holds no grant option: lite's attempt to grant everything on every
-- schema with row-level security cannot succeed, and migrations' revokes stay revoked.

do $$
begin
  if to_regrole('supabase_lite') is null then
    create role supabase_lite login inherit password 'postgres';
  end if;
end
$$;

grant supabase_auth_admin to supabase_lite with inherit true, set false;
grant anon, authenticated, service_role to supabase_lite with inherit false, set true;
-- What makes every table visible to its introspection, as PostgREST sees them, without a grant on
-- any; requests never run as this role.
grant pg_read_all_data to supabase_lite with inherit true, set false;

alter role supabase_lite set search_path = public, extensions;
alter role supabase_lite set statement_timeout = '8s';
alter role supabase_lite set lock_timeout = '8s';

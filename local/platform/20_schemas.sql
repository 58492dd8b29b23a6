-- Schema public and the rights new objects in it get: everything for the API roles, which is why
-- migrations have to revoke and grant by name. Only for a database without a migration: what one
-- has revoked stays revoked at the next start.

do $$
declare
  maker text;
  kind text;
begin
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    return;
  end if;
  grant usage on schema public to anon, authenticated, service_role;
  if not (select rolsuper from pg_roles where rolname = 'postgres') then
    grant usage on schema public to postgres;
  end if;
  for maker in select rolname from pg_roles where rolname in ('postgres', 'supabase_admin') loop
    foreach kind in array array['tables', 'sequences', 'functions'] loop
      execute format(
        'alter default privileges for role %I in schema public
           grant all on %s to postgres, anon, authenticated, service_role',
        maker, kind
      );
    end loop;
  end loop;
end
$$;

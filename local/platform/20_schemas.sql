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
  grant usage on schema public to postgres, anon, authenticated, service_role;
  foreach maker in array array['postgres', 'supabase_admin'] loop
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

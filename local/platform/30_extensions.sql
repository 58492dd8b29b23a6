-- The extensions a new hosted project has. pg_cron, pg_net, pgmq and the rest come with migrations.

create schema if not exists extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role, dashboard_user;

create extension if not exists pgcrypto with schema extensions;
create extension if not exists "uuid-ossp" with schema extensions;
create extension if not exists pg_stat_statements with schema extensions;

-- On a database of one's own, what the server does not offer has been put in its place by now, as
-- plain SQL (local/own_database), and what it does offer only a superuser may create.
do $$
declare
  played constant text[] := string_to_array(
    coalesce(current_setting('streamvibe.played_extensions', true), ''), ','
  );
  own constant boolean := coalesce(current_setting('streamvibe.own_database', true), '') = 'on';
  wanted record;
begin
  for wanted in
    select * from (values
      ('supabase_vault', 'vault', true),
      ('pg_cron', 'pg_catalog', false),
      ('pg_net', 'extensions', false)
    ) as extension (name, schema, is_always_there)
    where name = any (select available.name from pg_available_extensions as available)
      and name <> all (played)
  loop
    if wanted.is_always_there or own then
      if wanted.schema = 'vault' then
        create schema if not exists vault;
      end if;
      execute format('create extension if not exists %I with schema %I', wanted.name, wanted.schema);
    end if;
  end loop;
end
$$;

-- What the hosted platform grants after CREATE EXTENSION; an extension built from its source does not.
do $$
begin
  if to_regclass('vault.secrets') is not null then
    grant usage on schema vault to postgres, service_role;
    grant select, delete on vault.secrets, vault.decrypted_secrets to postgres, service_role;
    grant execute on function
      vault.create_secret(text, text, text, uuid),
      vault.update_secret(uuid, text, text, text, uuid),
      vault._crypto_aead_det_decrypt(bytea, bytea, bigint, bytea, bytea)
    to postgres, service_role;
  end if;
  if to_regclass('cron.job') is not null
    and not (select rolsuper from pg_roles where rolname = 'postgres') then
    grant usage on schema cron to postgres with grant option;
    grant all on all functions in schema cron to postgres with grant option;
    grant select on cron.job to postgres with grant option;
    grant select, insert, update, delete, truncate, references on cron.job_run_details to postgres
      with grant option;
  end if;
end
$$;

-- The platform's tables that hold something of an owner or of ours, tried like our own in rows_test.sql.
begin;
\ir ../helpers.psql
\ir ../async/jobs.psql
\ir decisions.psql
\ir matrix.psql
\ir belongings.psql
select plan(12);

-- Broadcasts: read by their owner under a topic that Realtime names, written by the database alone

create table tests.topic as
select topic from unnest(array[
  'user_jobs:' || tests.user_id('owner'), 'job_status:' || tests.belonging_id('job')]) as topic;
insert into realtime.messages (topic, extension, event, private, payload)
select topic, 'broadcast', 'job_update', true, '{"about": "private matter"}' from tests.topic;

create function tests.try_on(p_who text, p_topic text, p_statement text) returns text
language plpgsql volatile
as $$
begin
  perform set_config('realtime.topic', p_topic, true);
  return tests.try(p_who, format(p_statement, p_topic));
end
$$;

create table tests.heard as
select who, topic, verb, tests.try_on(who, topic, statement) as outcome
from tests.topic
cross join unnest(array['anon', 'owner', 'stranger', 'service']) as who
cross join (values
  ('select', 'select from realtime.messages where topic = %L and payload ->> ''about'' = ''private matter'''),
  ('insert', 'insert into realtime.messages (topic, extension, event, private, payload) values (%L, ''broadcast'', ''job_update'', true, ''{}'')'),
  ('update', 'update realtime.messages set event = ''forged'' where topic = %L'),
  ('delete', 'delete from realtime.messages where topic = %L')
) as act (verb, statement);

select is_empty($$
  select who, topic, outcome from tests.heard
  where verb = 'select' and outcome <> case when who in ('owner', 'service') then '1' else '0' end
$$, 'an owner hears of their jobs, on both topics; a stranger and anon hear nothing');
select is_empty($$
  select who, topic, outcome from tests.heard where verb = 'insert' and who <> 'service' and outcome <> 'refused'
$$, 'nobody speaks on an owner''s topic, not even the owner');
select is_empty($$
  select who, topic, verb, outcome from tests.heard
  where verb in ('update', 'delete') and who <> 'service' and outcome not in ('refused', '0')
$$, 'nobody changes what was said');

-- Vault

create table tests.on_vault as
select who, call, tests.try(who, format(call, connection.vault_secret_name)) as outcome
from public.platform_connection as connection
cross join unnest(array['anon', 'owner', 'stranger', 'service']) as who
cross join unnest(array[
  'select from vault.decrypted_secrets where name = %L', 'select from vault.secrets where name = %L',
  'update vault.secrets set description = %L', 'select vault.create_secret(%L)']) as call
where connection.user_id = tests.user_id('owner');

select is((select outcome from tests.on_vault where who = 'service' and call like '%decrypted%'), '1',
  'the owner''s tokens are in Vault');
select is_empty($$ select who, call, outcome from tests.on_vault where who <> 'service' and outcome <> 'refused' $$,
  'nobody but the service opens Vault, not even whose tokens they are');

-- The timetable

select isnt_empty($$ select from cron.job where command like 'select private.%' $$, 'there are schedules to look at');
select is_empty($$
  select who, call, outcome
  from (
    select who, call, tests.try(who, call) as outcome
    from unnest(array['anon', 'owner', 'service']) as who
    cross join unnest(array[
      'select from cron.job', 'select from cron.job_run_details', 'delete from cron.job_run_details',
      $cron$ select cron.schedule('x', '1 second', 'select 1') $cron$, $cron$ select cron.unschedule('detect-stuck') $cron$]) as call
  ) as tried
  where outcome <> 'refused'
$$, 'nobody reads or writes the timetable, nor the service');

-- The way out: pg_net grants its tables, the doorbell's key in them, to everybody. What keeps callers
-- away is that they reach schema public only (schemas_test.ts) and that nothing there runs their SQL.

select set_eq(
  $$ select short_name from tests.our_function join pg_proc using (oid) where users and prosrc ~* '\mexecute\M' $$,
  -- Chooses an order by two words from lists of its own; everything a caller sends is a parameter.
  $$ values ('private.find_user_jobs') $$,
  'functions that users may call and that run SQL made of text are known');
select is_empty($$
  select name from tests.our_function join pg_proc using (oid) where users and prosrc ~* '\mnet\.'
$$, 'no function that users may call calls out by itself');
select is_empty($$
  select name from tests.our_relation
  where schema_name = 'public' and relkind in ('v', 'm') and pg_get_viewdef(oid) ~ '\m(net|vault|cron|auth)\.'
$$, 'no view in public shows a table of the platform');

-- Realtime's row changes go by the same policies as a select; a table outside the list would be a second door.
select set_eq(
  $$ select schemaname || '.' || tablename from pg_publication_tables where pubname = 'supabase_realtime' $$,
  $$ values ('public.job_queue'), ('public.job_log'), ('public.notification') $$,
  'changes of these tables are published, and of no other');
select is_empty($$
  select tablename from pg_publication_tables as published
  join pg_class on pg_class.oid = format('%I.%I', schemaname, tablename)::regclass
  where pubname = 'supabase_realtime' and not relrowsecurity
$$, 'what is published has row level security');

select * from finish();
rollback;

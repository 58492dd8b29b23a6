-- The rules of the house, read from the catalog: a migration that forgets one fails here, by name.
-- Exceptions are written out next to their rule; each needs a reason.
begin;
\ir helpers.psql
select plan(34);

create view tests.our_functions as
select
  f.oid, n.nspname as schema_name, f.oid::regprocedure::text as name, f.proname, f.proowner, f.prosecdef,
  f.proconfig, f.proacl, f.prosrc, f.proargnames[1:f.pronargs] as arguments
from pg_proc as f
join pg_namespace as n on n.oid = f.pronamespace
where n.nspname in ('public', 'private') and not exists (
  select from pg_depend as d
  where d.classid = 'pg_proc'::regclass and d.objid = f.oid and d.deptype = 'e');

create view tests.our_relations as
select c.oid, n.nspname as schema_name, c.oid::regclass::text as name, c.relkind, c.relrowsecurity, c.reloptions
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname in ('public', 'private') and not c.relispartition and not exists (
  select from pg_depend as d
  where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e');

create view tests.our_tables as
select * from tests.our_relations where relkind in ('r', 'p');

create view tests.our_foreign_keys as
select con.conrelid, t.name as table_name, con.conname, con.conkey, con.confdeltype
from pg_constraint as con
join tests.our_tables as t on t.oid = con.conrelid
where con.contype = 'f' and con.conparentid = 0;

create view tests.our_policies as
select
  p.polrelid::regclass::text as table_name, p.polname, p.polcmd, p.polroles, p.polpermissive,
  concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) as expression
from pg_policy as p
join pg_class as c on c.oid = p.polrelid
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname in ('public', 'private', 'realtime');

select cmp_ok((select count(*) from tests.our_functions), '>', 20::bigint, 'there are functions to look at');
select cmp_ok((select count(*) from tests.our_tables), '>', 10::bigint, 'there are tables to look at');

-- Functions

select is_empty($$
  select name from tests.our_functions where not coalesce('search_path=""' = any (proconfig), false)
$$, 'every function pins search_path to nothing');

select is_empty($$
  select name from tests.our_functions where obj_description(oid, 'pg_proc') is null
$$, 'every function has a comment');

select is_empty($$
  select name from tests.our_functions where prosecdef and schema_name = 'public'
$$, 'no function in public runs with its owner''s rights');

select is_empty($$
  select name from tests.our_functions where prosecdef and obj_description(oid, 'pg_proc') !~ '\mLends\M'
$$, 'every definer function says which right it lends');

select is_empty($$
  select name from tests.our_functions where proowner <> 'postgres'::regrole
$$, 'every function belongs to postgres');

-- Functions that anybody may call without signing in would be listed here; so far there are none.
select is_empty($$
  select name from tests.our_functions where has_function_privilege('anon', oid, 'execute')
$$, 'no function is executable by everybody or by anon');

select set_eq(
  $$ select schema_name || '.' || proname from tests.our_functions where has_function_privilege('authenticated', oid, 'execute') $$,
  $$ values
    ('public.create_job'), ('private.create_job_as_caller'),
    ('public.find_or_create_job'), ('private.find_or_create_job_as_caller'),
    ('public.cancel_job'), ('private.cancel_job_as_caller'),
    ('public.get_user_jobs'), ('public.get_user_jobs_page'), ('private.find_user_jobs'),
    ('public.get_job_logs'), ('private.find_job_logs'),
    ('public.get_cached_job_result'), ('private.find_cached_result'),
    ('public.get_job_queue_stats'), ('private.get_job_queue_stats'),
    ('public.retry_job'), ('private.retry_job_as_caller'),
    ('public.request_sync'), ('private.request_sync'),
    ('public.delete_content'), ('public.restore_content'), ('private.set_content_deleted'),
    ('public.search_own_content'), ('private.search_own_content'),
    ('public.check_quota'), ('private.check_quota'), ('public.has_role'),
    ('private.job_of_topic'), ('private.raise_error') $$,
  'users call what is listed here and nothing else');

select is_empty($$
  select name, argument from tests.our_functions, unnest(arguments) as argument
  where schema_name = 'public' and argument !~ '^p_'
$$, 'the arguments of every public function begin with p_');

select is_empty($$
  select name, code[1] from tests.our_functions
  cross join regexp_matches(prosrc, 'raise_error\(\s*''([^'']+)''', 'g') as found (code)
  where not exists (select from private.error_code where error_code.code = found.code[1])
$$, 'every error that is raised is in the catalogue');

select is_empty($$
  select name from tests.our_functions where prosrc ~ 'raise exception' and proname <> 'raise_error'
$$, 'errors are raised through the catalogue');

-- A subquery in the FROM of an update is asked again for every row when the planner puts it on the inner side
-- of a nested loop, and each time locks another row than before. A CTE, like an array(…), is asked once.
select is_empty($$
  select name from tests.our_functions
  where regexp_replace(prosrc, '--[^\n]*', '', 'g') ~ (
    '(update|delete\s+from)\s+(public|private)\.[^;]*?(from|using)\s*\(\s*select'
    -- Up to three levels of brackets in it.
    '([^;()]|\(([^;()]|\(([^;()]|\([^;()]*\))*\))*\))*?\mlimit\M[^;()]*\mfor\s+(no\s+key\s+)?update\M')
$$, 'no statement writes what a subquery of its own chooses by a limit and a lock');

-- Tables

select is_empty($$
  select name from tests.our_tables where not relrowsecurity
$$, 'every table has row level security');

select is_empty($$
  select name from tests.our_relations
  where relkind in ('r', 'p', 'v', 'm') and obj_description(oid, 'pg_class') is null
$$, 'every table and view has a comment');

select is_empty($$
  select name from tests.our_tables as t
  where not exists (select from pg_constraint where conrelid = t.oid and contype = 'p')
$$, 'every table has a primary key');

select is_empty($$
  select t.name, a.attname from tests.our_tables as t
  join pg_attribute as a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
  where a.atttypid in ('timestamp'::regtype, 'timetz'::regtype, 'json'::regtype)
$$, 'time is timestamptz and JSON is jsonb');

select is_empty($$
  select t.name from tests.our_tables as t
  join pg_attribute as a on a.attrelid = t.oid and a.attname = 'updated_at' and not a.attisdropped
  -- Stamped by the statements themselves: a trigger would run at every heartbeat.
  where t.name <> 'job_queue' and not exists (
    select from pg_trigger
    where tgrelid = t.oid and tgfoid = 'private.update_updated_at()'::regprocedure)
$$, 'every table with updated_at has the trigger that keeps it');

select is_empty($$
  select name from tests.our_relations
  where relkind in ('v', 'm') and not coalesce('security_invoker=true' = any (reloptions), false)
$$, 'every view runs with its reader''s rights');

select is_empty($$
  select table_name, conname from tests.our_foreign_keys
  -- 'a' is NO ACTION, which is what a key gets that does not say. r restrict, c cascade, n set null.
  where confdeltype = 'a'
$$, 'every foreign key says what happens on delete');

select is_empty($$
  select table_name, conname from tests.our_foreign_keys as f
  where not exists (
    select from pg_index as i
    where i.indrelid = f.conrelid and (i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey)
$$, 'every foreign key has an index that begins with it');

-- Policies

select isnt_empty($$ select polname from tests.our_policies $$, 'there are policies to look at');

select is_empty($$
  select table_name, polname from tests.our_policies where polroles = '{0}'
$$, 'every policy names a role');

-- What stands in a select of its own is taken out first; what is left is asked for every row.
select is_empty($$
  select table_name, polname from tests.our_policies
  where regexp_replace(expression,
    '\( SELECT [a-z_]+\.[a-z_]+\(([a-z_]+\.[a-z_]+\(\))?[^()]*\)( AS [a-z_]+)?\)', '', 'g')
    ~ '(auth|realtime)\.[a-z_]+\(|current_setting\('
$$, 'every policy asks who is calling once per statement');

select is_empty($$
  select table_name, role_id::regrole, command
  from tests.our_policies
  cross join unnest(polroles) as role_id
  cross join unnest(case polcmd when '*' then '{r,a,w,d}'::"char"[] else array[polcmd] end) as command
  where polpermissive and table_name !~ '^realtime\.'
  group by 1, 2, 3
  having count(*) > 1
$$, 'a role has one permissive policy per action');

-- Grants

create view tests.granted as
select role_name, privilege, r.schema_name, r.name as table_name, a.attname::text as column_name
from tests.our_relations as r
join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
cross join unnest('{anon,authenticated}'::text[]) as role_name
cross join unnest('{select,insert,update,delete,truncate}'::text[]) as privilege
where r.relkind in ('r', 'p', 'v', 'm') and case
  when privilege in ('delete', 'truncate') then has_table_privilege(role_name, r.oid, privilege)
  else has_column_privilege(role_name, r.oid, a.attnum, privilege) end;

select set_eq(
  $$ select role_name, privilege, table_name, column_name from tests.granted where privilege <> 'select' $$,
  $$ values
    ('authenticated', 'update', 'users', 'display_name'),
    ('authenticated', 'update', 'users', 'bio'),
    ('authenticated', 'update', 'users', 'avatar_url'),
    ('authenticated', 'update', 'users', 'category'),
    ('authenticated', 'update', 'users', 'is_public'),
    ('authenticated', 'update', 'users', 'notification_preferences'),
    ('authenticated', 'update', 'users', 'push_token'),
    ('authenticated', 'update', 'user_setting', 'auto_sync_enabled'),
    ('authenticated', 'update', 'user_setting', 'auto_sync_interval'),
    ('authenticated', 'update', 'user_setting', 'channels'),
    ('authenticated', 'update', 'user_setting', 'locale'),
    ('authenticated', 'update', 'notification', 'read_at'),
    ('authenticated', 'update', 'social_account', 'sync_mode'),
    ('authenticated', 'update', 'social_account', 'sync_interval'),
    ('authenticated', 'update', 'social_account', 'is_active') $$,
  'users write what is listed here and nothing else');

select set_eq(
  $$ select table_name from tests.granted where role_name = 'anon' $$,
  $$ values ('platform'), ('account_status'), ('content_type'), ('subscription_tier'), ('subscription_status') $$,
  'anon reads the catalogues and nothing else');

select is_empty($$
  select role_name, table_name from tests.granted where schema_name = 'private'
$$, 'users have no rights on a private table');

select is_empty($$
  select role_name, name from tests.our_relations
  cross join unnest('{anon,authenticated}'::text[]) as role_name
  -- The planner may ask this of a table too, and sequence privileges of a table are an error.
  where case when relkind = 'S' then has_sequence_privilege(role_name, oid, 'usage, select, update') end
$$, 'users have no rights on a sequence');

select ok(not has_schema_privilege('anon', 'private', 'usage'), 'anon cannot reach into private');

create table public.tests_probe (id bigint generated always as identity primary key);
create function public.tests_probe() returns int language sql stable as $$ select 1 $$;
select is_empty($$
  select role_name from unnest('{anon,authenticated,service_role}'::text[]) as role_name
  where has_table_privilege(role_name, 'public.tests_probe', 'select, insert, update, delete, truncate')
    or has_sequence_privilege(role_name, 'public.tests_probe_id_seq', 'usage, select, update')
    or has_function_privilege(role_name, 'public.tests_probe()', 'execute')
$$, 'a new table, sequence or function is granted to nobody');
drop table public.tests_probe;
drop function public.tests_probe();

-- Extensions and schedules

select is_empty($$
  select extname from pg_extension where extnamespace = 'public'::regnamespace
$$, 'no extension lives in public');

-- A sixth field, for seconds, does not exist in pg_cron: it is read as something else.
select is_empty($$
  select jobname, schedule from cron.job
  where schedule !~ '^([1-9]|[1-5][0-9]) seconds?$' and schedule !~ '^\s*(\S+\s+){4}\S+\s*$'
$$, 'a schedule has five fields or says how many seconds');

select results_eq(
  $$ select jobname::text, schedule::text, command::text from cron.job
     where command like 'select private.%' order by 1 $$,
  $$ select name::text, schedule::text, command::text from private.timetable order by 1 $$,
  'the timetable is what is scheduled');

select * from finish();
rollback;

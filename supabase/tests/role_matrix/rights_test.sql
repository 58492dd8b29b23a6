-- Every table, view, sequence and function of ours against decisions.psql, from the catalog.
begin;
\ir ../helpers.psql
\ir decisions.psql
\ir matrix.psql
select plan(17);

select cmp_ok((select count(*) from tests.our_relation), '>', 25::bigint, 'there are relations to look at');
select cmp_ok((select count(*) from tests.our_function), '>', 90::bigint, 'there are functions to look at');

-- Everything is decided, and nothing is that does not exist

select is_empty($$
  select name from tests.our_relation except select name from tests.relation_decision
$$, 'every table, view and sequence has a line in decisions.psql');

select is_empty($$
  select name from tests.relation_decision except select name from tests.our_relation
$$, 'every relation in decisions.psql exists');

select is_empty($$
  select name from tests.our_function except select name from tests.function_decision
$$, 'every function has a line in decisions.psql');

select is_empty($$
  select name from tests.function_decision except select name from tests.our_function
$$, 'every function in decisions.psql exists');

-- The rights are the decided ones, for each role: no more and no less

create view tests.relation_mismatch as
select name, role_name, format('decided "%s", has "%s"', decided, has) as verdict
from tests.our_relation
join tests.relation_decision as decision using (name)
cross join lateral (values
  ('anon', decision.anon, our_relation.anon),
  ('authenticated', decision.users, our_relation.users),
  ('service_role', decision.service, our_relation.service)
) as side (role_name, decided, has)
where decided <> has;

select is_empty($$ select * from tests.relation_mismatch where role_name = 'anon' $$,
  'anon has the decided rights on relations');
select is_empty($$ select * from tests.relation_mismatch where role_name = 'authenticated' $$,
  'users have the decided rights on relations');
select is_empty($$ select * from tests.relation_mismatch where role_name = 'service_role' $$,
  'the service has the decided rights on relations');

create view tests.function_mismatch as
select name, callers,
  concat_ws(', ', case when anon then 'anon' end, case when users then 'users' end, case when service then 'service' end)
    as may_call
from tests.our_function
join tests.function_decision using (name)
where anon or users <> (callers in ('users', 'users, service')) or service <> (callers in ('service', 'users, service'));

select is_empty($$ select * from tests.function_mismatch $$, 'functions are called by whom it was decided');

-- Rights that go to PUBLIC or to a role nobody thought of would not show above.
select is_empty($$
  select relation.name, grantee.grantee::regrole
  from tests.our_relation as relation
  join pg_class on pg_class.oid = relation.oid
  cross join lateral aclexplode(pg_class.relacl) as grantee
  where grantee.grantee not in (
    'postgres'::regrole, 'anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole)
$$, 'no other role was granted anything on a relation');

select is_empty($$
  select function.name, grantee.grantee::regrole
  from tests.our_function as function
  join pg_proc on pg_proc.oid = function.oid
  -- No list at all means that everybody may.
  cross join lateral aclexplode(coalesce(pg_proc.proacl, acldefault('f', pg_proc.proowner))) as grantee
  where grantee.grantee not in (
    'postgres'::regrole, 'anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole)
$$, 'no other role was granted a function');

select is_empty($$
  select relation.name, grantee.privilege_type, grantee.grantee::regrole
  from tests.our_relation as relation
  join pg_class on pg_class.oid = relation.oid
  cross join lateral aclexplode(pg_class.relacl) as grantee
  where grantee.grantee <> 'postgres'::regrole
    and (grantee.is_grantable or grantee.privilege_type in ('REFERENCES', 'TRIGGER', 'MAINTAIN'))
$$, 'nobody may pass a right on, refer to a table, put a trigger on it or maintain it');

-- The two that become everybody else: neither may be a way around the list.
select is_empty($$
  select r.rolname from pg_roles as r
  where r.rolname in ('anon', 'authenticated') and (
    r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolcanlogin
    or exists (select from pg_auth_members where member = r.oid))
$$, 'anon and authenticated are members of nothing and bypass nothing');

-- Writing a policy away needs no grant on a row, only a place to put something of one's own.
select is_empty($$
  select role_name, nspname
  from unnest('{anon,authenticated,service_role}'::text[]) as role_name
  cross join pg_namespace
  where nspname in ('public', 'private', 'extensions', 'vault', 'net', 'realtime', 'auth')
    and has_schema_privilege(role_name, oid, 'create')
$$, 'no role makes objects in a schema that our functions look into');

-- What we use of the platform

select set_has(
  $$ select name from tests.relation union select name from tests.function $$,
  $$ select name from tests.platform_decision $$,
  'what we use of the platform exists');

select is_empty($$
  select name, role_name, format('at most "%s", has "%s"', decided, has) as verdict
  from (
    select name, anon, users, service from tests.relation
    union all
    select name, case when anon then 'x' else '' end, case when users then 'x' else '' end,
      case when service then 'x' else '' end
    from tests.function
  ) as object
  join tests.platform_decision as decision using (name)
  cross join lateral (values
    ('anon', decision.anon, object.anon),
    ('authenticated', decision.users, object.users),
    ('service_role', decision.service, object.service)
  ) as side (role_name, decided, has)
  where not (string_to_array(decided, null) @> string_to_array(has, null))
$$, 'the platform''s objects are as closed as we take them to be');

select * from finish();
rollback;

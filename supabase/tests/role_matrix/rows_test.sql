-- Every relation, every verb, really tried by each of the four who knock: anon, the owner of the rows, a
-- stranger, the service. What is expected is worked out from decisions.psql.
begin;
\ir ../helpers.psql
\ir ../async/jobs.psql
\ir decisions.psql
\ir matrix.psql
\ir belongings.psql
select plan(13);

select is_empty($$
  select name from tests.our_relation as relation
  where schema_name = 'public' and relkind in ('r', 'p')
    and not exists (select from tests.belonging where belonging.relation = relation.oid)
$$, 'the owner has a row in every public table (if not, add one to belongings.psql)');

create view tests.trial as
select
  relation.name, who, verb, decision.seen_by,
  strpos(regexp_replace(rights, '\(.*?\)', '', 'g'), left(verb, 1)) > 0 as is_allowed,
  case decision.seen_by
    when 'everybody' then true
    when 'signed-in users' then who <> 'anon'
    when 'its owner' then who in ('owner', 'service')
    when 'the service' then who = 'service'
    else false
  end as sees,
  rows.count as rows,
  case verb
    when 'select' then 'select from ' || relation.oid::regclass || ' as t' || condition
    when 'insert' then 'insert into ' || relation.oid::regclass || ' default values'
    when 'update' then format('update %s as t set %I = %2$I', relation.oid::regclass, coalesce(own.attname, any_column.attname)) || condition
    when 'delete' then 'delete from ' || relation.oid::regclass || ' as t' || condition
    when 'truncate' then 'truncate ' || relation.oid::regclass || ' cascade'
  end as statement
from tests.our_relation as relation
join tests.relation_decision as decision using (name)
cross join lateral (values
  ('anon', 'anon', decision.anon),
  ('owner', 'authenticated', decision.users),
  ('stranger', 'authenticated', decision.users),
  ('service', 'service_role', decision.service)
) as side (who, role_name, rights)
cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate']) as verb
cross join lateral (
  select count(*) from tests.belonging where belonging.relation = relation.oid
) as rows
cross join lateral (
  select case when rows.count > 0 then format(
    ' where %s in (select key from tests.belonging where relation = %s)',
    tests.key_expression(relation.oid), relation.oid) else '' end as condition
) as narrowed
-- A column that the role may update, when there is one.
left join lateral (
  select attname from pg_attribute
  where attrelid = relation.oid and attnum > 0 and not attisdropped and attgenerated = ''
    and has_column_privilege(role_name, relation.oid, attnum, 'update')
  order by attname limit 1
) as own on true
left join lateral (
  select attname from pg_attribute
  where attrelid = relation.oid and attnum > 0 and not attisdropped and attidentity = ''
  order by attnum limit 1
) as any_column on true
where relation.relkind in ('r', 'p') or verb = 'select' and relation.relkind <> 'S';

create table tests.tried as
select trial.*, tests.try(who, statement) as outcome
from tests.trial;

select cmp_ok((select count(*) from tests.tried where outcome = 'refused'), '>', 300::bigint, 'there are refusals to look at');

select is_empty($$
  select name, who, verb, outcome from tests.tried where not is_allowed and outcome <> 'refused'
$$, 'whoever has no right to a verb is refused');
select is_empty($$
  select name, who, verb, outcome from tests.tried where is_allowed and outcome = 'refused' and verb <> 'insert'
$$, 'whoever has a right to a verb is let in');
select is_empty($$
  select name, who, outcome from tests.tried where verb = 'insert' and is_allowed and outcome = 'refused'
$$, 'whoever may insert is told what is missing, not that it may not');

-- Rows. The service goes first: it proves that there is something to see.
select is_empty($$
  select name, outcome, rows from tests.tried
  where who = 'service' and verb = 'select' and is_allowed and outcome <> rows::text
$$, 'the service sees every row');
select is_empty($$
  select name, outcome, rows from tests.tried
  where who = 'owner' and verb = 'select' and is_allowed and outcome <> rows::text
$$, 'an owner sees every row of their own');
select is_empty($$
  select name, outcome from tests.tried
  where who = 'stranger' and verb = 'select' and is_allowed and outcome <> case when sees then rows::text else '0' end
$$, 'a stranger sees no row of somebody else''s, and every catalogue');
select is_empty($$
  select name, outcome from tests.tried
  where who = 'anon' and verb = 'select' and is_allowed and outcome <> case when sees then rows::text else '0' end
$$, 'anon sees the catalogues');

select is_empty($$
  select name, verb, outcome, rows from tests.tried
  where who = 'owner' and verb in ('update', 'delete') and is_allowed and outcome <> rows::text
$$, 'an owner writes their own rows where it was decided');
select is_empty($$
  select name, verb, outcome from tests.tried
  where who = 'stranger' and verb in ('update', 'delete') and is_allowed and outcome <> '0'
$$, 'a stranger with the same right reaches no row of somebody else''s');

select is((select count(*) from tests.tried where who = 'stranger' and verb = 'select' and is_allowed and not sees), 15::bigint,
  'the tables a stranger reads without seeing anything are the fifteen that belong to somebody');

-- Sequences
select is_empty($$
  select name, who, call, outcome
  from (
    select name, who, call, tests.try(who, format(call, oid::regclass)) as outcome
    from tests.our_relation
    cross join unnest(array['anon', 'owner', 'service']) as who
    cross join unnest(array['select nextval(%L)', 'select setval(%L, 1)', 'select from %s']) as call
    where relkind = 'S'
  ) as tried
  where outcome <> 'refused'
$$, 'nobody reads or moves a sequence');

select * from finish();
rollback;

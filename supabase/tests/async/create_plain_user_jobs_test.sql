-- Jobs of users of one type and priority, to be started now, new to their users, who have room for them, take a
-- short way through create_jobs(): nobody can tell but by the time it takes.
begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(26);

select tests.create_user('ann'), tests.create_user('bob'), tests.create_user('eve');
-- As few rows as there can be when a plan is made.
truncate public.job_queue;

create function tests.plain(p_name text, p_from int, p_to int, p_more jsonb default '{}') returns jsonb
language sql stable
as $$
  select jsonb_agg(jsonb_build_object(
    'user_id', tests.user_id(p_name), 'job_type', 'test_open', 'params', jsonb_build_object('n', n)) || p_more order by n)
  from generate_series(p_from, p_to) as n
$$;
grant execute on function tests.plain(text, int, int, jsonb) to public;

create temporary table scans as select relid, seq_scan from pg_stat_xact_user_tables
  where relid in ('public.job_queue'::regclass, 'private.job_active'::regclass, 'private.job_waiting'::regclass);
select isnt(private.create_plain_user_jobs(tests.plain('eve', 901, 903)), null, 'plain jobs take the short way');
select is(private.create_plain_user_jobs(tests.plain('eve', 901, 904)), null, 'not where one of them is there already');
select is(private.create_plain_user_jobs(tests.plain('eve', 905, 906) || tests.plain('eve', 905, 905)), null, 'nor where two are equal');
select is(private.create_plain_user_jobs(tests.plain('eve', 905, 912)), null, 'nor where one is too many for its user');
select is(private.create_plain_user_jobs(tests.plain('eve', 905, 906) || tests.plain('bob', 907, 907, '{"priority": 2}')), null, 'nor with two priorities');
select is(private.create_plain_user_jobs(tests.plain('eve', 905, 906) || tests.plain('bob', 907, 907, '{"job_type": "test_other"}')), null, 'nor of two types');
select is(private.create_plain_user_jobs(tests.plain('eve', 905, 906) || tests.plain('bob', 907, 907, '{"delay_ms": 1}')), null, 'nor for later');
select is(private.create_plain_user_jobs(tests.plain('eve', 905, 906) || '{"job_type": "test_open"}'), null, 'nor for the system');
update public.job_type set quota_type = 'syncs' where name = 'test_other';
select is(private.create_plain_user_jobs(tests.plain('eve', 905, 906, '{"job_type": "test_other"}')), null, 'nor where they are charged');
update public.job_type set quota_type = null where name = 'test_other';
select results_eq($$ select relid, seq_scan from pg_stat_xact_user_tables where relid in (select relid from scans) order by 1 $$,
  $$ select * from scans order by 1 $$, 'no table is read as a whole, also when it was empty when that was planned');
select is((select count(*)::int from public.job_queue), 3, 'what does not take it leaves nothing behind');

select tests.become_service();
create temporary table asked as
  select tests.plain('ann', 1, 5) || tests.plain('bob', 1, 5) || tests.plain('ann', 6, 9) as jobs;
create temporary table made as select made.*, tests.job(made.job_id) as job from asked, public.create_jobs(asked.jobs) as made;
select results_eq($$ select ordinal, outcome, (job).user_id, (job).params from made $$,
  $$ select n::int, 'created', (job ->> 'user_id')::uuid, job -> 'params' from asked, jsonb_array_elements(jobs) with ordinality as each (job, n) $$,
  'create_jobs() answers for each in order');
select results_eq($$ select distinct (job).job_priority::int, (job).max_retries, (job).status, (job).scheduled_for = now(), (job).expires_at = now() + interval '24 hours' from made $$,
  $$ values (5, 3, 'pending', true, true) $$, 'each is as its type has it');
select results_eq($$ select (job).turn - min((job).turn) over () from made where (job).user_id = tests.user_id('ann') order by ordinal $$,
  $$ select generate_series(0, 8)::bigint $$, 'a user''s jobs stand one behind the other');
select is((select array_agg(case when user_id = tests.user_id('ann') then 'ann' else 'bob' end order by turn, user_id = tests.user_id('bob'))
    from public.job_queue join made on job_id = id and (job).turn - (select min((job).turn) from made) < 2),
  array['ann', 'bob', 'ann', 'bob'], 'and users take turns');
select tests.become_postgres();
select results_eq($$ select topic, payload ->> 'job_id', payload ->> 'status' from realtime.messages
    where payload ->> 'job_id' in (select job_id::text from made) order by topic, inserted_at, id $$,
  $$ select 'user_jobs:' || (job).user_id, job_id::text, 'pending' from made order by 1, ordinal $$, 'every owner is told, in order');
select results_eq($$ select job_id from made join public.job_queue as job on job.id = job_id order by job.ctid $$,
  $$ select job_id from made order by (job).turn, ordinal $$, 'jobs lie in the order in which they will be taken');
select is((select count(distinct id)::int from realtime.messages where payload ->> 'job_id' in (select job_id::text from made)
    and substr(id::text, 15, 1) = '7' and substr(id::text, 20, 1) in ('8', '9', 'a', 'b')), 14, 'by messages of ids of their own');

-- Joined, limited, by whomever.
select tests.become_service();
select results_eq($$ select outcome, count(*)::int, count(distinct job_id)::int from public.create_jobs(tests.plain('bob', 5, 7)) group by 1 order by 1 $$,
  $$ values ('created', 2, 2), ('joined', 1, 1) $$, 'an equal job is joined, and the others are created');
select results_eq($$ select outcome, job_id from public.find_or_create_job(tests.user_id('bob'), 'test_open', '{"n": 3}') $$,
  $$ select 'joined', job_id from made where (job).user_id = tests.user_id('bob') and (job).params = '{"n": 3}' $$, 'find_or_create_job() joins it');
select results_eq($$ select outcome, count(*)::int from public.create_jobs(tests.plain('ann', 10, 12)) group by 1 order by 1 $$,
  $$ values ('created', 1), ('limited', 2) $$, 'the limit per user is kept');
select is((select outcome from public.create_jobs(tests.plain('bob', 8, 8, '{"key": "k"}'))), 'created', 'a key makes a request');
select is((select outcome from public.create_jobs(tests.plain('bob', 9, 9, '{"key": "k"}'))), 'joined', 'whatever the params');
select is(tests.error_of($$ select public.create_jobs(tests.plain('bob', 10, 10, '{"params": {"n": 1e131071}}')) $$), 'PARAMS_TOO_LARGE',
  'params of few bytes that are more than 64 KB of digits are refused');
select throws_ok($$ select public.create_jobs('[{"job_type": "test_open", "user_id": "00000000-0000-4000-8000-00000000dead"}]') $$, '23503', null, 'an owner that is not there is refused');

select tests.become_postgres();
select tests.side_tables_are_right();
select * from finish();
rollback;

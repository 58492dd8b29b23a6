begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(23);

select tests.create_user('ann'), tests.create_user('bob'), tests.create_user('eve');
create function tests.asked(p_name text, p_type text, p_params jsonb, p_more jsonb default '{}') returns jsonb language sql stable as $$
  select jsonb_build_object('user_id', tests.user_id(p_name), 'job_type', p_type, 'params', p_params) || p_more
$$;
grant execute on function tests.asked(text, text, jsonb, jsonb) to public;

select tests.become_user('ann');
select throws_ok($$ select * from public.create_jobs('[]') $$, '42501', null, 'no user can create jobs in bulk');
select tests.become_anon();
select throws_ok($$ select * from public.create_jobs('[]') $$, '42501', null, 'nor can anon');

select tests.become_service();
create temporary table first as select public.create_job(tests.user_id('ann'), 'test_open', '{"a": 1}') as id;
create temporary table made as select * from public.create_jobs(jsonb_build_array(
  tests.asked('ann', 'test_open', '{"a": 1}'),
  tests.asked('ann', 'test_open', '{"a": 2}'),
  tests.asked('ann', 'test_open', '{"a": 2}'),
  tests.asked('bob', 'test_open', '{"a": 1}', '{"priority": 2}'),
  tests.asked('bob', 'test_internal', '{"a": 1}', jsonb_build_object('scheduled_for', now() + interval '1 hour')),
  tests.asked('bob', 'test_open', '{"a": 3}', '{"key": "k"}'),
  tests.asked('bob', 'test_open', '{"a": 4}', '{"key": "k"}'),
  '{"job_type": "test_internal", "params": {"system": 1}}'::jsonb,
  '{"job_type": "test_internal"}'::jsonb));
select results_eq($$ select ordinal, outcome from made order by ordinal $$,
  $$ values (1, 'joined'), (2, 'created'), (3, 'joined'), (4, 'created'), (5, 'created'), (6, 'created'), (7, 'joined'), (8, 'created'), (9, 'created') $$,
  'create_jobs() answers for each in order');
select is((select job_id from made where ordinal = 1), (select id from first), 'an equal active job is joined');
select is((select count(distinct job_id)::int from made where ordinal in (2, 3)), 1, 'equal requests of one call are one job');
select is((select count(distinct job_id)::int from made where ordinal in (6, 7)), 1, 'so are two of one key');
select results_eq($$ select job_priority::int, turn is not null, expires_at > scheduled_for + interval '23 hours' from made, tests.job(job_id) where ordinal in (4, 5) order by ordinal $$,
  $$ values (2, true, true), (5, false, true) $$, 'a job has the priority and the time that it was given');
select results_eq($$ select user_id, params from made, tests.job(job_id) where ordinal in (8, 9) order by ordinal $$,
  $$ values (null::uuid, '{"system": 1}'::jsonb), (null, '{}') $$, 'a job without a user is the system''s');
select results_eq($$ select outcome, count(*)::int from public.create_jobs((select jsonb_agg(x) from (select jsonb_array_elements(jsonb_build_array(
    tests.asked('ann', 'test_open', '{"a": 1}'), tests.asked('bob', 'test_open', '{}', '{"key": "k"}'), '{"job_type": "test_internal", "params": {"system": 1}}'::jsonb)) as x) as again)) group by 1 $$,
  $$ values ('joined', 3) $$, 'asked again, all are joined');
select is((select outcome from public.find_or_create_job(tests.user_id('bob'), 'test_open', '{"a": 3}', p_key => 'k')), 'joined',
  'find_or_create_job() joins what create_jobs() made under the key');

-- The limit: ann holds two, so that eight of twelve are hers.
select results_eq($$ select outcome, count(*)::int, count(job_id)::int from public.create_jobs((
    select jsonb_agg(tests.asked('ann', 'test_open', jsonb_build_object('n', n))) from generate_series(1, 12) as n)) group by 1 order by 1 $$,
  $$ values ('created', 8, 8), ('limited', 4, 0) $$, 'create_jobs() keeps the limit per user');
select results_eq($$ select outcome from public.create_jobs(jsonb_build_array(tests.asked('ann', 'test_open', '{"a": 1}'), tests.asked('ann', 'test_open', '{"n": 99}'))) order by ordinal $$,
  $$ values ('joined'), ('limited') $$, 'at the limit equal jobs are joined');

-- Turns: eve's one comes before bob's second.
select public.create_jobs((select jsonb_agg(tests.asked('eve', 'test_other', jsonb_build_object('n', n), '{"priority": 9}')) from generate_series(1, 5) as n));
select public.create_jobs(jsonb_build_array(tests.asked('bob', 'test_other', '{}', '{"priority": 9}')));
select results_eq($$ select user_id from tests.claim('w1', 2, array['test_other']) $$, $$ values (tests.user_id('eve')), (tests.user_id('bob')) $$,
  'users take turns, however many jobs one of them has');

-- Windows.
select tests.become_postgres();
update public.job_queue set requested_at = now() - interval '6 minutes' where id = (select job_id from made where ordinal = 4);
select is((select outcome from public.create_jobs(jsonb_build_array(tests.asked('bob', 'test_open', '{"a": 1}')))), 'created', 'create_jobs() does not join a job older than the window');
select is((tests.job(job_id)).status, 'pending', 'which goes on') from made where ordinal = 4;

-- All or nothing.
select tests.become_service();
select is(tests.error_of($$ select public.create_jobs('[{"job_type": "test_internal", "params": {"x": 1}}, {"job_type": "nothing"}]') $$), 'UNKNOWN_JOB_TYPE', 'create_jobs() refuses an unknown type');
select is(tests.error_of($$ select public.create_jobs('[{"job_type": "test_open", "params": 1}]') $$), 'VALIDATION_ERROR', 'create_jobs() refuses params that are no object');
select is(tests.error_of($$ select public.create_jobs('[{"job_type": "test_open", "priority": 0}]') $$), 'VALIDATION_ERROR', 'create_jobs() refuses a priority below 1');
select is(tests.error_of($$ select public.create_jobs('[{"job_type": "test_open", "key": ""}]') $$), 'VALIDATION_ERROR', 'create_jobs() refuses an empty key');
select is(tests.error_of($$ select public.create_jobs('{}') $$), 'VALIDATION_ERROR', 'create_jobs() refuses what is no array');
select is_empty($$ select from public.job_queue where params = '{"x": 1}' $$, 'a refused call creates nothing');
select is_empty($$ select * from public.create_jobs('[]') $$, 'nothing asked for is nothing done');

select tests.side_tables_are_right();
select * from finish();
rollback;

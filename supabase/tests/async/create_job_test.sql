begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(27);

select tests.create_user('ann'), tests.create_user('bob');

select tests.become_user('ann');
select isnt(public.create_job(tests.user_id('ann'), 'test_open', '{"a": 1}'), null, 'create_job() returns an id');
select results_eq($$ select user_id, job_type, status, params, job_priority::int, seq from public.job_queue $$,
  $$ values (tests.user_id('ann'), 'test_open', 'pending', '{"a": 1}'::jsonb, 5, 0::bigint) $$,
  'create_job() stores a pending job of the caller');
select ok((select expires_at between now() + interval '23 hours' and now() + interval '25 hours' from public.job_queue),
  'create_job() sets the expiry of the type');
select isnt(public.create_job(null, 'test_open', '{"a": 1}'), null, 'create_job() takes the caller when no user is named');
select is((select count(*)::int from public.job_queue), 2, 'create_job() joins nothing');
select isnt(public.create_job(tests.user_id('bob'), 'test_open'), null, 'create_job() with another''s id works');
select is((select count(*)::int from public.job_queue where user_id = tests.user_id('ann')), 3,
  'create_job() with another''s id creates a job of the caller');

select is(tests.error_of($$ select public.create_job(null, 'test_internal') $$), 'FORBIDDEN',
  'create_job() refuses a type that users may not create');
select is(tests.error_of($$ select public.create_job(null, 'no_such_type') $$), 'UNKNOWN_JOB_TYPE',
  'create_job() refuses an unknown type');
select is(tests.error_of($$ select public.create_job(null, 'test_open', '[1]') $$), 'VALIDATION_ERROR',
  'create_job() refuses params that are no object');
select is(tests.error_of($$ select public.create_job(null, 'test_open', '{}', 0) $$), 'VALIDATION_ERROR',
  'create_job() refuses a priority below 1');
select is(tests.error_of($$ select public.create_job(null, 'test_open', jsonb_build_object('a', repeat('x', 65537))) $$),
  'PARAMS_TOO_LARGE', 'create_job() refuses params over 64 KB');
select is(tests.error_of($$ select public.create_job(null, 'test_open', '{"n": 1e131071}') $$),
  'PARAMS_TOO_LARGE', 'also of few bytes that would be so many digits for whoever claims them');
select is(tests.error_of($$ select public.find_or_create_job(null, 'test_open', '{"n": [1e-16383, 1e-16382, 1e-16381, 1e-16380, 1e-16379]}') $$),
  'PARAMS_TOO_LARGE', 'nor does find_or_create_job() take them');
select lives_ok($$ select public.create_job(null, 'test_open', '{"p": 1}', 1), public.create_job(null, 'test_open', '{"p": 9}', 9) $$,
  'create_job() takes a priority');
select results_eq($$ select job_priority::int from public.job_queue where params ? 'p' order by 1 $$, $$ values (5), (9) $$,
  'a user may step back in the queue, not forward');

select tests.become_anon();
select throws_ok($$ select public.create_job(null, 'test_open') $$, '42501', null, 'anon cannot create a job');

select tests.become_service();
select isnt(public.create_job(tests.user_id('bob'), 'test_internal', '{}', 1), null,
  'the service creates any type for a named user');
select isnt(public.create_job(null, 'test_internal', '{"system": true}'), null, 'the service creates a system job');
select is((select user_id from public.job_queue where params ? 'system'), null, 'a system job has no owner');

-- Made and cancelled over and over.
select tests.become_postgres();
update private.rate_limit set max_requests = 2 where function_name = 'create_job';
select tests.create_user('cid');
select tests.become_user('cid');
select public.cancel_job(public.create_job(null, 'test_open'));
select is(tests.error_of($$ select public.create_job(null, 'no_such_type') $$), 'UNKNOWN_JOB_TYPE',
  'a request that is refused is not counted');
select lives_ok($$ select public.find_or_create_job(null, 'test_open', '{"a": 9}') $$, 'what is within the limit is created');
select is(tests.error_of($$ select public.create_job(null, 'test_open') $$), 'RATE_LIMITED', 'create_job() is limited per user');
select is(tests.error_of($$ select public.find_or_create_job(null, 'test_open', '{"a": 9}') $$), 'RATE_LIMITED',
  'and so is find_or_create_job(), by the same count');
select tests.become_service();
select lives_ok($$ select public.create_job(tests.user_id('cid'), 'test_open') $$, 'the service is not counted');

-- A session that claims to be signed in but never became the role.
select tests.become_postgres();
set local role authenticated;
select is(tests.error_of($$ select public.create_job(tests.user_id('ann'), 'test_open') $$), 'UNAUTHENTICATED',
  'create_job() refuses a caller without a user');

select tests.side_tables_are_right();
select * from finish();
rollback;

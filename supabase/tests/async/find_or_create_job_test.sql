begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(23);

select tests.create_user('ann'), tests.create_user('bob');

select tests.become_user('ann');
create temporary table first as select * from public.find_or_create_job(null, 'test_open', '{"a": 1, "b": 2}');
select is((select outcome from first), 'created', 'find_or_create_job() creates what is not there');
select results_eq($$ select job_id, status, outcome from public.find_or_create_job(null, 'test_open', '{"b": 2, "a": 1}') $$,
  $$ select job_id, 'pending', 'joined' from first $$, 'find_or_create_job() joins the equal active job, in any order of keys');
select is((select outcome from public.find_or_create_job(null, 'test_open', '{"a": 2}')), 'created',
  'find_or_create_job() creates a job for other params');
select is((select outcome from public.find_or_create_job(null, 'test_other', '{"a": 1, "b": 2}')), 'created',
  'find_or_create_job() creates a job for another type');
select is(tests.error_of($$ select public.find_or_create_job(null, 'test_internal') $$), 'FORBIDDEN',
  'find_or_create_job() refuses a type that users may not create');

select tests.become_user('bob');
select is((select outcome from public.find_or_create_job(tests.user_id('ann'), 'test_open', '{"a": 1, "b": 2}')), 'created',
  'find_or_create_job() never joins another user''s job');

select tests.become_anon();
select throws_ok($$ select public.find_or_create_job(null, 'test_open') $$, '42501', null, 'anon cannot find or create a job');

select tests.become_postgres();
update public.job_queue set requested_at = now() - interval '6 minutes' where id = (select job_id from first);
select tests.become_user('ann');
select is((select outcome from public.find_or_create_job(null, 'test_open', '{"a": 1, "b": 2}', '10 minutes')), 'joined',
  'find_or_create_job() joins within the window it is given');
select is((select outcome from public.find_or_create_job(null, 'test_open', '{"a": 1, "b": 2}')), 'created',
  'find_or_create_job() does not join a job older than the window');
select is((tests.job((select job_id from first))).status, 'pending', 'the older job goes on');
select is((select count(*)::int from public.find_or_create_job(null, 'test_open', '{"a": 1, "b": 2}')
    where outcome = 'joined' and job_id <> (select job_id from first)), 1,
  'find_or_create_job() then joins the newer job');

-- Results of test_cached answer for an hour; those of test_open never.
select tests.become_postgres();
insert into public.job_queue (user_id, job_type, status, progress_percent, params, dedupe_key, result, requested_at, completed_at)
select tests.user_id('ann'), type, 'completed', 100, '{"q": 1}', private.job_dedupe_key(type, '{"q": 1}'), '{"n": 1}', now() - age, now() - age
from (values ('test_cached', interval '50 minutes'), ('test_cached', interval '59 minutes'), ('test_open', interval '1 second')) as old (type, age);
select tests.become_user('ann');
select results_eq($$ select outcome, status from public.find_or_create_job(null, 'test_cached', '{"q": 1}') $$,
  $$ values ('reused', 'completed') $$, 'find_or_create_job() reuses a fresh result');
select is((select (tests.job(job_id)).completed_at from public.find_or_create_job(null, 'test_cached', '{"q": 1}')),
  now() - interval '50 minutes', 'find_or_create_job() reuses the newest result');
select is((select outcome from public.find_or_create_job(null, 'test_open', '{"q": 1}')), 'created',
  'find_or_create_job() reuses no result of a type without a cache');
select tests.become_user('bob');
select is((select outcome from public.find_or_create_job(null, 'test_cached', '{"q": 1}')), 'created',
  'find_or_create_job() never reuses another user''s result');
select tests.become_postgres();
update public.job_queue set completed_at = completed_at - interval '1 hour' where job_type = 'test_cached' and status = 'completed';
select tests.become_user('ann');
select is((select outcome from public.find_or_create_job(null, 'test_cached', '{"q": 1}')), 'created',
  'find_or_create_job() does not reuse a result past cache_ttl');

-- Ann holds 6 active jobs by now.
select is((select count(*)::int from public.job_queue where status = 'pending'), 6, 'Ann has six active jobs');
select lives_ok($$ select public.create_job(null, 'test_open') from generate_series(1, 4) $$, 'a user may have ten active jobs');
select is(tests.error_of($$ select public.create_job(null, 'test_open') $$), 'JOB_LIMIT_REACHED', 'the eleventh is refused');
select throws_ok($$ select public.create_job(null, 'test_open') $$, 'PT429', null, 'and answers 429 over the data API');
select is((select outcome from public.find_or_create_job(null, 'test_open', '{"a": 1, "b": 2}')), 'joined',
  'find_or_create_job() joins at the limit, too');

select tests.become_postgres();
insert into public.job_queue (user_id, job_type, parent_job_id)
select tests.user_id('bob'), 'test_open', id
from public.job_queue, generate_series(1, 20) where user_id = tests.user_id('bob') and job_type = 'test_open' limit 20;
select tests.become_user('bob');
select isnt(public.create_job(null, 'test_open'), null, 'children do not count towards the limit');

select tests.side_tables_are_right();
select * from finish();
rollback;

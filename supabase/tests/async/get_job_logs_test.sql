begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(17);

select tests.create_user('ann'), tests.create_user('bob');
create temporary table job as select tests.enqueue('ann') as id, tests.enqueue('ann', 'test_other') as silent;
grant select on job to public;
insert into public.job_log (job_id, user_id, log_level, message, metadata, created_at)
select id, tests.user_id('ann'), case when n = 4 then 'error' when n % 2 = 0 then 'warning' else 'info' end, 'line ' || n,
  jsonb_build_object('n', n), now() - interval '5 minutes' + n / 2 * interval '1 second'
from job, generate_series(1, 9) as n;

select tests.become_anon();
select throws_ok($$ select public.get_job_logs(id) from job $$, '42501', null, 'anon reads no log');

select tests.become_user('ann');
select results_eq($$ select message from job, public.get_job_logs(id) $$,
  $$ select 'line ' || n from generate_series(1, 9) as n $$, 'get_job_logs() gives the lines in the order they were written');
select results_eq($$ select message from job, public.get_job_logs(id, p_limit => 3, p_offset => 4) $$,
  array['line 5', 'line 6', 'line 7'], 'get_job_logs() gives a page');
select results_eq($$ select distinct total_count from job, public.get_job_logs(id, p_limit => 3) $$, array[9], 'and says how many lines there are');
select results_eq($$ select message, total_count from job, public.get_job_logs(id, p_log_level => 'error') $$,
  $$ values ('line 4', 1) $$, 'get_job_logs() filters by level');
select row_eq($$ select log.job_id, log.log_level, log.metadata from job, public.get_job_logs(id, p_limit => 1) as log $$,
  row((select id from job), 'info'::text, '{"n": 1}'::jsonb), 'a line has its level and its data');
select is((select count(*)::int from job, public.get_job_logs(silent)), 0, 'a job that said nothing has an empty log');
select is(tests.error_of($$ select public.get_job_logs(id, p_log_level => 'fatal') from job $$), 'VALIDATION_ERROR', 'there is no such level');
select is(tests.error_of($$ select public.get_job_logs(id, p_limit => 501) from job $$), 'VALIDATION_ERROR', 'a page holds at most 500 lines');
select is(tests.error_of($$ select public.get_job_logs(id, p_offset => -1) from job $$), 'VALIDATION_ERROR', 'no page begins before the first line');
select is(tests.error_of($$ select public.get_job_logs(gen_random_uuid()) $$), 'JOB_NOT_FOUND', 'there is no such job');

select tests.become_user('bob');
select is(tests.error_of($$ select public.get_job_logs(id) from job $$), 'JOB_NOT_FOUND', 'a stranger is told that there is no such job');
select is(tests.error_of($$ select public.get_job_logs(id, tests.user_id('ann')) from job $$), 'JOB_NOT_FOUND', 'nor by naming the owner');

select tests.become_service();
select is((select count(*)::int from job, public.get_job_logs(id)), 9, 'the service reads any log');
select is(tests.error_of($$ select public.get_job_logs(id, tests.user_id('bob')) from job $$), 'JOB_NOT_FOUND', 'unless it names another user');

-- Written by the functions workers use, over the whole life of a job.
select tests.become_postgres();
create temporary table worked as select (tests.claim('w1', 1, array['test_other'])).*;
select public.add_job_log(id, 'info', 'from a slow clock', '{}', fencing_token) from worked;
select public.add_job_logs(jsonb_build_array(jsonb_build_object('job_id', id, 'fencing_token', fencing_token, 'log_level', 'info',
  'message', 'from a wrong clock', 'created_at', now() - interval '3 days'))) from worked;
select public.complete_job(id, '{}', fencing_token) from worked;
select is((select count(*)::int from job, public.get_job_logs(silent)), 2, 'whatever a worker''s clock said, the lines are found');
select is((select array_agg(total_count) from job, public.get_job_logs(silent)), '{2,2}', 'and counted');

select * from finish();
rollback;

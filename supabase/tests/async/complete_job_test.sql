begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(14);

select tests.create_user('ann');
create temporary table job as select tests.enqueue('ann') as a, tests.enqueue('ann') as b, tests.enqueue('ann') as c;
grant select on job to public;

select tests.become_user('ann');
select throws_ok($$ select public.complete_job(a) from job $$, '42501', null, 'users complete no job');
select throws_ok($$ select public.complete_jobs('[]') $$, '42501', null, 'nor several');

select tests.become_service();
select is(public.complete_job(a, '{}', 0), false, 'a pending job cannot be completed') from job;
select tests.claim('w1', 3);
select is(public.complete_job(a, '{}', 2), false, 'complete_job() refuses another token') from job;
select ok(public.complete_job(a, '{"n": 1}', 1), 'complete_job() records a result') from job;
select results_eq($$ select status, progress_percent::int, result, completed_at, lease_expires_at, seq from job, tests.job(a) as it $$,
  $$ values ('completed', 100, '{"n": 1}'::jsonb, now(), null::timestamptz, 2::bigint) $$, 'the job is completed, at 100 percent');
select is(public.complete_job(a, '{"n": 2}', 1), false, 'complete_job() records once') from job;

select is(tests.error_of($$ select public.complete_job(b, jsonb_build_object('x', repeat('x', 262144)), 1) from job $$),
  'RESULT_TOO_LARGE', 'complete_job() refuses a result over 256 KB');
select is((tests.job(b)).status, 'processing', 'such a job is still the worker''s to end') from job;
select results_eq($$ select done.job_id, done.recorded from job, public.complete_jobs(jsonb_build_array(
    jsonb_build_object('job_id', b, 'fencing_token', 1, 'result', null),
    jsonb_build_object('job_id', a, 'fencing_token', 1, 'result', 1),
    jsonb_build_object('job_id', c, 'fencing_token', 9, 'result', 1))) as done order by done.recorded desc, done.job_id = c $$,
  $$ select b, true from job union all select a, false from job union all select c, false from job $$,
  'complete_jobs() says for each job whether it counted');
select is((tests.job(b)).result, null, 'no result is stored as none') from job;

select ok(recorded, 'of two attempts at one job in a batch, the newer counts') from job, public.complete_jobs(jsonb_build_array(
  jsonb_build_object('job_id', c, 'fencing_token', 0, 'result', 'old'),
  jsonb_build_object('job_id', c, 'fencing_token', 1, 'result', 'new')));
select is((tests.job(c)).result, '"new"', 'and its result is stored') from job;

select tests.side_tables_are_right();
select * from finish();
rollback;

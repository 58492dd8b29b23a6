begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(18);

select tests.create_user('ann'), tests.create_user('bob');
create temporary table job as
  select tests.enqueue('ann') as waiting, tests.enqueue('ann', 'test_other', 1) as running, tests.enqueue('ann') as finished;
grant select on job to public;
select tests.claim('w1', 1, array['test_other']);
create temporary table held as select running as id, tests.token(running) as token from job;
grant select on held to public;

select tests.become_user('bob');
select is(tests.error_of($$ select public.cancel_job(waiting) from job $$), 'JOB_NOT_FOUND', 'a stranger cannot cancel a job');
select is(tests.error_of($$ select public.cancel_job(waiting, tests.user_id('ann')) from job $$), 'JOB_NOT_FOUND',
  'nor by naming its owner');
select tests.become_anon();
select throws_ok($$ select public.cancel_job(waiting) from job $$, '42501', null, 'anon cannot cancel a job');

select tests.become_user('ann');
select ok(public.cancel_job(waiting), 'cancel_job() cancels a pending job') from job;
select ok(public.cancel_job(running), 'cancel_job() cancels a running job') from job;
select is((select status from public.job_queue where id = running), 'cancelled', 'at once for the owner') from job;
select is(public.cancel_job(running), false, 'cancel_job() says false when the job has already ended') from job;
select is(tests.error_of($$ select public.cancel_job(gen_random_uuid()) $$), 'JOB_NOT_FOUND', 'cancel_job() knows no such job');

select tests.become_service();
select is(public.update_job_progress(id, 50, 'late', token), false, 'late progress is refused') from held;
select is(public.save_job_checkpoint(id, token, '{}'), false, 'a late checkpoint is refused') from held;
select is(public.complete_job(id, '{}', token), false, 'a late result is refused') from held;
select is(public.fail_job(id, 'late', p_fencing_token => token), null, 'a late error is refused') from held;
select is(public.yield_job(id, token), false, 'a late yield is refused') from held;
select is(public.add_job_log(id, 'info', 'late', '{}', token), false, 'a late log line is refused') from held;
select is(public.heartbeat('w1', jsonb_build_array(jsonb_build_object('job_id', id, 'fencing_token', token)), 1, 1) -> 'cancelled',
  jsonb_build_array(id), 'heartbeat() tells the worker that the job was cancelled') from held;

select tests.become_postgres();
insert into public.job_queue (user_id, job_type, parent_job_id)
select tests.user_id('ann'), 'test_open', finished from job, generate_series(1, 3);
select ok(public.cancel_job(finished), 'the service cancels without naming the owner') from job;
select is((select count(*)::int from public.job_queue, job where parent_job_id = finished and status = 'cancelled'), 3,
  'cancel_job() cancels the children') from job;

select tests.side_tables_are_right();
select * from finish();
rollback;

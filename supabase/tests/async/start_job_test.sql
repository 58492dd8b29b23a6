begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(16);

select tests.create_user('ann');
create temporary table job as select tests.enqueue('ann') as id;
grant select on job to public;

select tests.become_user('ann');
select throws_ok($$ select public.start_job(id, 'w') from job $$, '42501', null, 'users cannot start jobs');

select tests.become_service();
select ok(public.start_job(id, 'classic'), 'start_job() takes a pending job') from job;
select is(public.start_job(id, 'classic 2'), false, 'start_job() does not take it twice') from job;
select is(public.start_job(gen_random_uuid(), 'classic'), false, 'start_job() knows no such job');
select ok((tests.job(id)).lease_expires_at >= now() + interval '5 minutes',
  'start_job() gives a worker without heartbeats a long lease') from job;
select ok(public.update_job_progress(id, 10), 'a job taken with start_job() can be written without a token') from job;
select ok(public.add_job_log(id, 'info', 'hello'), 'and so can its log') from job;
select ok(public.complete_job(id, '{"ok": true}'), 'and so can its result') from job;
select is(public.complete_job(id, '{"ok": false}'), false, 'but only once') from job;
select is((tests.job(id)).result, '{"ok": true}', 'the first result stands') from job;

select tests.become_postgres();
create temporary table modern as select tests.enqueue('ann') as id;
grant select on modern to public;
select tests.become_service();
select tests.claim('w1');
select is(public.complete_job(id, '{}'), false, 'a job taken with claim_jobs() cannot be written without a token') from modern;
select is(public.update_job_progress(id, 10), false, 'not even its progress') from modern;

select tests.become_postgres();
create temporary table left_behind as select tests.enqueue('ann') as cancelled, tests.enqueue('ann') as lost;
grant select on left_behind to public;
select tests.become_service();
select ok(public.start_job(cancelled, 'classic') and public.start_job(lost, 'classic'), 'start_job() takes two more') from left_behind;
select ok(public.add_job_log(cancelled, 'info', 'mine') and public.add_job_log(lost, 'info', 'mine'), 'whose log can be written') from left_behind;
select public.cancel_job(cancelled), tests.run_out(lost) from left_behind;
select count(*) from public.detect_stuck_jobs();
select is(public.add_job_log(cancelled, 'info', 'late'), false, 'until the job is cancelled') from left_behind;
select is(public.add_job_log(lost, 'info', 'late'), false, 'or its lease runs out') from left_behind;

select * from finish();
rollback;

begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(30);

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

-- It keeps to every limit, as a claim does.
select tests.become_postgres();
create temporary table limited as select tests.enqueue('ann') as a, tests.enqueue('ann') as b;
grant select on limited to public;
update public.job_type set max_concurrency = 1 where name = 'test_open';
update public.job_queue set status = 'cancelled', cancel_requested_at = now(), completed_at = now(), lease_expires_at = null, slice_started_at = null
from limited where status in ('pending', 'processing') and user_id = tests.user_id('ann') and id not in (a, b);
select ok(public.start_job(a, 'classic'), 'start_job() takes the last free slot') from limited;
select is(public.start_job(b, 'classic'), false, 'start_job() honours max_concurrency') from limited;
update public.job_type set max_concurrency = null, max_per_user = 1 where name = 'test_open';
select is(public.start_job(b, 'classic'), false, 'start_job() honours max_per_user') from limited;
update public.job_type set max_per_user = null, is_paused = true where name = 'test_open';
select is(public.start_job(b, 'classic'), false, 'start_job() honours a pause of the type') from limited;
update public.job_type set is_paused = false, rate_limit = 2 where name = 'test_open';
insert into private.job_pause (user_id) values (tests.user_id('ann'));
select is(public.start_job(b, 'classic'), false, 'start_job() honours a pause of the user') from limited;
delete from private.job_pause where user_id = tests.user_id('ann');
select is(round(private.tokens_left('test_open')), 2::double precision, 'what it refused cost no start');
select ok(public.start_job(b, 'classic'), 'start_job() starts a job of a type with a rate') from limited;
select is(round(private.tokens_left('test_open')), 1::double precision, 'which costs a start');
select public.fail_job(b, 'again', p_retry_after => '0') from limited;
select ok(public.start_job(b, 'classic'), 'every attempt is one') from limited;
select public.fail_job(b, 'again', p_retry_after => '0') from limited;
select is(public.start_job(b, 'classic'), false, 'start_job() honours the rate') from limited;
update public.job_type set rate_limit = null where name = 'test_open';
update private.job_setting set is_draining = true;
select is(public.start_job(b, 'classic'), false, 'start_job() starts nothing while the engine is drained') from limited;
update private.job_setting set is_draining = false;
update public.job_queue set turn = null, held_by = 'children' from limited where id = b;
select is(public.start_job(b, 'classic'), false, 'start_job() does not start a parent that waits for its children') from limited;
update public.job_queue set held_by = 'user_cap' from limited where id = b;
select ok(public.start_job(b, 'classic'), 'but one that was only put aside for a cap, when there is room') from limited;

select tests.side_tables_are_right();
select * from finish();
rollback;

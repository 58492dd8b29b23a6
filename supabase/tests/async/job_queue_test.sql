begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(16);

select tests.create_user('ann'), tests.create_user('bob');
select tests.enqueue('ann');
insert into public.job_queue (job_type) values ('test_internal');

select tests.become_user('ann');
select is((select count(*)::int from public.job_queue), 1, 'an owner sees their job, and no system job');
select throws_ok($$ update public.job_queue set status = 'completed' $$, '42501', null, 'an owner cannot change a job');
select throws_ok($$ insert into public.job_queue (user_id, job_type) values (tests.user_id('ann'), 'test_open') $$,
  '42501', null, 'an owner cannot insert a job past the functions');
select throws_ok($$ delete from public.job_queue $$, '42501', null, 'an owner cannot delete a job');

select tests.become_user('bob');
select is((select count(*)::int from public.job_queue), 0, 'a stranger does not see the job');

select tests.become_anon();
select throws_ok($$ select * from public.job_queue $$, '42501', null, 'anon sees no jobs');

select tests.become_service();
select ok((select count(*) from public.job_queue where job_type like 'test\_%') = 2, 'the service sees every job');
select throws_ok($$ update public.job_queue set status = 'pending' $$, '42501', null,
  'not even the service changes a job past the fence');

select tests.become_postgres();
select throws_ok($$ update public.job_queue set status = 'processing', worker_id = 'w', started_at = now(),
  slice_started_at = now() where user_id = tests.user_id('ann') $$,
  '23514', 'new row for relation "job_queue" violates check constraint "job_queue_lease_iff_processing"',
  'a processing job has a lease');
select throws_ok($$ update public.job_queue set lease_expires_at = now() where user_id = tests.user_id('ann') $$,
  '23514', 'new row for relation "job_queue" violates check constraint "job_queue_lease_iff_processing"',
  'a job that does not run has no lease');
select throws_ok($$ update public.job_queue set status = 'failed', error_code = 'X' where user_id = tests.user_id('ann') $$,
  '23514', 'new row for relation "job_queue" violates check constraint "job_queue_completed_at_iff_final"',
  'a job that has ended says when');
select throws_ok($$ update public.job_queue set status = 'failed', completed_at = now() where user_id = tests.user_id('ann') $$,
  '23514', 'new row for relation "job_queue" violates check constraint "job_queue_failed_says_why"',
  'a failed job says why');
select throws_ok($$ update public.job_queue set result = '{}' where user_id = tests.user_id('ann') $$,
  '23514', 'new row for relation "job_queue" violates check constraint "job_queue_result_only_when_completed"',
  'only a completed job has a result');
select throws_ok($$ insert into public.job_queue (user_id, job_type, job_priority) values (tests.user_id('ann'), 'test_open', 11) $$,
  '23514', 'new row for relation "job_queue" violates check constraint "job_queue_priority_in_range"',
  'priorities end at 10');
select throws_ok($$ insert into public.job_queue (user_id, job_type, dedupe_key)
  select tests.user_id('ann'), 'test_open', dedupe_key from public.job_queue where user_id = tests.user_id('ann') $$,
  '23505', null, 'two active jobs of a user never share a dedupe key');
delete from auth.users where id = tests.user_id('ann');
select is((select count(*)::int from public.job_queue where user_id = tests.user_id('ann')), 0,
  'an account takes its jobs with it');

select * from finish();
rollback;

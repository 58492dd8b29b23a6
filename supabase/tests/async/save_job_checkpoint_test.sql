begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(15);

select tests.create_user('ann');
create temporary table job as select tests.enqueue('ann') as id;
grant select on job to public;

select tests.become_user('ann');
select throws_ok($$ select public.save_job_checkpoint(id, 1, '{}') from job $$, '42501', null, 'users save no checkpoint');

select tests.become_service();
select tests.claim('w1');
select ok(public.save_job_checkpoint(id, 1, '{"page": 2}', 20, 'page 2'), 'save_job_checkpoint() writes under the token') from job;
select results_eq($$ select checkpoint, progress_percent::int, progress_message, seq from job, tests.job(id) as it $$,
  $$ values ('{"page": 2}'::jsonb, 20, 'page 2', 2::bigint) $$, 'checkpoint and progress are one write');
select ok(public.save_job_checkpoint(id, 1, '{"page": 3}'), 'save_job_checkpoint() needs no progress') from job;
select results_eq($$ select checkpoint, progress_percent::int, progress_message, seq from job, tests.job(id) as it $$,
  $$ values ('{"page": 3}'::jsonb, 20, 'page 2', 2::bigint) $$, 'a checkpoint alone is no news for the owner');
select tests.become_postgres();
update public.job_queue as it set crash_count = 5, crash_streak = 2 from job where it.id = job.id;
select public.save_job_checkpoint(id, 1, '{"page": 3}') from job;
select is((tests.job(id)).crash_streak, 2, 'the same checkpoint again is no progress: the crashes before it still count') from job;
select public.save_job_checkpoint(id, 1, '{"page": 4}') from job;
select is((tests.job(id)).crash_streak, 0, 'a new checkpoint is: the job may crash again as often as it may') from job;
select is((tests.job(id)).crash_count, 5, 'and all its crashes are still known') from job;
select is(public.save_job_checkpoint(id, 2, '{}'), false, 'save_job_checkpoint() refuses another token') from job;
select is(public.save_job_checkpoint(id, null, '{}'), false, 'save_job_checkpoint() refuses a missing token') from job;

select is(tests.error_of($$ select public.save_job_checkpoint(id, 1, '[1e131071, 1e131071]') from job $$), 'CHECKPOINT_TOO_LARGE',
  'save_job_checkpoint() refuses one over 256 KB of text');
select is(tests.error_of($$ select public.yield_jobs(jsonb_build_array(jsonb_build_object('job_id', id, 'fencing_token', 1, 'checkpoint', repeat('x', 262144)))) from job $$),
  'CHECKPOINT_TOO_LARGE', 'so does yield_jobs()');
select is(tests.error_of($$ select public.create_child_jobs(id, 1, '[]', '[1e131071, 1e131071]') from job $$), 'CHECKPOINT_TOO_LARGE', 'create_child_jobs()');
select is(tests.error_of($$ select public.wait_for_children(id, 1, p_checkpoint => '[1e131071, 1e131071]') from job $$), 'CHECKPOINT_TOO_LARGE', 'and wait_for_children()');

select tests.side_tables_are_right();
select * from finish();
rollback;

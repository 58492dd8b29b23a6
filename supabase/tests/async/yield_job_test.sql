begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(14);

select tests.create_user('ann'), tests.create_user('bob');
create temporary table job as select tests.enqueue('ann') as a, null::uuid as b;
grant select on job to public;

select tests.become_user('ann');
select throws_ok($$ select public.yield_job(a, 1) from job $$, '42501', null, 'users yield no job');
select throws_ok($$ select public.yield_jobs('[]') $$, '42501', null, 'nor several');

select tests.become_postgres();
select tests.claim('w1');
update job set b = tests.enqueue('bob');
select is(public.yield_job(a, 2), false, 'yield_job() refuses another token') from job;
update public.job_queue set crash_count = 2, crash_streak = 2 from job where id = a;
select ok(public.yield_job(a, 1, '{"page": 5}'), 'yield_job() gives a job back') from job;
select results_eq($$ select status, checkpoint, retry_count, crash_count, crash_streak, worker_id, lease_expires_at from job, tests.job(a) as it $$,
  $$ values ('pending', '{"page": 5}'::jsonb, 0, 2, 0, null::text, null::timestamptz) $$, 'with its checkpoint, counting neither retry nor crash, and ending a streak of crashes');
select is((select array_agg(id) from tests.claim('w1', 2)), array[b, a], 'a job that yields takes turns with others that wait') from job;
select is((tests.job(a)).fencing_token, 2::bigint, 'the next slice has a new token') from job;
select ok(public.yield_job(a, 2, null, '1 hour'), 'yield_job() can snooze') from job;
select results_eq($$ select checkpoint, scheduled_for, expires_at > now() + interval '24 hours' from job, tests.job(a) as it $$,
  $$ values ('{"page": 5}'::jsonb, now() + interval '1 hour', true) $$, 'keeping the checkpoint, and a waiting time of its own');
select is((select count(*)::int from tests.claim('w1', 2)), 0, 'a snoozing job is not claimed');

select results_eq($$ select y.job_id, y.recorded from job, public.yield_jobs(jsonb_build_array(
    jsonb_build_object('job_id', b, 'fencing_token', 0),
    jsonb_build_object('job_id', b, 'fencing_token', 1, 'checkpoint', '{"x": 1}'::jsonb, 'delay_ms', 0),
    jsonb_build_object('job_id', a, 'fencing_token', 2))) as y order by y.recorded desc $$,
  $$ select b, true from job union all select a, false from job $$, 'yield_jobs() says for each job whether its newest attempt counted');
select tests.claim('w1', 1);
update public.job_queue set slice_started_at = now() - interval '2 hours' from job where id = b;
select ok(public.yield_job(b, 2), 'yield_job() of a job past its max_runtime is recorded') from job;
select is((tests.job(b)).error_code, 'MAX_RUNTIME_EXCEEDED', 'as its end') from job;

select tests.side_tables_are_right();
select * from finish();
rollback;

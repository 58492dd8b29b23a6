begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(11);

select tests.create_user('ann');
create temporary table job as select tests.enqueue('ann') as id;
grant select on job to public;

select tests.become_user('ann');
select throws_ok($$ select public.add_job_log(id, 'info', 'x') from job $$, '42501', null, 'users write no log');
select throws_ok($$ select public.add_job_logs('[]') $$, '42501', null, 'nor several lines');

select tests.become_service();
select tests.claim('w1');
select ok(public.add_job_log(id, 'warning', 'careful', '{"n": 1}', 1), 'add_job_log() writes under the token') from job;
select is(public.add_job_log(id, 'info', 'late', '{}', 2), false, 'add_job_log() refuses another token') from job;
select is(public.add_job_logs(jsonb_build_array(
    jsonb_build_object('job_id', id, 'fencing_token', 1, 'log_level', 'info', 'message', 'one', 'metadata', '{}'::jsonb, 'created_at', now()),
    jsonb_build_object('job_id', id, 'fencing_token', 1, 'log_level', 'loud', 'message', 'two', 'created_at', '2001-01-01'),
    jsonb_build_object('job_id', id, 'fencing_token', 9, 'log_level', 'info', 'message', 'late'),
    jsonb_build_object('job_id', gen_random_uuid(), 'fencing_token', 1, 'log_level', 'info', 'message', 'lost'))), 2,
  'add_job_logs() writes the lines whose job is still the worker''s') from job;
select results_eq($$ select log_level, message, metadata from public.job_log, job where job_id = job.id order by job_log.id $$,
  $$ values ('warning', 'careful', '{"n": 1}'::jsonb), ('info', 'one', '{}'), ('info', 'two', '{}') $$, 'in their order, an odd level as info');
select ok((select created_at > now() - interval '2 hours' from public.job_log, job where job_id = job.id and message = 'two'),
  'a worker''s clock cannot put a line where no partition is');
select public.add_job_log(id, 'info', repeat('x', 20000), jsonb_build_object('x', repeat('y', 20000)), 1) from job;
select results_eq($$ select length(message), metadata from public.job_log, job where job_id = job.id order by job_log.id desc limit 1 $$,
  $$ values (10000, '{"truncated": true}'::jsonb) $$, 'a long line is cut');

select ok(public.complete_job(id, null, 1), 'the job ends') from job;
select ok(public.add_job_log(id, 'info', 'bye', '{}', 1), 'the attempt that ended the job may still say so') from job;

select tests.become_postgres();
do $$
begin
  execute format('drop table private.%I', 'job_log_' || to_char(now() at time zone 'utc', 'YYYYMMDD'));
end
$$;
select ok(public.add_job_log(id, 'info', 'still', '{}', 1), 'a missing partition is made when a line needs it') from job;

select * from finish();
rollback;

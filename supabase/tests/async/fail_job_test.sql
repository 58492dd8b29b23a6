begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(23);

select tests.create_user('ann');
create temporary table job as select tests.enqueue('ann') as a, tests.enqueue('ann') as b, tests.enqueue('ann') as c;
grant select on job to public;

select tests.become_user('ann');
select throws_ok($$ select public.fail_job(a, 'x') from job $$, '42501', null, 'users fail no job');
select throws_ok($$ select public.fail_jobs('[]') $$, '42501', null, 'nor several');

select tests.become_postgres();
select tests.claim('w1', 3);
select is(public.fail_job(a, 'boom', p_fencing_token => 2), null, 'fail_job() refuses another token') from job;
select public.update_job_progress(a, 50, 'half', 1) from job;
select is(public.fail_job(a, 'boom', 'PROVIDER_UNAVAILABLE', p_fencing_token => 1), 'pending', 'fail_job() lets a retryable error be retried') from job;
select results_eq($$ select retry_count, crash_count, error_code, error_message, progress_percent::int, worker_id from job, tests.job(a) as it $$,
  $$ values (1, 0, 'PROVIDER_UNAVAILABLE', 'boom', 0, null::text) $$, 'it counts a retry, says why, and starts over without a checkpoint');
select ok((tests.job(a)).scheduled_for between now() + interval '8 seconds' and now() + interval '12 seconds',
  'the first retry waits backoff_base, give or take a fifth') from job;
select is((select count(*)::int from tests.claim('w1', 3)), 0, 'a retry waits for its time') from job;
update public.job_queue set scheduled_for = now() from job where id = a;
select is((select array_agg(id) from tests.claim('w1', 3)), array[a], 'and then is claimed') from job;
select is(public.fail_job(a, 'boom', p_fencing_token => 2), 'pending', 'fail_job() retries again') from job;
select ok((tests.job(a)).scheduled_for between now() + interval '16 seconds' and now() + interval '24 seconds',
  'the second retry waits twice as long') from job;
update public.job_queue set scheduled_for = now(), retry_count = 3 from job where id = a;
select tests.claim('w1', 3);
select is(public.fail_job(a, 'the end', p_fencing_token => 3), 'failed', 'fail_job() ends a job whose retries are used up') from job;
select results_eq($$ select status, retry_count, error_code, error_message, completed_at from job, tests.job(a) as it $$,
  $$ values ('failed', 3, 'HANDLER_ERROR', 'the end', now()) $$, 'with its last error');
select is(public.fail_job(b, 'no', 'PROVIDER_REJECTED', false, p_fencing_token => 1), 'failed', 'fail_job() ends a job at once on a fatal error') from job;
select is(public.fail_job(c, 'slow down', 'PROVIDER_RATE_LIMITED', true, '7 minutes', 1), 'pending', 'fail_job() honours a Retry-After') from job;
select is((tests.job(c)).scheduled_for, now() + interval '7 minutes', 'exactly, past the cap of the backoff') from job;

update public.job_queue set scheduled_for = now(), retry_count = 0 from job where id = c;
select tests.claim('w1', 3);
update public.job_queue set runtime_seconds = 3600 from job where id = c;
select results_eq($$ select f.job_id, f.status from job, public.fail_jobs(jsonb_build_array(
    jsonb_build_object('job_id', c, 'fencing_token', 1),
    jsonb_build_object('job_id', c, 'fencing_token', 2, 'error_message', 'late', 'error_code', 'X', 'retryable', true),
    jsonb_build_object('job_id', a, 'fencing_token', 3, 'error_message', 'late', 'error_code', 'X', 'retryable', true))) as f order by f.status $$,
  $$ select c, 'failed' from job union all select a, null from job $$, 'fail_jobs() says what became of each; no retry past max_runtime');

update public.job_queue set status = 'pending', completed_at = null, worker_id = null, scheduled_for = now(), retry_count = 40, max_retries = 50, runtime_seconds = 0 from job where id = a;
select tests.claim('w1', 3);
select public.fail_job(a, 'again', p_fencing_token => tests.token(a)) from job;
select ok((tests.job(a)).scheduled_for <= now() + interval '72 seconds', 'backoff never passes its cap') from job;

-- A retry and the time a job may wait.
create temporary table patient as select tests.enqueue('ann') as soon, tests.enqueue('ann') as never;
select tests.claim('w1', 2);
select is(public.fail_job(soon, 'tomorrow', 'PROVIDER_RATE_LIMITED', true, '20 hours', 1), 'pending', 'fail_job() waits for long, if need be') from patient;
select is((tests.job(soon)).expires_at, now() + interval '44 hours', 'and the job does not expire over it') from patient;
select is(public.fail_job(never, 'next year', 'PROVIDER_RATE_LIMITED', true, '365 days', 1), 'failed',
  'fail_job() ends a job that would wait longer than its type may') from patient;

create temporary table paced as select tests.enqueue('ann') as fresh, tests.enqueue('ann') as kept;
select tests.claim('w1', 2);
update public.job_queue set slice_started_at = now() - interval '30 seconds' from paced where id in (fresh, kept);
select public.save_job_checkpoint(kept, 1, '{"page": 2}', 40) from paced;
select public.fail_job(fresh, 'again', p_fencing_token => 1), public.fail_job(kept, 'again', p_fencing_token => 1) from paced;
select results_eq($$ select progress_base_seconds, runtime_seconds from paced, tests.job(fresh) $$, $$ values (30::double precision, 30::double precision) $$,
  'the pace of a job that starts over is measured from there');
select results_eq($$ select progress_base_seconds, runtime_seconds from paced, tests.job(kept) $$, $$ values (0::double precision, 30::double precision) $$,
  'and that of a job with a checkpoint from its first start');

select tests.side_tables_are_right();
select * from finish();
rollback;

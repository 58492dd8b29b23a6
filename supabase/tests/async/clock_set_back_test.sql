-- The server's clock is corrected now and then, also backwards: a job that began "later" than it ends
-- has worked for no time, and its outcome stands.
begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(15);

select tests.create_user('ann');

-- A job that is held and, by the clock of now, begins only in a second.
create function tests.held() returns public.job_queue
language plpgsql volatile
as $$
declare
  job public.job_queue;
begin
  perform tests.enqueue('ann');
  select * into job from tests.claim('w');
  update public.job_queue set slice_started_at = now() + interval '1 second' where id = job.id;
  return job;
end
$$;

select ok(public.complete_job(id, null, fencing_token), 'it is completed') from tests.held();
select is(public.fail_job(id, 'no', p_retryable => false, p_fencing_token => fencing_token), 'failed', 'it fails')
from tests.held();
select is(public.fail_job(id, 'no', p_fencing_token => fencing_token), 'pending', 'it is retried') from tests.held();
select ok(public.yield_job(id, fencing_token, p_delay => '1 day'), 'it is given back') from tests.held();
select is(public.wait_for_children(id, fencing_token), 'completed', 'it waits for children, of which it has none') from tests.held();
select ok(public.cancel_job(id), 'it is cancelled') from tests.held();
select is((select max(runtime_seconds) from public.job_queue where user_id = tests.user_id('ann')), 0::double precision,
  'and none of them has worked for less than nothing');

-- Of equal requests the newest is the one that may be active: it is so also by a clock that was an hour ahead.
create function tests.end_ahead(p_user_id uuid, p_key text) returns uuid
language plpgsql volatile
as $$
declare
  v_id constant uuid := (select job_id from public.find_or_create_job(p_user_id, 'test_open', p_key => p_key));
begin
  perform public.start_job(v_id, 'w');
  perform public.fail_job(v_id, 'no', 'PROVIDER_REJECTED', false, null, tests.token(v_id));
  update public.job_queue set requested_at = now() + interval '1 hour' where id = v_id;
  return v_id;
end
$$;
create temporary table ended as select tests.end_ahead(tests.user_id('ann'), 'a') as own, tests.end_ahead(null, 'a') as of_system, tests.end_ahead(null, 'b') as other;
create temporary table next as
select (select job_id from public.find_or_create_job(tests.user_id('ann'), 'test_open', p_key => 'a')) as own,
  (select job_id from public.find_or_create_job(null, 'test_open', p_key => 'a')) as of_system;
select results_eq($$ select job_id, outcome from next, public.find_or_create_job(tests.user_id('ann'), 'test_open', p_key => 'a') $$,
  $$ select own, 'joined' from next $$, 'a request joins its equal, however far ahead the clock was when the one before was made');
select results_eq($$ select job_id, outcome from next, public.find_or_create_job(null, 'test_open', p_key => 'a') $$,
  $$ select of_system, 'joined' from next $$, 'so does one of the system');
select is(tests.error_of($$ select public.retry_job(own) from ended $$), 'JOB_ALREADY_ACTIVE', 'and the one before is not run beside it');
select results_eq($$ select outcome from public.create_jobs('[{"job_type": "test_open", "key": "b"}, {"job_type": "test_open", "key": "a"}]') $$,
  $$ values ('created'), ('joined') $$, 'of many in one call each finds its equal');
select is((select outcome from public.create_jobs('[{"job_type": "test_open", "key": "b"}]')), 'joined', 'and is found');
select public.cancel_job(own) from next;
select ok(public.retry_job(own), 'when the newest has ended another may run again') from ended;
select results_eq($$ select job_id, outcome from ended, public.find_or_create_job(tests.user_id('ann'), 'test_open', p_key => 'a') $$,
  $$ select own, 'joined' from ended $$, 'which then is the one that is joined');

select tests.side_tables_are_right();
select * from finish();
rollback;

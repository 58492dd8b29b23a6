-- The server's clock is corrected now and then, also backwards: a job that began "later" than it ends
-- has worked for no time, and its outcome stands.
begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(8);

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

select tests.side_tables_are_right();
select * from finish();
rollback;

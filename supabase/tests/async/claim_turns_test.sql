begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(10);

select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
update private.job_setting set ageing_share = 0;
-- Which user's jobs a claim of this many takes, in their order.
create function tests.takes(p_batch_size int) returns text[]
language sql volatile as $$
  select array_agg(case when user_id = tests.user_id('ann') then 'ann' when user_id is null then 'system' else 'bob' end)
  from tests.claim('w1', p_batch_size)
$$;
create function tests.reset() returns void
language sql volatile as $$
  delete from public.job_queue where true;
  delete from private.job_flow where true;
$$;

-- A thousand retries come due at once.
insert into public.job_queue (user_id, job_type, scheduled_for, turn, retry_count)
select tests.user_id('ann'), 'test_open', now() - interval '1 hour' + n * interval '1 second', null, 1 from generate_series(1, 1000) as n;
select is(tests.takes(1), array['ann'], 'claim_jobs() takes the first retry that has come due');
select tests.enqueue('bob');
select ok('bob' = any(tests.takes(2)), 'a new job of another user comes next, however many retries have come due');
select is((select count(*)::int from (select turn from public.job_queue where status = 'pending' group by turn having count(*) > 1) as shared), 0,
  'retries of one user that come due together stand at consecutive turns');

-- Ten times as many, in several passes, which nobody empties.
select tests.reset();
insert into public.job_queue (user_id, job_type, scheduled_for, turn, created_at)
select tests.user_id('ann'), 'test_open', now() - interval '1 hour', null, now() - interval '1 hour' from generate_series(1, 5000);
select private.promote_due_jobs() from generate_series(1, 5);
select tests.enqueue('bob');
select is((select count(*)::int from public.job_queue where turn is null), 0, 'every pass lines up a thousand');
select ok('bob' = any(tests.takes(2)), 'a crowd lines up behind itself, pass by pass');
select is(private.promote_due_jobs(), 0, 'and there is nothing left to line up');

-- A worker with 300 jobs of one user dies.
select tests.reset();
insert into public.job_queue (user_id, job_type, status, worker_id, started_at, slice_started_at, lease_expires_at, fencing_token)
select tests.user_id('ann'), 'test_open', 'processing', 'dead', now() - interval '2 minutes', now() - interval '2 minutes', now() - interval '1 minute', 1
from generate_series(1, 300);
select is((select count(*)::int from private.recover_lost_jobs()), 300, 'detect_stuck_jobs() gives 300 jobs back');
select tests.enqueue('bob');
select ok('bob' = any(tests.takes(2)), 'they take turns with a new job of another user');

-- The system's jobs are a flow like any user's.
select tests.reset();
insert into public.job_queue (user_id, job_type, scheduled_for, turn) select null, 'test_open', now(), null from generate_series(1, 20);
select private.promote_due_jobs();
select tests.enqueue('bob');
select ok('bob' = any(tests.takes(2)), 'system jobs take turns with users');

select tests.side_tables_are_right();
select * from finish();
rollback;

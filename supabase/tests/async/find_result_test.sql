begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(9);

select tests.create_user('ann'), tests.create_user('bob');
create function tests.answered(p_user uuid, p_key text, p_asked interval, p_answered interval, p_status text default 'completed', p_parent uuid default null)
returns uuid
language sql volatile
as $$
  insert into public.job_queue (user_id, job_type, status, progress_percent, error_code, cancel_requested_at, dedupe_key, requested_at, completed_at, parent_job_id)
  values (p_user, 'test_cached', p_status, case when p_status = 'completed' then 100 else 0 end, 'X', now(), p_key, now() - p_asked, now() - p_answered, p_parent)
  returning id
$$;
create function tests.found(p_user text, p_key text, p_ttl interval default '1 hour') returns uuid
language sql volatile
as $$ select job_id from private.find_result(tests.user_id(p_user), p_key, p_ttl) $$;

create temporary table made as select
  tests.answered(tests.user_id('ann'), 'k', '50 minutes', '49 minutes') as old,
  tests.answered(tests.user_id('ann'), 'k', '20 minutes', '19 minutes') as new,
  tests.answered(tests.user_id('ann'), 'k', '10 minutes', '9 minutes', 'failed') as failed,
  tests.answered(tests.user_id('ann'), 'k', '5 minutes', '4 minutes', 'cancelled') as cancelled,
  tests.answered(tests.user_id('ann'), 'long', '3 hours', '5 minutes') as long,
  tests.answered(null, 'k', '2 minutes', '1 minute') as of_system;
select is(tests.found('ann', 'k'), new, 'find_result() gives the answer to the newest request that was answered') from made;
select is(tests.found('ann', 'k', '10 minutes'), null, 'within the time to live it is given');
select is(tests.found('ann', 'long'), long, 'which counts from the end, however long the job took') from made;
select is(tests.found('ann', 'other'), null, 'find_result() finds nothing under another key');
select is(tests.found('bob', 'k'), null, 'nor for another user');
select is(job_id, of_system, 'nobody''s results are those of the system') from made, private.find_result(null, 'k', '1 hour');
select results_eq($$ select created_at, completed_at from private.find_result(tests.user_id('ann'), 'k', '1 hour') $$,
  $$ select created_at, completed_at from made, tests.job(new) $$, 'find_result() says from when it is');
select tests.answered(tests.user_id('bob'), 'child', '2 minutes', '1 minute', 'completed', old) from made;
select is(tests.found('bob', 'child'), null, 'a child''s result answers nobody');
insert into public.job_queue (user_id, job_type, dedupe_key) values (tests.user_id('ann'), 'test_cached', 'k');
select is(tests.found('ann', 'k'), new, 'a newer request that is still open leaves the old answer valid') from made;

select * from finish();
rollback;

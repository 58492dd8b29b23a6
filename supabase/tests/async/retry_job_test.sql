begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(44);

select tests.create_user('ann'), tests.create_user('bob');
create temporary table mine as select tests.enqueue('ann') as id, tests.enqueue('ann', 'test_other') as fresh;
grant select on mine to public;
select tests.claim('w1', 2);
select public.save_job_checkpoint(id, tests.token(id), '{"page": 3}', 60, 'page 3') from mine;
select public.update_job_progress(fresh, 40, 'half-way', tests.token(fresh)) from mine;
select tests.become_user('ann');
select is(tests.error_of($$ select public.retry_job(id) from mine $$), 'JOB_NOT_RETRYABLE', 'a job that runs cannot be retried');
select tests.become_postgres();
update public.job_queue set retry_count = 2, crash_count = 1, runtime_seconds = 50, progress_base_seconds = 20, created_at = now() - interval '1 hour',
  requested_at = now() - interval '1 hour' from mine where job_queue.id in (mine.id, fresh);
select public.fail_job(id, 'no', 'PROVIDER_REJECTED', false, null, tests.token(id)) from mine;
select public.fail_job(fresh, 'no', 'PROVIDER_REJECTED', false, null, tests.token(fresh)) from mine;
create temporary table before as select * from public.job_queue;
grant select on before to public;

select tests.become_user('bob');
select is(tests.error_of($$ select public.retry_job(id) from mine $$), 'JOB_NOT_FOUND', 'a stranger cannot retry a job');
select is(tests.error_of($$ select public.retry_job(id, tests.user_id('ann')) from mine $$), 'JOB_NOT_FOUND', 'nor by naming its owner');
select tests.become_anon();
select throws_ok($$ select public.retry_job(id) from mine $$, '42501', null, 'anon cannot retry a job');
select tests.become_service();
select is(tests.error_of($$ select public.retry_job(id, tests.user_id('bob')) from mine $$), 'JOB_NOT_FOUND', 'the service cannot for another user');

select tests.become_user('ann');
select ok(public.retry_job(id), 'retry_job() gives a failed job another life') from mine;
select results_eq($$ select status, error_code, error_message, completed_at, worker_id, turn is not null from mine, tests.job(mine.id) $$,
  $$ values ('pending', null::text, null::text, null::timestamptz, null::text, true) $$, 'it waits like a new job');
select results_eq($$ select retry_count, crash_count, runtime_seconds, progress_base_seconds, started_at from mine, tests.job(mine.id) $$,
  $$ values (0, 0, 0::float, 0::float, null::timestamptz) $$, 'with fresh counters');
select results_eq($$ select checkpoint, progress_percent::int, progress_message from mine, tests.job(mine.id) $$, $$ values ('{"page": 3}'::jsonb, 60, 'page 3') $$,
  'its checkpoint, and the progress that goes with it');
select results_eq($$ select now.fencing_token - before.fencing_token, now.seq - before.seq, now.created_at = before.created_at, now.requested_at > before.requested_at,
    now.expires_at > now() + interval '23 hours' from mine, tests.job(mine.id) as now, before where before.id = now.id $$,
  $$ values (1::bigint, 1::bigint, true, true, true) $$, 'a new token, a new sequence number and a new expiry');
select is(tests.error_of($$ select public.retry_job(id) from mine $$), 'JOB_NOT_RETRYABLE', 'a job that waits cannot be retried');
select ok(public.retry_job(fresh), 'retry_job() retries a job without a checkpoint') from mine;
select results_eq($$ select progress_percent::int, progress_message from mine, tests.job(fresh) $$, $$ values (0, null::text) $$, 'which starts over');
select ok(public.cancel_job(id) and public.retry_job(id), 'a cancelled job can be retried') from mine;
select is((tests.job(id)).cancel_requested_at, null, 'and is asked for again') from mine;
select results_eq($$ select outcome, job_id from public.find_or_create_job(null, 'test_open', (select params from public.job_queue, mine where job_queue.id = mine.id)) $$,
  $$ select 'joined', id from mine $$, 'a request within the window after the retry joins it');

select tests.become_service();
select is((select id from tests.claim('w2', 1, array['test_open'])), (select id from mine), 'it is claimed');
select ok(public.complete_job(id, '{}', tests.token(id)), 'and may complete') from mine;
select is(tests.error_of($$ select public.retry_job(id) from mine $$), 'JOB_NOT_RETRYABLE', 'a completed job cannot be retried');
select is(tests.error_of($$ select public.retry_job(gen_random_uuid()) $$), 'JOB_NOT_FOUND', 'retry_job() knows no such job');

-- An equal job, and the limit.
create temporary table old as select public.create_job(tests.user_id('bob'), 'test_open', '{"same": 1}') as id, null::uuid as other;
grant select, update on old to public;
select public.cancel_job(id) from old;
update old set other = public.create_job(tests.user_id('bob'), 'test_open', '{"same": 1}');
select is(tests.error_of($$ select public.retry_job(id) from old $$), 'JOB_ALREADY_ACTIVE', 'a job is not retried beside an equal one');
select public.cancel_job(other) from old;
select public.create_job(tests.user_id('bob'), 'test_open') from generate_series(1, 10);
select is(tests.error_of($$ select public.retry_job(id) from old $$), 'JOB_LIMIT_REACHED', 'a retry counts towards the limit');
select throws_ok($$ select public.retry_job(id) from old $$, 'PT429', null, 'and answers 429 over the data API');
select public.cancel_job(other) from (select id as other from public.job_queue where user_id = tests.user_id('bob') and status = 'pending' limit 1) as one;
select ok(public.retry_job(id), 'a retry may take the last place') from old;

-- Batches.
select tests.become_postgres();
delete from public.job_queue where user_id = tests.user_id('ann');
create temporary table family as select tests.start_parent(3) as id;
grant select on family to public;
select public.wait_for_children(id, tests.token(id), 'fail_fast') from family;
select tests.end_child(id, 'c1', 'completed'), tests.end_child(id, 'c2', 'failed') from family;
select results_eq($$ select status, (tests.child(family.id, 'c3')).status from family, tests.job(family.id) $$, $$ values ('failed', 'cancelled') $$, 'there is a batch that failed');
select is(tests.error_of($$ select public.retry_job((tests.child(id, 'c2')).id) from family $$), 'JOB_NOT_RETRYABLE', 'a child of a job that has ended cannot be retried alone');
select tests.become_user('ann');
select ok(public.retry_job(id), 'its parent can') from family;
select results_eq($$ select status, held_by, progress_percent::int from family, tests.job(family.id) $$, $$ values ('pending', 'children', 33) $$, 'which waits again');
select results_eq($$ select (tests.child(id, 'c' || n)).status from family, generate_series(1, 3) as n $$, $$ values ('completed'), ('pending'), ('pending') $$,
  'for the children that had not completed');
select results_eq($$ select completed, failed, cancelled, is_open from family, tests.batch(family.id) $$, $$ values (1, 0, 0, true) $$, 'and are counted back');
select tests.become_postgres();
select tests.end_child(id, 'c2', 'failed') from family;
select tests.become_user('ann');
select ok(public.retry_job(id), 'as often as it takes') from family;
select tests.become_postgres();
select tests.end_child(id, 'c2', 'completed'), tests.end_child(id, 'c3', 'completed') from family;
select is((tests.job(id)).status, 'completed', 'until all have completed') from family;

-- A child of a parent that still waits.
create temporary table patient as select tests.start_parent(2) as id;
grant select on patient to public;
select public.wait_for_children(id, tests.token(id)) from patient;
select tests.end_child(id, 'c1', 'failed') from patient;
select tests.become_user('ann');
select ok(public.retry_job((tests.child(id, 'c1')).id), 'a child of a parent that waits can be retried') from patient;
select is((tests.batch(id)).failed, 0, 'and is waited for again') from patient;

-- A parent that never came to wait.
select tests.become_postgres();
create temporary table broken as select tests.start_parent(2) as id;
grant select on broken to public;
select tests.end_child(id, 'c1', 'completed') from broken;
select public.fail_job(id, 'no', 'PROVIDER_REJECTED', false, null, tests.token(id)) from broken;
select private.sweep_batches();
select is((tests.child(id, 'c2')).status, 'cancelled', 'the children of a failed job are cancelled') from broken;
select ok(public.retry_job(id), 'it can be retried') from broken;
select results_eq($$ select status, held_by, (tests.child(broken.id, 'c2')).status from broken, tests.job(broken.id) $$, $$ values ('pending', null::text, 'pending') $$,
  'its handler runs, and so do its children');

-- A parent that went on after its children.
create temporary table resumed as select tests.start_parent(2) as id;
grant select on resumed to public;
select public.wait_for_children(id, tests.token(id), 'partial', 'resume') from resumed;
select tests.end_child(id, 'c1', 'completed'), tests.end_child(id, 'c2', 'failed') from resumed;
select public.start_job(id, 'w3'), public.fail_job(id, 'no', 'PROVIDER_REJECTED', false) from resumed;
select ok(public.retry_job(id), 'a parent that failed after its children can be retried') from resumed;
select is((tests.job(id)).held_by, 'children', 'and waits for what had not completed') from resumed;
select tests.end_child(id, 'c2', 'completed') from resumed;
select results_eq($$ select status, held_by, turn is not null from resumed, tests.job(resumed.id) $$, $$ values ('pending', null::text, true) $$, 'before its handler runs again');
-- All children completed, and the parent was cancelled a moment before.
create temporary table unlucky as select tests.start_parent(1) as id;
select tests.end_child(id, 'c1', 'completed') from unlucky;
select public.cancel_job(id) from unlucky;
update public.job_batch set is_awaited = true where parent_job_id = (select id from unlucky);
select public.retry_job(id) from unlucky;
select is((tests.job(id)).status, 'completed', 'a parent with nothing left to wait for is completed at once') from unlucky;

-- Over and over, past the edge function
insert into private.rate_limit (function_name, caller, max_requests) values ('job-retry', 'user', 1)
  on conflict (function_name, caller) do update set max_requests = 1;
select tests.create_user('cid');
create temporary table often as select tests.enqueue('cid') as id;
grant select on often to public;
select tests.become_user('cid');
select public.cancel_job(id), public.retry_job(id), public.cancel_job(id) from often;
select is(tests.error_of($$ select public.retry_job(id) from often $$), 'RATE_LIMITED', 'retry_job() is limited per user');
select tests.become_service();
select ok(public.retry_job(id, tests.user_id('cid')), 'and not for the service') from often;

select tests.become_postgres();
select tests.side_tables_are_right();
select * from finish();
rollback;

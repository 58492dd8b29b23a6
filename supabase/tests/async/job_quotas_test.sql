begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(40);

select tests.create_user('ann'), tests.create_user('bob'), tests.create_user('cid');
update public.job_type set quota_type = 'syncs' where name in ('test_open', 'test_cached', 'test_child');
create function tests.used(p_name text) returns int
language sql volatile security definer as $$ select coalesce(max(syncs_used), 0) from public.subscription where user_id = tests.user_id(p_name) $$;
create function tests.set_used(p_name text, p_used int) returns void
language sql volatile security definer as $$ update public.subscription set syncs_used = p_used where user_id = tests.user_id(p_name) $$;
create function tests.ask(p_name text, p_type text, p_n int) returns record
language sql volatile as $$ select public.find_or_create_job(tests.user_id(p_name), p_type, jsonb_build_object('n', p_n)) $$;
create function tests.fail(p_id uuid, p_retryable boolean default false) returns text
language sql volatile as $$ select public.fail_job(p_id, 'no', 'PROVIDER_REJECTED', p_retryable, '0', tests.token(p_id)) $$;
grant execute on all functions in schema tests to public;

select throws_ok($$ update public.job_type set quota_type = 'wishes' where name = 'test_open' $$, '23514', null, 'a type names a quota that there is');
select is((select quota_type from public.job_type where name = 'sync_youtube'), 'syncs', 'a sync counts as one');

-- Every way to a job
select public.create_job(tests.user_id('ann'), 'test_open', '{"n": 1}');
select is(tests.used('ann'), 1, 'create_job() charges the owner');
select tests.ask('ann', 'test_open', 2);
select is(tests.used('ann'), 2, 'so does find_or_create_job()');
select tests.ask('ann', 'test_open', 2);
select is(tests.used('ann'), 2, 'but not for joining');
create temporary table cached as select public.create_job(tests.user_id('ann'), 'test_cached', '{"n": 3}') as id;
select tests.claim('w1', 10, array['test_cached']);
select public.complete_job(id, '{"is": "known"}', tests.token(id)) from cached;
select is((select outcome from public.find_or_create_job(tests.user_id('ann'), 'test_cached', '{"n": 3}')), 'reused', 'a result that is known');
select is(tests.used('ann'), 3, 'costs nothing again');
select is((select string_agg(outcome, ' ' order by ordinal) from public.create_jobs(jsonb_build_array(
  jsonb_build_object('job_type', 'test_open', 'user_id', tests.user_id('ann'), 'params', '{"n": 2}'::jsonb),
  jsonb_build_object('job_type', 'test_open', 'user_id', tests.user_id('ann'), 'params', '{"n": 4}'::jsonb),
  jsonb_build_object('job_type', 'test_open', 'user_id', tests.user_id('ann'), 'params', '{"n": 4}'::jsonb),
  jsonb_build_object('job_type', 'test_open', 'user_id', tests.user_id('bob'), 'params', '{"n": 4}'::jsonb),
  jsonb_build_object('job_type', 'test_other', 'user_id', tests.user_id('bob')),
  jsonb_build_object('job_type', 'test_open')))), 'joined created joined created created created', 'of many jobs in one call');
select is(tests.used('ann'), 4, 'each that is created is charged');
select is(tests.used('bob'), 1, 'to its owner, and only of types that have a quota');
select is((select count(*)::int from private.job_quota as quota join public.job_queue as job on job.id = quota.job_id
  where job.user_id is null or job.job_type = 'test_other'), 0, 'no system job is');
create temporary table parent as select tests.start_parent(3, 'bob') as id;
select is(tests.used('bob'), 4, 'three children are three');
select public.create_child_jobs(id, tests.token(id), '[{"job_type": "test_child", "key": "c3"}, {"job_type": "test_child", "key": "c4"}]') from parent;
select is(tests.used('bob'), 5, 'a child that is there already is none');
select set_eq($$ select quota.user_id, quota.quota_type from private.job_quota as quota join parent on quota.job_id in (select child.id from public.job_queue as child where child.parent_job_id = parent.id) $$,
  $$ values (tests.user_id('bob'), 'syncs') $$, 'the charge of a job is known by its id');
select tests.side_tables_are_right();

-- Its ends
create temporary table mine as select tests.enqueue('cid') as fails, tests.enqueue('cid') as ends, tests.enqueue('cid') as stops;
select is(tests.used('cid'), 3, 'three jobs are charged');
select public.start_job(id, 'w2') from mine, unnest(array[fails, ends]) as id;
select public.complete_job(ends, null, tests.token(ends)) from mine;
select public.cancel_job(stops) from mine;
select is(tests.used('cid'), 3, 'what was completed or cancelled stays paid for');
select is(tests.fail(fails, true), 'pending', 'a job that will be retried') from mine;
select is(tests.used('cid'), 3, 'does so, too');
select public.start_job(fails, 'w2') from mine;
select is(tests.fail(fails), 'failed', 'one that has failed') from mine;
select is(tests.used('cid'), 2, 'is given back');
select is(private.give_back_job_quotas(array[fails]), 0, 'once') from mine;
select is(tests.used('cid'), 2, 'and no more');

select ok(public.retry_job(fails, tests.user_id('cid')), 'when its owner tries again') from mine;
select is(tests.used('cid'), 3, 'it is charged again');
select ok(public.retry_job(stops, tests.user_id('cid')), 'one that was cancelled') from mine;
select is(tests.used('cid'), 3, 'is paid for already');
select public.start_job(fails, 'w2') from mine;
select tests.run_out(fails) from mine;
update public.job_queue set crash_count = 2, crash_streak = 2 from mine where id = fails;
select private.recover_lost_jobs();
update public.job_queue set expires_at = now() - interval '1 second' from mine where id = stops;
select private.expire_pending_jobs();
select set_eq($$ select job.status, job.error_code from mine, tests.job(fails) as job union all select job.status, job.error_code from mine, tests.job(stops) as job $$,
  $$ values ('failed', 'WORKER_LOST'), ('failed', 'EXPIRED') $$, 'what was lost or expired');
select is(tests.used('cid'), 1, 'is given back as well');

-- No more left
select tests.set_used('cid', 10), tests.set_used('bob', 10);
grant select on mine to public;
create temporary table before as select count(*) as jobs from public.job_queue;
select tests.become_user('cid');
select is(tests.error_of($$ select public.create_job(tests.user_id('cid'), 'test_open') $$), 'QUOTA_EXCEEDED', 'over the quota a job is refused');
select is(tests.error_of($$ select public.retry_job(fails) from mine $$), 'QUOTA_EXCEEDED', 'and so is another life');
select lives_ok($$ select public.create_job(tests.user_id('cid'), 'test_other') $$, 'other types are not');
select tests.become_postgres();
select is(tests.error_of($$ select public.create_jobs(jsonb_build_array(
  jsonb_build_object('job_type', 'test_open', 'user_id', tests.user_id('ann'), 'params', '{"n": 8}'::jsonb),
  jsonb_build_object('job_type', 'test_open', 'user_id', tests.user_id('cid'), 'params', '{"n": 8}'::jsonb))) $$), 'QUOTA_EXCEEDED', 'of many in one call');
select is(tests.used('ann'), 4, 'none is charged');
select is(tests.error_of($$ select public.create_child_jobs(id, tests.token(id), '[{"job_type": "test_child", "key": "c9"}]') from parent $$), 'QUOTA_EXCEEDED', 'nor is a child made');
select is((select count(*)::int from public.job_queue), (select jobs::int + 1 from before), 'and nothing is left of them');
select tests.set_used('cid', 9);
select results_eq($$ select outcome from public.retry_failed_jobs('test_open') where job_id in (select unnest(array[fails, stops]) from mine) order by 1 $$,
  $$ values ('QUOTA_EXCEEDED'), ('retried') $$, 'of many that are tried again each stands for itself');
select is(tests.used('cid'), 10, 'one was charged');
select tests.side_tables_are_right();

delete from public.job_queue using mine where id in (fails, ends, stops);
select is_empty($$ select from private.job_quota, mine where job_id in (fails, ends, stops) $$, 'what is deleted leaves no charge behind');

select * from finish();
rollback;

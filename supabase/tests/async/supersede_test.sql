begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(24);

select tests.create_user('ann'), tests.create_user('bob');
select tests.become_user('ann');
create temporary table first as select * from public.find_or_create_job(null, 'test_open', '{"draft": 1}', p_key => 'post-7');
grant select on first to public;
select is((select outcome from public.find_or_create_job(null, 'test_open', '{"draft": 2}', p_key => 'post-7')), 'joined',
  'jobs of one key are equal, whatever their params');
select is((select outcome from public.find_or_create_job(null, 'test_open', '{"draft": 1}')), 'created',
  'a job without a key does not equal one with');
select is((select outcome from public.find_or_create_job(null, 'test_other', '{"draft": 1}', p_key => 'post-7')), 'created',
  'a key counts within its type');
select is(tests.error_of($$ select public.find_or_create_job(null, 'test_open', p_key => repeat('k', 201)) $$), 'VALIDATION_ERROR', 'a key is bounded');

select tests.become_service();
select tests.claim('w1', 1, array['test_open']);
create temporary table held as select job_id as id, tests.token(job_id) as token from first;
grant select on held to public;
select is((tests.job(id)).status, 'processing', 'the first is running') from held;

select tests.become_user('ann');
create temporary table second as select * from public.find_or_create_job(null, 'test_open', '{"draft": 2}', p_key => 'post-7', p_supersede => true);
grant select on second to public;
select is((select outcome from second), 'created', 'p_supersede creates a job');
select isnt((select job_id from second), (select job_id from first), 'a new one');
select results_eq($$ select now.status, now.error_code from first, tests.job(first.job_id) as now $$, $$ values ('cancelled', 'SUPERSEDED') $$, 'in the place of the equal active job');
select is((select status from public.job_queue where params = '{"draft": 1}' and job_type = 'test_open' and id <> (select job_id from first)), 'pending', 'others go on');

select tests.become_service();
select is(public.heartbeat('w1', jsonb_build_array(jsonb_build_object('job_id', id, 'fencing_token', token)), 1, 1) -> 'cancelled', jsonb_build_array(id),
  'its handler is told to stop') from held;
select is(public.complete_job(id, '{}', token), false, 'and its late result is refused') from held;

-- At the limit: ann has three active jobs.
select tests.become_user('ann');
select lives_ok($$ select public.create_job(null, 'test_open') from generate_series(1, 7) $$, 'a user has ten active jobs');
select is(tests.error_of($$ select public.find_or_create_job(null, 'test_open', p_key => 'new', p_supersede => true) $$), 'JOB_LIMIT_REACHED',
  'p_supersede does not lift the limit');
select is((select outcome from public.find_or_create_job(null, 'test_open', '{"draft": 3}', p_key => 'post-7', p_supersede => true)), 'created',
  'but takes the place of the job it ends');
select is((select count(*)::int from public.job_queue where status = 'pending'), 10, 'so that there are ten again');

select tests.become_user('bob');
select is((select outcome from public.find_or_create_job(tests.user_id('ann'), 'test_open', p_key => 'post-7', p_supersede => true)), 'created',
  'p_supersede works for the caller');
select tests.become_postgres();
select is((select status from public.job_queue where params = '{"draft": 3}'), 'pending', 'and ends nobody else''s job');

-- A fresh result does not answer who wants a new one, and a retry can be superseded, too.
insert into public.job_queue (user_id, job_type, status, progress_percent, params, dedupe_key, completed_at)
values (tests.user_id('bob'), 'test_cached', 'completed', 100, '{"q": 1}', private.job_dedupe_key('test_cached', '{"q": 1}'), now());
select is((select outcome from public.find_or_create_job(tests.user_id('bob'), 'test_cached', '{"q": 1}')), 'reused', 'there is a fresh result');
select is((select outcome from public.find_or_create_job(tests.user_id('bob'), 'test_cached', '{"q": 1}', p_supersede => true)), 'created', 'which p_supersede passes over');

-- With all its children; for the system, too; and for other modules.
create temporary table parent as select tests.start_parent(2, 'bob') as id;
select public.find_or_create_job(tests.user_id('bob'), 'test_parent', (select params from public.job_queue, parent where job_queue.id = parent.id), p_supersede => true);
select results_eq($$ select status, error_code from public.job_queue where parent_job_id = (select id from parent) $$,
  $$ values ('cancelled', 'SUPERSEDED'), ('cancelled', 'SUPERSEDED') $$, 'the children of a superseded job end with it');
select is((select count(*)::int from generate_series(1, 3), public.find_or_create_job(null, 'test_internal', '{"s": 1}', p_supersede => true) where outcome = 'created'), 3,
  'system jobs are superseded');
select is((select count(*)::int from public.job_queue where params = '{"s": 1}' and status = 'pending'), 1, 'and one is left');
select is((select outcome from private.find_or_create_job(null, 'test_internal', '{"s": 2}', p_asks_for => '{"s": 1}', p_supersede => true)), 'created',
  'other modules may supersede by what is asked for');

select tests.side_tables_are_right();
select * from finish();
rollback;

begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(27);

select tests.create_user('ann'), tests.create_user('bob');
create temporary table parent as select tests.enqueue('ann', 'test_parent', 7) as id, 0::bigint as token;
grant select on parent to public;
select tests.claim('w1', 1, array['test_parent']);
update parent set token = tests.token(id);

select tests.become_service();
create temporary table made as
  select * from parent, public.create_child_jobs(id, token, '[
    {"job_type": "test_child", "params": {"n": 1}, "key": "one"},
    {"job_type": "test_child", "params": {"n": 2}},
    {"job_type": "test_other", "params": {"n": 2}, "priority": 2, "delay_ms": 60000},
    {"job_type": "test_child", "params": {"n": 9}, "key": "one"}]', '{"page": 1}') with ordinality;
select results_eq($$ select outcome from made order by ordinality $$, $$ values ('created'), ('created'), ('created'), ('joined') $$,
  'create_child_jobs() answers in the order of the children');
select is((select count(distinct job_id)::int from made), 3, 'create_child_jobs() creates a key once');
select is((select child_key from made where ordinality = 1), 'one', 'create_child_jobs() says which child is which');
select results_eq($$ select distinct user_id, parent_job_id, status from public.job_queue where id in (select job_id from made) $$,
  $$ select tests.user_id('ann'), id, 'pending' from parent $$, 'children belong to the parent''s owner');
select is((tests.job(id)).checkpoint, '{"page": 1}', 'create_child_jobs() saves the checkpoint with them') from parent;
select results_eq($$ select job_priority::int, turn is null, scheduled_for > now() from public.job_queue where parent_job_id = (select id from parent) order by 1 $$,
  $$ values (2, true, true), (5, false, false), (5, false, false) $$, 'a child has the priority and the delay that it was given');
select is((tests.batch(id)).total, 3, 'create_child_jobs() counts them') from parent;

create temporary table again as
  select * from parent, public.create_child_jobs(id, token, '[
    {"job_type": "test_child", "params": {"n": 1}, "key": "one"},
    {"job_type": "test_child", "params": {"n": 2}},
    {"job_type": "test_child", "params": {"n": 3}}]') with ordinality;
select results_eq($$ select outcome from again order by ordinality $$, $$ values ('joined'), ('joined'), ('created') $$,
  'create_child_jobs() called again creates only what is new');
select is((select array_agg(job_id order by ordinality) from again where ordinality < 3),
  (select array_agg(job_id order by ordinality) from made where ordinality < 3), 'and names what is there');
select is((tests.batch(id)).total, 4, 'the batch grows by the new one') from parent;
select is((tests.job(id)).checkpoint, '{"page": 1}', 'a checkpoint that is not given stays') from parent;

select is(tests.error_of($$ select public.create_child_jobs(id, token, '[{"job_type": "test_child"}, {"job_type": "nothing"}]', '{"page": 2}') from parent $$),
  'UNKNOWN_JOB_TYPE', 'create_child_jobs() refuses an unknown type');
select is(tests.error_of($$ select public.create_child_jobs(id, token, '[{"job_type": "test_child", "params": [1]}]') from parent $$),
  'VALIDATION_ERROR', 'create_child_jobs() refuses params that are no object');
select is(tests.error_of($$ select public.create_child_jobs(id, token, '[{"job_type": "test_child", "priority": 11}]') from parent $$),
  'VALIDATION_ERROR', 'create_child_jobs() refuses a priority over 10');
select is(tests.error_of($$ select public.create_child_jobs(id, token, '{}') from parent $$),
  'VALIDATION_ERROR', 'create_child_jobs() refuses what is no array');
select is(tests.error_of($$ select public.create_child_jobs(id, token, (select jsonb_agg('{}'::jsonb) from generate_series(1, 5001))) from parent $$),
  'VALIDATION_ERROR', 'create_child_jobs() refuses more than 5 000 children');
select is(tests.error_of($$ select public.create_child_jobs(id, token, jsonb_build_array(jsonb_build_object(
    'job_type', 'test_child', 'params', jsonb_build_object('a', repeat(md5('x'), 2100))))) from parent $$),
  'PARAMS_TOO_LARGE', 'create_child_jobs() refuses params over 64 KB');
select is((select (tests.batch(id)).total * 10 + ((tests.job(id)).checkpoint ->> 'page')::int from parent), 41, 'a refused call leaves nothing behind');

select is(tests.error_of($$ select public.create_child_jobs(id, token - 1, '[]') from parent $$), 'LEASE_LOST',
  'create_child_jobs() refuses an older attempt');
select is(tests.error_of($$ select public.create_child_jobs(job_id, 0, '[]') from made where ordinality = 1 $$), 'LEASE_LOST',
  'create_child_jobs() refuses a job that does not run');

-- Ann has as many jobs as a user may have; her children do not count, and hers go on being hers.
select tests.become_user('ann');
select lives_ok($$ select public.create_job(null, 'test_open') from generate_series(1, 9) $$, 'children do not count towards the limit');
select is((select count(*)::int from public.job_queue, parent where parent_job_id = parent.id), 4, 'the owner sees the children');
select is((select total from public.job_batch), 4, 'the owner sees the batch');
select throws_ok($$ select public.create_child_jobs(id, token, '[]') from parent $$, '42501', null, 'no user can create children');

select tests.become_user('bob');
select is_empty($$ select from public.job_batch $$, 'a stranger does not see the batch');
select tests.become_anon();
select throws_ok($$ select public.create_child_jobs(id, token, '[]') from parent $$, '42501', null, 'anon cannot create children');

select tests.side_tables_are_right();
select * from finish();
rollback;

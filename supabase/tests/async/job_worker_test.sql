begin;
\ir ../helpers.psql
select plan(4);

select tests.create_user('ann');
insert into public.job_worker (worker_id) values ('tests-worker');

select tests.become_user('ann');
select throws_ok($$ select * from public.job_worker $$, '42501', null, 'a user does not see workers');

select tests.become_anon();
select throws_ok($$ select * from public.job_worker $$, '42501', null, 'anon does not see workers');

select tests.become_service();
select is((select count(*)::int from public.job_worker where worker_id = 'tests-worker'), 1, 'the service sees workers');
select lives_ok($$ update public.job_worker set is_draining = true where worker_id = 'tests-worker' $$,
  'the service can ask a worker to drain');

select * from finish();
rollback;

begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(8);

select tests.create_user('ann');

select is((select count(*)::int from public.job_type where name = 'sync_youtube'), 1, 'job_type has sync_youtube');
select is((select user_creatable from public.job_type where name = 'sync_youtube'), false,
  'sync_youtube is created by request_sync(), not by users');
select cmp_ok((select extract(epoch from lease) from public.job_type where name = 'sync_youtube'), '<=', 60::numeric,
  'a killed worker''s sync is retaken within a minute and a tick');

select tests.become_user('ann');
select is((select array_agg(name) filter (where name in ('test_open', 'test_internal')) from public.job_type),
  array['test_open'], 'a user sees the types that can be asked for, and no other');
select throws_ok($$ update public.job_type set max_retries = 99 $$, '42501', null, 'a user cannot tune a type');

select tests.become_anon();
select throws_ok($$ select * from public.job_type $$, '42501', null, 'anon sees no types');

select tests.become_service();
select lives_ok($$ update public.job_type set is_paused = true where name = 'test_open' $$, 'the service can pause a type');

select tests.side_tables_are_right();
select * from finish();
rollback;

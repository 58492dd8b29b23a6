begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(32);

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

-- No foreign key ties a job to its type; these hold all the same.
select tests.become_postgres();
update public.job_type set is_paused = false where name = 'test_open';
create temporary table mine as select tests.enqueue('ann') as waits, tests.enqueue('ann', 'test_other') as runs, tests.enqueue('ann', 'test_other') as failed,
  tests.enqueue('ann', 'test_other') as ended;
select tests.claim('w1', 3, array['test_other']);
select public.fail_job(failed, 'no', 'NO', false, null, tests.token(failed)), public.complete_job(ended, null, tests.token(ended)) from mine;

select is(tests.error_of($$ insert into public.job_queue (job_type) values ('test_unheard_of') $$), 'UNKNOWN_JOB_TYPE', 'a job of a type that is not there is refused');
select is(tests.error_of($$ insert into public.job_queue (job_type) select name from unnest(array['test_open', 'test_unheard_of', 'test_open']) as name $$), 'UNKNOWN_JOB_TYPE',
  'among others, too');
select is(tests.error_of($$ select public.create_job(tests.user_id('ann'), 'test_unheard_of') $$), 'UNKNOWN_JOB_TYPE', 'and so is a request for one');
select is((select count(*)::int from public.job_queue where job_type = 'test_unheard_of'), 0, 'nothing of that is left');

select throws_ok($$ delete from public.job_type where name = 'test_open' $$, '23503', null, 'a type with a job that waits is not deleted');
select throws_ok($$ delete from public.job_type where name = 'test_other' $$, '23503', null, 'nor one with jobs that have ended');
select throws_ok($$ delete from public.job_type where name like 'test\_%' $$, '23503', null, 'nor among others');
select lives_ok($$ delete from public.job_type where name in ('test_parent', 'test_child') $$, 'types without jobs are');
select is_empty($$ select from private.job_cursor where job_type in ('test_parent', 'test_child') $$, 'and leave no cursor');

update public.job_type set max_concurrency = 5, rate_limit = 10 where name = 'test_other';
select private.charge_rates(array['test_other']);
update public.job_type set name = 'test_renamed' where name = 'test_other';
select set_eq($$ select id from public.job_queue where job_type = 'test_renamed' $$, $$ select unnest(array[runs, failed, ended]) from mine $$, 'jobs follow a type to its new name');
select is_empty($$ select from public.job_queue where job_type = 'test_other' $$, 'none stays behind');
select results_eq($$ select job_id, job_type from private.job_running where job_type like 'test\_%' $$, $$ select runs, 'test_renamed' from mine $$, 'what runs counts under it');
select is((select array_agg(job_type) from private.job_rate where job_type like 'test\_%'), array['test_renamed'], 'so does what the rate was charged');
select is((select array_agg(job_type) from private.job_failure, mine where job_id = failed), array['test_renamed'], 'and what has failed');
select ok(public.complete_job(runs, null, tests.token(runs)), 'a job that runs meanwhile ends as it would have') from mine;
update public.job_type set name = 'test_opened' where name = 'test_open';
select results_eq($$ select id, job_type from tests.claim('w2', 10, array['test_opened']) $$, $$ select waits, 'test_opened' from mine $$, 'one that waits is claimed under the new name');
select is(tests.error_of($$ select public.create_job(tests.user_id('ann'), 'test_open') $$), 'UNKNOWN_JOB_TYPE', 'the old one is unknown');
update public.job_type set name = name where name = 'test_opened';
select tests.side_tables_are_right('so say the side tables');

-- The first limit of a type, while jobs of it run.
select tests.enqueue('ann', 'test_cached') from generate_series(1, 5);
select tests.claim('w3', 3, array['test_cached']);
select is_empty($$ select from private.job_running where job_type = 'test_cached' $$, 'what runs without a limit is not counted');
update public.job_type set max_concurrency = 4 where name = 'test_cached';
select is((select count(*)::int from private.job_running where job_type = 'test_cached'), 3, 'when the type gets one, it is');
select is((select count(*)::int from tests.claim('w3', 10, array['test_cached'])), 1, 'and takes up room');
update public.job_type set max_concurrency = null, max_per_user = 4 where name = 'test_cached';
select is((select count(*)::int from tests.claim('w3', 10, array['test_cached'])), 0, 'one limit in place of another');
update public.job_type set max_per_user = null where name = 'test_cached';
select is((select count(*)::int from tests.claim('w3', 10, array['test_cached'])), 1, 'no limit, no wait');
update public.job_type set rate_limit = 1 where name = 'test_cached';
select is((select count(*)::int from private.job_running where job_type = 'test_cached'), 5, 'a limit that comes back counts what began in between');

select tests.side_tables_are_right();
select * from finish();
rollback;

-- Jobs of the system of one type and priority, to be started now, take a short way through create_jobs():
-- nobody can tell but by the time it takes.
begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(63);

select tests.create_user('ann');
-- As few rows as there can be when a plan is made.
truncate public.job_queue;

create function tests.plain(p_from int, p_to int, p_more jsonb default '{}') returns jsonb
language sql stable
as $$
  select jsonb_agg(jsonb_build_object('job_type', 'test_internal', 'params', jsonb_build_object('n', n)) || p_more order by n)
  from generate_series(p_from, p_to) as n
$$;
create function tests.alike(p_from int, p_to int, p_more jsonb default '{}') returns jsonb
language sql stable
as $$ select jsonb_build_object('job_type', 'test_internal', 'params', jsonb_agg(jsonb_build_object('n', n) order by n)) || p_more
  from generate_series(p_from, p_to) as n $$;
grant execute on function tests.plain(int, int, jsonb), tests.alike(int, int, jsonb) to public;

create temporary table scans as select seq_scan from pg_stat_xact_user_tables where relid = 'public.job_queue'::regclass;
select isnt(private.create_plain_jobs(tests.plain(901, 903)), null, 'plain jobs take the short way');
select is(private.create_plain_jobs(tests.plain(901, 904)), null, 'not where one of them is there already');
select is(private.create_plain_jobs(tests.plain(905, 906) || tests.plain(905, 905)), null, 'nor where two are equal');
select is(private.create_plain_jobs(tests.plain(905, 906) || tests.plain(907, 907, '{"priority": 2}')), null, 'nor with two priorities');
select is(private.create_plain_jobs(tests.plain(905, 906) || tests.plain(907, 907, '{"job_type": "test_open"}')), null, 'nor of two types');
select is(private.create_plain_jobs(tests.plain(905, 906) || tests.plain(907, 907, '{"job_type": null}')), null, 'nor of none');
select is(private.create_plain_jobs(tests.plain(905, 906) || tests.plain(907, 907, '{"delay_ms": 1}')), null, 'nor for later');
select is(private.create_plain_jobs(tests.plain(905, 906)
  || tests.plain(907, 907, jsonb_build_object('user_id', tests.user_id('ann')))), null, 'nor for a user');
select results_eq($$ select outcome from public.create_jobs(jsonb_build_array(
    jsonb_build_object('user_id', tests.user_id('ann'), 'job_type', 'test_open'), '{"job_type": "test_open"}'::jsonb)) $$,
  $$ values ('created'), ('created') $$, 'the others take the long one');
select results_eq($$ select seq_scan from pg_stat_xact_user_tables where relid = 'public.job_queue'::regclass $$, $$ table scans $$,
  'neither reads the whole queue, also when it was planned on an empty one');
delete from public.job_queue where job_type = 'test_open';
select is((select count(*)::int from public.job_queue), 3, 'what does not take it leaves nothing behind');

select tests.become_service();
create temporary table made as select * from public.create_jobs(tests.plain(1, 500));
select results_eq($$ select ordinal, outcome from made $$, $$ select n, 'created' from generate_series(1, 500) as n $$,
  'create_jobs() answers for each in order');
select results_eq($$ select (tests.job(job_id)).params from made order by job_id $$,
  $$ select jsonb_build_object('n', n) from generate_series(1, 500) as n $$, 'the ids are in the order of the requests');
select is((select count(distinct job_id)::int from made where substr(job_id::text, 15, 1) = '7' and substr(job_id::text, 20, 1) in ('8', '9', 'a', 'b')), 500,
  'each is a UUID of version 7');
select cmp_ok((select max(abs(extract(epoch from clock_timestamp()) * 1000
    - ('x' || left(replace(job_id::text, '-', ''), 12))::bit(48)::bigint)) from made), '<', 60000::numeric, 'of this moment');
select results_eq($$ select n, (job).turn - min((job).turn) over (), (job).job_priority::int, (job).max_retries, (job).status, (job).scheduled_for = now(), (job).expires_at = now() + interval '24 hours'
  from (select ordinal as n, tests.job(job_id) as job from made) as made order by n $$,
  $$ select n, n - 1::bigint, 5, 3, 'pending', true, true from generate_series(1, 500) as n $$, 'they stand one behind the other');
select results_eq($$ select (params ->> 'n')::int from tests.claim('w', 5) order by id $$, $$ values (901), (902), (903), (1), (2) $$,
  'and are started in that order');

-- Joined, by whomever.
select results_eq($$ select outcome, count(*)::int, count(distinct job_id)::int from public.create_jobs(tests.plain(500, 510)) group by 1 order by 1 $$,
  $$ values ('created', 10, 10), ('joined', 1, 1) $$, 'an equal job is joined, and the others are created');
select results_eq($$ select outcome, job_id from public.create_jobs(tests.plain(7, 7)) $$,
  $$ select 'joined', job_id from made where ordinal = 7 $$, 'one alone is joined, too');
select results_eq($$ select outcome, job_id from public.find_or_create_job(null, 'test_internal', '{"n": 8}') $$,
  $$ select 'joined', job_id from made where ordinal = 8 $$, 'find_or_create_job() joins it');
select results_eq($$ select outcome, count(distinct job_id)::int from public.create_jobs(tests.plain(600, 600) || tests.plain(600, 600)) group by 1 order by 1 $$,
  $$ values ('created', 1), ('joined', 1) $$, 'equal requests of one call are one job');
select is((select outcome from public.create_jobs(tests.plain(700, 700, '{"key": "k"}'))), 'created', 'a key makes a request');
select is((select outcome from public.create_jobs(tests.plain(701, 701, '{"key": "k"}'))), 'joined', 'whatever the params');
select is((select (tests.job(job_id)).job_priority::int from public.create_jobs(tests.plain(710, 710, '{"priority": 2}'))), 2, 'a priority is kept');
select is((select (tests.job(job_id)).params from public.create_jobs('[{"job_type": "test_internal", "params": null, "user_id": null}]')), '{}', 'null is as if it were not said');

select tests.become_postgres();
update public.job_queue set requested_at = now() - interval '6 minutes' where params = '{"n": 20}';
select is((select outcome from public.create_jobs(tests.plain(20, 20))), 'created', 'a job older than the window is not joined');
select is((select outcome from public.create_jobs(tests.plain(20, 20))), 'joined', 'the younger one is');

-- All or nothing.
select is(tests.error_of($$ select public.create_jobs(tests.plain(801, 802) || '{"job_type": "test_internal", "params": 1}') $$), 'VALIDATION_ERROR', 'params that are no object are refused');
select is(tests.error_of($$ select public.create_jobs(tests.plain(801, 802, '{"priority": 99999}')) $$), 'VALIDATION_ERROR', 'so are priorities there are not');
select is(tests.error_of($$ select public.create_jobs(tests.plain(801, 802, jsonb_build_object('params', jsonb_build_object('big', repeat(md5('a') || random(), 2000))))) $$),
  'PARAMS_TOO_LARGE', 'so are those over 64 KB');
-- As many digits, in 16 bytes: each of these ways has a look of its own.
select results_eq($$
    select tests.error_of(format('select public.create_jobs(%L)', jobs))
    from (values
      ('[{"job_type": "test_internal", "params": {"n": 1e131071}}]'),
      ('[{"job_type": "test_internal", "params": {"n": 1e131071}, "dedupe": false}]'),
      ('[{"job_type": "test_internal", "params": {"n": 1e131071}, "key": "k"}]'),
      ('{"job_type": "test_internal", "params": [{"n": 1}, {"n": 1e131071}]}'),
      ('{"job_type": "test_internal", "params": [{"n": 1e131071}], "dedupe": false}'),
      ('[{"job_type": "test_internal"}, {"job_type": "test_open", "params": {"n": 1e131071}}]')) as asked (jobs) $$,
  $$ select 'PARAMS_TOO_LARGE' from generate_series(1, 6) $$, 'so are few bytes of as many digits, whichever way they take');

-- Said once for all: an object with an array of params.
select isnt(private.create_plain_jobs(tests.alike(1001, 1003, '{"priority": 2}')), null, 'jobs that are all alike take the short way');
select is(private.create_plain_jobs(tests.alike(1003, 1004)), null, 'not where one of them is there already');
select is(private.create_plain_jobs(tests.alike(1004, 1005, '{"delay_ms": 1}')), null, 'nor for later');
select is(private.create_plain_jobs(tests.alike(1004, 1005, '{"key": "k"}')), null, 'nor under one key');
select is(private.create_plain_jobs(tests.alike(1004, 1005, '{"job_type": "nobody"}')), null, 'nor of a type there is not');
select is(private.create_plain_jobs(tests.alike(1, 5001)), null, 'nor more than 5 000');
select results_eq($$ select ordinal, outcome from public.create_jobs(tests.alike(1002, 1006)) $$,
  $$ values (1, 'joined'), (2, 'joined'), (3, 'created'), (4, 'created'), (5, 'created') $$, 'the answer is the same');
select results_eq($$ select outcome from public.create_jobs('[{"job_type": "test_internal", "params": {"n": 1006}}]') $$,
  $$ values ('joined') $$, 'and so are the jobs');
select is((select array_agg((tests.job(job_id)).job_priority) from public.create_jobs(tests.alike(1010, 1011, '{"priority": 2}'))), '{2,2}', 'what is said of all is true of each');
select results_eq($$ select (tests.job(job_id)).user_id, outcome from public.create_jobs(tests.alike(1, 2, jsonb_build_object('user_id', tests.user_id('ann')))) $$,
  $$ select tests.user_id('ann'), 'created' from generate_series(1, 2) $$, 'also an owner');
select is((select count(*)::int from public.create_jobs('{"job_type": "test_internal", "params": []}')), 0, 'none are none');
select is(tests.error_of($$ select public.create_jobs('{"job_type": "test_internal", "params": {}}') $$), 'VALIDATION_ERROR', 'one job is no array');
select is(tests.error_of($$ select public.create_jobs(tests.alike(801, 802, '{"priority": 99999}')) $$), 'VALIDATION_ERROR', 'what is not valid is refused here, too');
select is(tests.error_of($$ select public.create_jobs('{"job_type": "test_internal", "params": [{}, 1]}') $$), 'VALIDATION_ERROR', 'of each');
select is(tests.error_of($$ select public.create_jobs(tests.alike(1, 5001)) $$), 'VALIDATION_ERROR', 'and so are too many');

-- Not compared: not with what there is, nor with each other, nor what comes later with them.
create function tests.single(p_from int, p_to int, p_more jsonb default '{}') returns jsonb
language sql stable as $$ select tests.alike(p_from, p_to, '{"dedupe": false}' || p_more) $$;
grant execute on function tests.single(int, int, jsonb) to public;
select isnt(private.create_plain_jobs(tests.single(1, 20)), null, 'jobs that are not compared take the short way, whatever there is');
select isnt(private.create_plain_jobs(tests.plain(1, 3, '{"dedupe": false}')), null, 'also one by one');
select is(private.create_plain_jobs(tests.plain(2001, 2002, '{"dedupe": false}') || tests.plain(2003, 2003)), null, 'not beside others that are compared');
select is(private.create_plain_jobs(tests.plain(2001, 2002) || tests.plain(2003, 2003, '{"dedupe": false}')), null, 'in either order');
select is(private.create_plain_jobs(tests.single(2001, 2002, '{"key": "k"}')), null, 'nor under a key');
select is(private.create_plain_jobs(tests.plain(2001, 2002, '{"dedupe": false, "key": "k"}')), null, 'nor each under one');
select tests.become_service();
create temporary table single as select * from public.create_jobs(tests.single(3001, 3002));
select results_eq($$ select outcome, (tests.job(job_id)).params, (tests.job(job_id)).dedupe_key from single order by ordinal $$,
  $$ values ('created', '{"n": 3001}'::jsonb, null::text), ('created', '{"n": 3002}', null) $$, 'they have no key');
select results_eq($$ select outcome, count(distinct job_id)::int from public.create_jobs(tests.single(3001, 3001) || '{"params": [{"n": 3001}, {"n": 3001}]}') group by 1 $$,
  $$ values ('created', 2) $$, 'equal ones of one call are two jobs');
select is((select outcome from public.find_or_create_job(null, 'test_internal', '{"n": 3002}')), 'created', 'find_or_create_job() joins none of them');
select results_eq($$ select outcome from public.create_jobs(tests.plain(3001, 3002)) $$, $$ values ('created'), ('joined') $$, 'nor does create_jobs(): what it joins is the other');
select results_eq($$ select outcome, count(distinct job_id)::int from public.create_jobs(tests.plain(3003, 3003) || tests.plain(3003, 3003) || tests.plain(3003, 3003, '{"dedupe": false}') || tests.plain(3003, 3003, '{"dedupe": false}')) group by 1 order by 1 $$,
  $$ values ('created', 3), ('joined', 1) $$, 'both kinds in one call are told apart');
select results_eq($$ select outcome, count(*)::int from public.create_jobs(tests.single(5, 16) || jsonb_build_object('user_id', tests.user_id('ann'))) group by 1 order by 1 $$,
  $$ values ('created', 8), ('limited', 4) $$, 'the limit per user holds for them');
select results_eq($$ select outcome from public.create_jobs(tests.single(3005, 3005, '{"delay_ms": 60000}')), generate_series(1, 2) $$,
  $$ values ('created'), ('created') $$, 'they may be for later');
select is(tests.error_of($$ select public.create_jobs(tests.single(801, 802, '{"key": "k"}')) $$), 'VALIDATION_ERROR', 'a key that compares nothing is refused');
select is(tests.error_of($$ select public.create_jobs(tests.single(801, 802, '{"params": [{}, 1]}')) $$), 'VALIDATION_ERROR', 'and so is what is not valid');
select tests.become_postgres();
update public.job_queue set status = 'cancelled', cancel_requested_at = now(), completed_at = now(), turn = null where id in (select job_id from single);
select is((select outcome from private.retry_jobs(array(select job_id from single where ordinal = 1), array[now()])), 'retried', 'one can be retried beside its equals');

insert into public.job_queue (job_type) values ('test_internal');
select tests.side_tables_are_right();
select * from finish();
rollback;

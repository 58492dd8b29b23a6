-- What has crashed its worker runs apart from what has not; see async_last_chance.sql.
begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(49);

select tests.create_user('ann'), tests.create_user('bob');
create function tests.crashed(p_name text, p_times int default 1, p_type text default 'test_open', p_priority int default 5) returns uuid
language sql volatile security definer as $$
  insert into public.job_queue (user_id, job_type, job_priority, turn, crash_count, crash_streak)
  values (tests.user_id(p_name), p_type, p_priority, 0, p_times, p_times)
  returning id
$$;
-- As a worker that runs eight jobs at once.
create function tests.take_crashed(p_worker text default 'w1', p_concurrency int default 8,
  p_types text[] default array['test_open', 'test_other', 'test_internal']) returns uuid[]
language sql volatile as $$
  select coalesce(array_agg(id order by id), '{}') from private.take_crashed_jobs(p_worker, p_concurrency, p_types)
$$;
create function tests.take(p_worker text default 'w1') returns uuid[]
language sql volatile as $$
  select coalesce(array_agg(id order by id), '{}')
  from private.take_jobs(p_worker, 100, array['test_open', 'test_other', 'test_internal'], true, true)
$$;
create temporary table named (name text primary key, id uuid not null);
create function tests.named(p_name text) returns uuid language sql volatile as $$ select id from named where name = p_name $$;
create function tests.forget() returns void language sql volatile security definer as $$
  delete from named;
  delete from public.job_queue where job_type in ('test_open', 'test_other', 'test_internal', 'test_parent', 'test_child')
$$;

-- Company
select is((select array_agg(private.company(2000, streak, 3)) from generate_series(0, 3) as streak), array[2000, 45, 1, 1],
  'company() of 2 000 jobs is 45 after the first crash, and none after the second');
select is((select array_agg(private.company(8, streak, 4)) from generate_series(0, 3) as streak), array[8, 4, 2, 1],
  'and shrinks in as many steps as there are chances');
select is(array[private.company(8, 1, 2), private.company(8, 0, 1), private.company(1, 1, 3)], array[1, 1, 1],
  'with a single chance left there is none');

-- A crash
select tests.become_user('ann');
select throws_ok($$ select private.take_crashed_jobs('w1', 8, null) $$, '42501', null, 'users take no jobs');
select tests.become_service();
select is(tests.error_of($$ select private.take_crashed_jobs('', 8, null) $$), 'VALIDATION_ERROR', 'a worker has a name');
select is((select count(*)::int from private.take_crashed_jobs('w1', 8, array['test_open'])), 0, 'take_crashed_jobs() takes nothing where nothing has crashed');
select tests.become_postgres();
insert into named select name, tests.enqueue('ann') from unnest(array['a', 'b', 'c']) as name;
select is(cardinality(tests.take()), 3, 'three jobs run in one worker');
select public.complete_job(tests.named('c'), null, tests.token(tests.named('c')));
insert into named values ('fresh', tests.enqueue('bob'));
select private.write_starts(array(select lease_id from private.job_lease where started_at is not null));
select tests.run_out(id) from named where name in ('a', 'b');
select is(tests.take('w2'), array[tests.named('fresh')], 'when it is lost, the next claim takes what has not crashed, and no more');
select results_eq($$ select status, turn is not null, held_by, crash_streak from tests.job(tests.named('a')) $$, $$ values ('pending', true, null::text, 1) $$,
  'what has crashed is pending like any other');
select tests.side_tables_are_right('and stands beside the lane');
select ok(private.oldest_due_at() is not null, 'it is due');
select is((public.heartbeat('w3', '[]', 8, 0) -> 'crashed_ms')::int >= 0, true, 'heartbeat() tells workers of it');
select cmp_ok((public.get_queue_health() -> 'pending')::int, '>=', 2, 'get_queue_health() counts it');
select set_eq($$ select unnest(tests.take_crashed('w3')) $$, $$ select id from named where name in ('a', 'b') $$, 'take_crashed_jobs() takes both');
select results_eq($$ select status, worker_id, fencing_token > 1, lease_expires_at > now() from tests.job(tests.named('a')) $$,
  $$ values ('processing', 'w3', true, true) $$, 'under a new token and a lease');
select is(public.heartbeat('w3', '[]', 8, 0) -> 'crashed_ms', null, 'nothing more is due');
select tests.run_out(id) from named where name in ('a', 'b');
select tests.take('w4');
select is(cardinality(tests.take_crashed('w4')), 1, 'at its last chance each runs alone');
select is(cardinality(tests.take_crashed('w5')), 1, 'and the other in another worker');
select tests.run_out(tests.named('a')), public.complete_job(tests.named('b'), null, tests.token(tests.named('b')));
select tests.take('w6');
select results_eq($$ select name, (tests.job(id)).status, (tests.job(id)).error_code from named where name in ('a', 'b') order by name $$,
  $$ values ('a', 'failed', 'WORKER_LOST'), ('b', 'completed', null) $$, 'the one that crashes again is given up, its neighbour is done');
select tests.side_tables_are_right();

-- How many, and which
select tests.forget();
insert into named select 'first ' || n, tests.crashed('ann') from generate_series(1, 5) as n;
insert into named values ('last', tests.crashed('bob', 2));
select is(tests.take_crashed(), array[tests.named('last')], 'of those that are due since the same time the one with its last chance comes first, alone');
select is(array[cardinality(tests.take_crashed()), cardinality(tests.take_crashed()), cardinality(tests.take_crashed())], array[3, 2, 0], 'others come a few at a time');
select tests.forget();
insert into named select 'once ' || n, tests.crashed('ann') from generate_series(1, 5) as n;
insert into named values ('twice', tests.crashed('bob', 2));
select is((select count(*)::int from private.take_crashed_jobs('w1', 8, array['test_open'], 1, 8)), 2, 'beside one that runs so many start as make the group full');
select is((tests.job(tests.named('twice'))).status, 'pending', 'and none that has to run alone');
select is((select array_agg(company) from private.take_crashed_jobs('w1', 8, array['test_open'], 1, 2)), array[2], 'nor more than those that run may have beside them');
select is((select count(*)::int from private.take_crashed_jobs('w1', 8, array['test_open'], 3, 3)), 0, 'a group that is full gets none');
select tests.forget();
insert into named values ('low', tests.crashed('ann', 2, p_priority => 9)), ('high', tests.crashed('ann', 2, p_priority => 1));
update private.job_setting set ageing_share = 0;
select is(tests.take_crashed(), array[tests.named('high')], 'the more urgent comes first');
update private.job_setting set ageing_share = 1;
insert into named values ('later', tests.crashed('ann', 2, p_priority => 1));
update public.job_queue set scheduled_for = now() - interval '1 minute' where id = tests.named('low');
select is(tests.take_crashed(), array[tests.named('low')], 'but for a share that goes by age');

-- The rules of any claim
select tests.forget();
insert into named select 'ann ' || n, tests.crashed('ann') from generate_series(1, 4) as n;
insert into named values ('bob', tests.crashed('bob')), ('other', tests.crashed('bob', 1, 'test_other'));
update public.job_type set max_per_user = 1 where name = 'test_open';
update public.job_type set is_paused = true where name = 'test_other';
select set_eq($$ select (tests.job(id)).user_id from unnest(tests.take_crashed()) as id $$, $$ values (tests.user_id('ann')), (tests.user_id('bob')) $$,
  'one of each user is taken where max_per_user says so, and none of a paused type');
select is(tests.take_crashed(), '{}', 'and no more while those run');
select is(private.crashed_ms(), null, 'nor are more due');
select tests.side_tables_are_right();
update public.job_type set max_per_user = null, max_concurrency = 3 where name = 'test_open';
select is(cardinality(tests.take_crashed()), 1, 'max_concurrency holds');
update public.job_type set max_concurrency = null, rate_limit = 1, rate_window = '1 hour' where name = 'test_open';
select is(array[cardinality(tests.take_crashed()), cardinality(tests.take_crashed())], array[1, 0], 'and so does a rate');
update public.job_type set rate_limit = null where name = 'test_open';
update public.job_type set is_paused = false where name = 'test_other';
select public.pause_user_jobs(tests.user_id('bob'));
select is(tests.take_crashed(p_types => array['test_other']), '{}', 'nothing of a paused user is taken');
select is((tests.job(tests.named('other'))).held_by, 'user_pause', 'it is held as any other');
select public.resume_user_jobs(tests.user_id('bob'));
select is(tests.take(), '{}', 'when it is resumed it does not come among the others');
select is(tests.take_crashed(p_types => array['test_other']), array[tests.named('other')], 'but apart');

-- What else befalls jobs that wait
select tests.forget();
insert into named select name, tests.crashed('ann') from unnest(array['cancelled', 'expired', 'started', 'retried', 'left']) as name;
select public.cancel_job(tests.named('cancelled'));
update public.job_queue set expires_at = now() - interval '1 second' where id = tests.named('expired');
select public.expire_stale_jobs();
select ok(public.start_job(tests.named('started'), 'classic'), 'start_job() starts one');
select public.fail_job(id, 'no', 'PROVIDER_REJECTED', false, null, tests.token(id)), public.retry_job(id) from named
where name = 'retried' and public.start_job(id, 'classic');
select is(tests.take(), array[tests.named('retried')], 'one that is retried by hand is as good as new');
select is(tests.take_crashed(), array[tests.named('left')], 'what is cancelled, expired or started is not taken');
select tests.side_tables_are_right();

-- Giving back
select tests.forget();
insert into named values ('job', tests.crashed('ann', 2));
select tests.take_crashed();
select public.yield_jobs(jsonb_build_array(jsonb_build_object('job_id', id, 'fencing_token', tests.token(id), 'is_cut_short', true))) from named;
select is((tests.job(tests.named('job'))).crash_streak, 2, 'a job that is given back since its worker leaves has not moved on');
select is(tests.take(), '{}', 'and keeps to itself');
select is(tests.take_crashed(), array[tests.named('job')], 'until it has');
select public.yield_job(id, tests.token(id)) from named;
select is(tests.take(), array[tests.named('job')], 'a job that ends its slice stands among the others again');

-- Workers that know of no difference
select tests.forget();
insert into named values ('crashed', tests.crashed('ann')), ('fresh', tests.enqueue('bob'));
select set_eq($$ select id from public.claim_jobs('w1', 10, array['test_open']) $$, 'select id from named', 'claim_jobs() gives them among the others');
select tests.side_tables_are_right();

select tests.forget();
insert into named values ('crashed', tests.crashed('ann'));
-- Claims have passed its turn, and what came to stand there after it.
update private.job_cursor set turn = 0, place = (select max(place) + 1 from private.job_waiting)
where job_type = 'test_open' and job_priority = 5;
select set_eq($$ select id from public.claim_jobs('w1', 10, array['test_open']) $$, 'select id from named',
  'also where claims look only for what came later');

select * from finish();
rollback;

-- Jobs of users whose start is not written: what is kept, what owners see and are told. Who holds what, whatever
-- happens, is asked at random in deferred_starts_test.ts.
begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(69);

select tests.create_user('ann'), tests.create_user('bob');
truncate public.job_queue;
delete from realtime.messages;
update private.job_setting set ageing_share = 0;

create temporary table taken (place bigint generated always as identity, id uuid, fencing_token bigint);
create function tests.make(p_jobs int, p_name text default 'ann') returns int
language sql volatile as $$ select count(tests.enqueue(p_name))::int from generate_series(1, p_jobs) $$;
create function tests.take(p_count int, p_may_defer boolean default true) returns int
language sql volatile
as $$
  with got as (
    insert into taken (id, fencing_token)
    select id, fencing_token from private.take_jobs('w', p_count, '{test_open}', p_may_defer) returning 1)
  select count(*)::int from got
$$;
create function tests.statuses() returns table (status text, jobs int)
language sql volatile as $$ select status, count(*)::int from public.job_queue group by 1 order by 1 $$;
create function tests.complete() returns uuid[]
language sql volatile
as $$
  with done as (delete from taken returning *)
  select private.complete_by_id(array_agg(id order by place desc), array_agg(fencing_token order by place desc),
    jsonb_agg(jsonb_build_object('n', place) order by place desc))
  from done
$$;
create view tests.told as
  select split_part(topic, ':', 1) as topic, payload ->> 'status' as status, (payload ->> 'seq')::int as seq, count(*)::int as times,
    count(payload -> 'result')::int as results
  from realtime.messages where event = 'job_update' group by 1, 2, 3 order by 1, 3, 2;

-- Where nobody has to wait for the queue, its owner is told at once.
select is(tests.make(3), 3, 'three jobs');
select is(tests.take(10), 3, 'are all there is to take');
select results_eq($$ select * from tests.statuses() $$, $$ values ('processing', 3) $$, 'and say at once that they run');
select is(tests.complete(), '{}', 'they are completed');
select results_eq($$ select topic, status, seq, times from tests.told $$,
  $$ values ('job_status', 'processing', 1, 3), ('job_status', 'completed', 2, 3),
    ('user_jobs', 'pending', 0, 3), ('user_jobs', 'processing', 1, 3), ('user_jobs', 'completed', 2, 3) $$, 'and every change is told');
delete from realtime.messages;

-- Where more wait than are taken.
select is(tests.make(10), 10, 'ten more');
select is(tests.take(6), 6, 'of which six are taken');
select results_eq($$ select * from tests.statuses() $$, $$ values ('completed', 3), ('pending', 10) $$, 'say nothing yet');
select results_eq($$ select job_type, worker_id, unsettled, cardinality(job_ids) from private.job_lease where started_at is not null $$,
  $$ values ('test_open', 'w', 6, 6) $$, 'but stand in a lease');
select is((select count(*)::int from private.job_waiting where job_id in (select id from taken)), 0, 'and nowhere else');
select is(private.count_active_jobs(tests.user_id('ann')), 10, 'they are active jobs of their owner');
select is(cardinality(private.active_jobs(tests.user_id('ann'))), 10, 'each of them once');
select throws_ok($$ select tests.make(1) $$, 'PT429', null, 'who may have no more of them');
select results_eq($$ select outcome from public.create_jobs(jsonb_build_array(
    jsonb_build_object('job_type', 'test_open', 'user_id', tests.user_id('bob')),
    jsonb_build_object('job_type', 'test_open', 'user_id', tests.user_id('ann')))) order by ordinal $$,
  $$ values ('created'), ('limited') $$, 'nor of many at once, other than somebody else');
delete from public.job_queue where user_id = tests.user_id('bob');
select is((public.get_queue_health() ->> 'pending')::int, 4, 'health counts those that wait');
select tests.side_tables_are_right();
update private.job_lease set user_ids = user_ids[2:] || null::uuid where started_at is not null;
select bag_eq('select side_table from side_table_fault', $$ values ('job_lease') $$, 'that a lease does not say whose one of them is would be found');
update private.job_lease set user_ids = array_replace(user_ids, null, tests.user_id('ann')) where started_at is not null;
select tests.side_tables_are_right();
delete from realtime.messages where topic = 'user_jobs:' || tests.user_id('bob');
select is(tests.complete(), '{}', 'they are completed at once');
select results_eq($$ select distinct worker_id, progress_percent::int, fencing_token > 1000000000000, seq, started_at is not null, completed_at is not null, runtime_seconds >= 0, result ? 'n'
  from public.job_queue where seq = 1 $$, $$ values ('w', 100, true, 1::bigint, true, true, true, true) $$, 'with all that a job says at its end, and its result');
select results_eq($$ select * from tests.told $$,
  $$ values ('job_status', 'completed', 1, 6, 6), ('user_jobs', 'pending', 0, 10, 0), ('user_jobs', 'completed', 1, 6, 6) $$,
  'their owner is told once, and misses no number');
select is(private.count_active_jobs(tests.user_id('ann')), 4, 'has as many fewer');
select is((select count(*)::int from private.job_lease where started_at is not null), 0, 'and the lease is over');
select tests.side_tables_are_right();
delete from realtime.messages;

-- Whoever asks makes it known, to owners, too.
select is(tests.take(3), 3, 'three');
select is(public.update_job_progress(id, 40, 'on', fencing_token), true, 'progress of one') from taken limit 1;
select results_eq($$ select topic, status, seq, times from tests.told where topic = 'job_status' $$,
  $$ values ('job_status', 'processing', 1, 3), ('job_status', 'processing', 2, 1) $$, 'tells the start of each, and then the progress');
select tests.side_tables_are_right();
select is(tests.complete(), '{}', 'their ends are told as ever');
select is((select sum(times)::int from tests.told where status = 'completed' and results = times), 6, 'once on each topic');
select tests.make(9);
select is(tests.take(5), 5, 'five');
create function tests.beat() returns int
language sql volatile
as $$
  select jsonb_array_length(public.heartbeat('w', jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', fencing_token)), 10, 5) -> 'held') from taken
$$;
select is(tests.beat(), 5, 'a heartbeat that comes at once holds them');
select is((select count(*)::int from public.job_queue where status = 'processing' and user_id = tests.user_id('ann')), 0, 'and need not make known what may be over in a moment');
update private.job_lease set started_at = started_at - interval '250 milliseconds' where started_at is not null;
select is(tests.beat(), 5, 'so does one that comes later');
select is((select count(*)::int from public.job_queue where status = 'processing' and user_id = tests.user_id('ann')), 5, 'and their owner sees that they run');

-- Some of all kinds in one call: each gets its own result.
select is(tests.take(2) + tests.take(2), 4, 'two claims more');
create temporary table asked as select * from taken;
select is((select count(*)::int from public.job_queue where status = 'pending' and id in (select id from asked)), 4, 'whose starts are not written');
select is(tests.complete(), '{}', 'are completed with those before them');
select is((select count(*)::int from asked join public.job_queue as job using (id) where job.result = jsonb_build_object('n', asked.place) and job.status = 'completed'), 9, 'each with its own result');
select tests.side_tables_are_right();

-- Who may not be left unwritten.
select tests.make(4, 'bob');
insert into public.job_queue (job_type, params, turn) values ('test_open', '{"of": "the system"}', 0);
select is(tests.take(3), 3, 'a job of the system among those of users');
select is((select count(*)::int from public.job_queue where status = 'processing'), 3, 'has them all written');
select tests.complete();
select is(tests.take(2, false), 2, 'a claim that may not defer');
select is((select count(*)::int from public.job_queue where status = 'processing'), 2, 'writes its starts');
select public.fail_job(id, 'no', p_retry_after => '0', p_fencing_token => fencing_token) from taken;
delete from taken;
select tests.make(3, 'bob');
select is(tests.take(4), 4, 'what has been started before');
select is((select count(*)::int from public.job_queue where status = 'processing'), 4, 'is written, with those beside it');
select tests.complete();

create temporary table parent as select tests.start_parent(5, 'bob') as id;
create temporary table child as select id from private.take_jobs('w', 3, '{test_child}', true);
select is((select count(*)::int from child join public.job_queue using (id) where status = 'processing'), 3, 'children are written');
select public.complete_job(id, null, tests.token(id)) from child;
select is((select completed from public.job_batch join parent on id = parent_job_id), 3, 'and their parent counts them');

-- Types that stand side by side in a priority: each has its own lease.
delete from taken;
delete from public.job_queue where true;
create function tests.take_both(p_count int) returns int
language sql volatile
as $$
  with got as (
    insert into taken (id, fencing_token)
    select id, fencing_token from private.take_jobs('w', p_count, '{test_open, test_other}', true) returning 1)
  select count(*)::int from got
$$;
select is((select count(tests.enqueue('ann', case when n % 2 = 0 then 'test_open' else 'test_other' end))::int from generate_series(1, 8) as n), 8, 'eight jobs of two types');
select is(tests.take_both(6), 6, 'of which six are taken');
select results_eq($$ select * from tests.statuses() $$, $$ values ('pending', 8) $$, 'say nothing yet');
select results_eq($$ select job_type, unsettled, cardinality(job_ids) from private.job_lease where started_at is not null order by job_type $$,
  $$ values ('test_open', 3, 3), ('test_other', 3, 3) $$, 'but stand in two leases');
select is((select count(*)::int from taken join public.job_queue using (id) join private.job_lease as lease on id = any(job_ids)
  where taken.fencing_token = 1000000000000 + lease_id and lease.job_type = job_queue.job_type), 6, 'each in that of its type');
select tests.side_tables_are_right();
select is(tests.complete(), '{}', 'they are completed');
select tests.enqueue('ann', 'test_other');
select is(tests.take_both(10), 3, 'a claim of all there is');
select is((select count(*)::int from public.job_queue where status = 'processing'), 3, 'is written');
select tests.complete();
select tests.side_tables_are_right();

-- Hands that know of none of this.
delete from taken;
delete from public.job_queue where true;
select tests.make(8, 'bob');
select is(tests.take(3), 3, 'three of eight');
update public.job_queue set job_priority = 4 where id = (select id from taken limit 1);
select is((select count(*)::int from public.job_queue where status = 'processing'), 3, 'what is moved by hand has its start written');
select tests.side_tables_are_right();
select tests.complete();
select is(tests.take(2), 2, 'two more');
update public.job_type set max_concurrency = 3 where name = 'test_open';
select is((select count(*)::int from private.job_running join taken on id = job_id), 2, 'count when their type gets its first limit');
update public.job_type set max_concurrency = null where name = 'test_open';
select tests.complete();
select is(tests.take(2), 2, 'two that are lost');
update private.job_lease set check_at = now() - interval '1 second' where started_at is not null;
select is((select count(*)::int from private.recover_lost_jobs() as lost where lost.status = 'pending'), 2, 'come back');
select is((select array_agg(distinct crash_count) from public.job_queue where status = 'pending' and id in (select id from taken)), '{1}', 'one crash later');
select tests.complete();

-- Accounts end.
delete from public.job_queue where true;
select tests.make(5, 'bob');
select is(tests.take(3), 3, 'three of five');
delete from auth.users where id = tests.user_id('bob');
select is(cardinality(tests.complete()), 3, 'are completed by nobody when their owner is gone');
select tests.side_tables_are_right();

select * from finish();
rollback;

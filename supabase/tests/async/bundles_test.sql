-- Jobs made together stand in bundles, and a start that nobody asks about is not written. Who holds what, whatever
-- happens, is asked at random in deferred_starts_test.ts; here is what each function does.
begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(76);

select tests.create_user('ann');
truncate public.job_queue;
update public.job_type set default_priority = 5 where name like 'test_%';

create function tests.make(p_count int, p_type text default 'test_internal', p_more jsonb default '{}') returns uuid[]
language sql volatile
as $$
  select array_agg(job_id order by ordinal) from public.create_jobs((
    select jsonb_agg(jsonb_build_object('job_type', p_type, 'params', jsonb_build_object('n', random())) || p_more)
    from generate_series(1, p_count)))
$$;
create temporary table taken (id uuid, fencing_token bigint, params jsonb, crash_count int);
create function tests.take(p_worker text, p_count int, p_types text[] default '{test_internal}') returns int
language sql volatile
as $$
  with got as (insert into taken select id, fencing_token, params, crash_count from private.take_jobs(p_worker, p_count, p_types, true) returning 1)
  select count(*)::int from got
$$;
create function tests.statuses() returns table (status text, jobs int)
language sql volatile as $$ select status, count(*)::int from public.job_queue group by 1 order by 1 $$;
create view tests.bundle as select job_type, job_priority::int, turn, jobs, cardinality(job_ids) as made from private.job_bundle order by bundle_id;
create view tests.deferred as select worker_id, unsettled, cardinality(job_ids) as jobs from private.job_lease where started_at is not null order by lease_id;

-- Nobody else's.
select tests.become_user('ann');
select throws_ok($$ select from private.job_bundle $$, '42501', null, 'users see no bundles');
select throws_ok($$ select private.take_bundled('w', null, 1, 10::smallint, 1) $$, '42501', null, 'nor take from them');
select throws_ok($$ select private.write_starts('{1}') $$, '42501', null, 'nor write starts');
select throws_ok($$ select private.complete_deferred(1, '{}') $$, '42501', null, 'nor complete anything');
select tests.become_anon();
select throws_ok($$ select private.take_jobs('w', 1, null, true) $$, '42501', null, 'nor does a stranger');
select tests.become_postgres();

-- How they come to stand.
select is(private.has_unwritten(), false, 'there is nothing yet');
select tests.make(19);
select is((select count(*)::int from private.job_bundle), 0, 'a few jobs have an entry each');
select tests.make(1001);
select results_eq($$ select jobs, made, turn - min(turn) over () from tests.bundle $$,
  $$ values (500, 500, 0::bigint), (500, 500, 500), (1, 1, 1000) $$, 'many stand in bundles of 500, one behind the other');
select is((select count(*)::int from private.job_waiting), 19, 'and have no entry of their own');
select is(private.has_unwritten(), true, 'has_unwritten() says so');
select tests.side_tables_are_right();
truncate public.job_queue;
select is((select count(*)::int from private.job_bundle), 0, 'a truncated queue has none');

update public.job_type set max_concurrency = 100 where name = 'test_other';
select tests.make(30, 'test_other');
select is((select count(*)::int from private.job_bundle), 0, 'nor has a type with a limit');
update public.job_type set max_concurrency = null where name = 'test_other';
delete from public.job_queue where true;

-- A claim that may defer.
create temporary table made as select tests.make(100) as ids;
select is(tests.take('w1', 30), 30, 'a claim takes the next of a bundle');
select results_eq($$ select id from taken order by id $$, $$ select unnest(ids[1:30]) from made order by 1 $$, 'the first of them');
select results_eq($$ select * from tests.statuses() $$, $$ values ('pending', 100) $$, 'and writes nothing to their rows');
select results_eq($$ select worker_id, unsettled, jobs from tests.deferred $$, $$ values ('w1', 30, 30) $$, 'only a lease');
select is((select count(distinct fencing_token)::int from taken where fencing_token > 1000000000000), 1, 'whose number is their token');
select results_eq($$ select jobs, made from tests.bundle $$, $$ values (70, 100) $$, 'the others wait');
select is((select min(turn) - (select (tests.job(ids[1])).turn from made) from tests.bundle), 30::bigint, 'behind where they stood');
select tests.side_tables_are_right();

-- Completed at once.
select is(private.complete_by_id(array_agg(id), array_agg(fencing_token)), '{}', 'complete_by_id() completes them')
from (select * from taken order by id limit 10) as few;
select results_eq($$ select * from tests.statuses() $$, $$ values ('completed', 10), ('pending', 90) $$, 'from pending to completed');
select results_eq($$ select distinct worker_id, progress_percent::int, fencing_token = (select max(fencing_token) from taken), seq, started_at is not null, completed_at is not null, runtime_seconds >= 0
  from public.job_queue where status = 'completed' $$, $$ values ('w1', 100, true, 2::bigint, true, true, true) $$, 'with all that a job says at its end');
select is((select cardinality(private.complete_by_id(array_agg(id), array_agg(fencing_token))) from (select * from taken order by id limit 10) as few), 10, 'once');
select is((select unsettled from tests.deferred), 20, 'the lease counts what is left');
select is(private.complete_by_id(array[ids[50]], array[(select max(fencing_token) from taken)]), array[ids[50]], 'a job of no such lease is refused') from made;
select is(private.complete_deferred(-1, ids[1:2]), '{}', 'nobody completes anything under a lease that is not there') from made;
select is((select is_deeply from (select cardinality(private.complete_by_id(array_agg(id), array_agg(fencing_token - 1))) = 20 as is_deeply
  from (select * from taken order by id offset 10) as few) as answer), true, 'nor under another token');

-- Whoever asks makes it known.
select is(public.update_job_progress((select max(id::text)::uuid from taken), 40, 'on', (select max(fencing_token) from taken)), true, 'progress is written');
select results_eq($$ select * from tests.statuses() $$, $$ values ('completed', 10), ('pending', 70), ('processing', 20) $$, 'with the starts of its lease');
select results_eq($$ select distinct worker_id, fencing_token = (select max(fencing_token) from taken), lease_expires_at > now(), started_at = slice_started_at
  from public.job_queue where status = 'processing' $$, $$ values ('w1', true, true, true) $$, 'as a claim writes them');
select is((select count(*)::int from tests.deferred), 0, 'the lease is an ordinary one');
select tests.side_tables_are_right();
select is(private.complete_by_id(array_agg(id), array_agg(fencing_token)), '{}', 'they are completed as ever') from (select * from taken order by id offset 10) as few;
delete from taken;

select is(tests.take('w1', 5), 5, 'another five');
update private.job_lease set started_at = started_at - interval '250 milliseconds' where started_at is not null;
select is((public.heartbeat('w1', (select jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', fencing_token)) from taken), 10, 5) -> 'held')::jsonb
  @> (select to_jsonb(array_agg(id)) from taken), true, 'a heartbeat holds what has lasted');
select is((select count(*)::int from public.job_queue where status = 'processing'), 5, 'and makes them known');
select is((select count(*)::int from public.fail_jobs((select jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', fencing_token, 'error_message', 'no')) from taken)) where status = 'pending'), 5, 'a failure counts');
delete from taken;
select is(tests.take('w2', 5), 5, 'and five');
select is(private.complete_by_id(array_agg(id), array_agg(fencing_token), jsonb_agg(jsonb_build_object('n', 1))), '{}', 'with results') from taken;
select is((select count(*)::int from public.job_queue where result = '{"n": 1}' and seq = 2), 5, 'which are kept');
select tests.side_tables_are_right();
delete from taken;

-- A worker that is lost.
select is(tests.take('w3', 5), 5, 'five for one that dies');
update private.job_lease set check_at = now() - interval '1 second' where started_at is not null;
select is((select count(*)::int from private.recover_lost_jobs() where status = 'pending'), 5, 'its jobs come back');
select results_eq($$ select distinct crash_count, fencing_token = (select max(fencing_token) + 1 from taken) from public.job_queue where id in (select id from taken) $$,
  $$ values (1, true) $$, 'one crash later');
select is((select cardinality(private.complete_by_id(array_agg(id), array_agg(fencing_token))) from taken), 5, 'and are its own no more');
update public.job_queue set crash_count = 0, crash_streak = 0 where crash_count = 1;
delete from taken;
select is(tests.take('w4', 10) - 5, 5, 'others take them, and more');
update private.job_lease set is_handed_over = true, check_at = now() - interval '1 second' where started_at is not null;
select is((select count(*)::int from private.recover_lost_jobs()), 5, 'what a worker was given and never heard of comes back');
select is((select count(*)::int from public.job_queue where crash_count > 0), 0, 'without a crash');
select tests.side_tables_are_right();

-- Who has to do with single jobs.
select is((select count(*)::int from public.claim_jobs('w5', 7, '{test_internal}') where status = 'processing' and worker_id = 'w5'), 7, 'claim_jobs() writes its starts');
delete from public.job_queue where true;
truncate made;
insert into made select tests.make(40);
select is(public.start_job(ids[7], 'by hand'), true, 'start_job() takes one out of the middle') from made;
select is((select count(*)::int from private.job_waiting), 39, 'the others have entries of their own then');
select tests.make(40);
delete from taken;
select is(tests.take('w6', 1000), 79, 'a claim takes both kinds');
select is(public.start_job(id, 'by hand'), false, 'what has been started is not started again') from taken order by fencing_token desc limit 1;
select tests.side_tables_are_right();
delete from public.job_queue where true;

select tests.make(30);
update public.job_type set max_concurrency = 3 where name = 'test_internal';
select is((select count(*)::int from private.job_bundle), 0, 'a first limit unfolds what waits');
select is(tests.take('w7', 10), 3, 'and is kept');
update public.job_type set max_concurrency = null where name = 'test_internal';
delete from public.job_queue where true;

select tests.make(30);
select is(tests.take('w8', 10), 10, 'ten are at work');
update public.job_type set name = 'test_renamed' where name = 'test_internal';
select is((select count(*)::int from private.job_waiting where job_type = 'test_renamed'), 20, 'a new name of the type unfolds what waits');
select is((select count(*)::int from public.job_queue where status = 'processing' and job_type = 'test_renamed'), 10, 'and writes what runs');
select tests.side_tables_are_right();
update public.job_type set name = 'test_internal' where name = 'test_renamed';
delete from public.job_queue where true;

-- Time and order; by chance a claim would look into later lanes first.
update private.job_setting set ageing_share = 0;
select tests.make(30);
update private.job_bundle set expires_at = now() - interval '1 second';
update public.job_queue set expires_at = now() - interval '1 second' where true;
select is((select count(*)::int from public.expire_stale_jobs()), 30, 'a bundle expires');
select tests.make(30), tests.make(30, 'test_internal', '{"priority": 2}');
delete from taken;
select is(tests.take('w9', 1), 1, 'one of two lanes');
select is((select (tests.job(id)).job_priority::int from taken), 2, 'is the first one''s');
insert into public.job_queue (job_type, job_priority, turn, params) select 'test_internal', 2, (tests.job(id)).turn + 3, '{"single": true}' from taken;
delete from taken;
select is(tests.take('w9', 3), 3, 'a job that stands between those of a bundle');
select results_eq($$ select count(*)::int from taken where params ? 'single' $$, $$ values (0) $$, 'waits for those before it');
select is(tests.take('w9', 1), 1, 'and for no others:');
select is((select count(*)::int from taken where params ? 'single'), 1, 'it comes next');
update public.job_type set is_paused = true where name = 'test_internal';
select is(tests.take('w9', 10), 0, 'a paused type is left alone');
select is(private.oldest_due_at(), null, 'and rings for nobody');
update public.job_type set is_paused = false where name = 'test_internal';
select is(private.oldest_due_at() <= now(), true, 'an open one does');
select cmp_ok((public.get_queue_health() ->> 'pending')::int, '>=', 54, 'health counts every job of a bundle');
select private.rebuild_side_tables();
select is((select count(*)::int from private.job_bundle), 0, 'rebuild_side_tables() knows single jobs only');
select tests.side_tables_are_right();

select * from finish();
rollback;

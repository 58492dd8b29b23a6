begin;
-- First, and in the tick's order: whoever meets what empties tables, or changes them, in the middle could deadlock.
lock table private.job_lease, private.job_waiting in access exclusive mode;
\ir ../helpers.psql
\ir jobs.psql
select plan(15);

select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
update public.job_type set max_per_user = 100 where name = 'test_open';
update private.job_cursor set turn = 500 where (job_type, job_priority) = ('test_open', 3);

-- A load without triggers: one job of every kind, and a hundred that wait.
alter table public.job_queue disable trigger user;
insert into public.job_queue (user_id, job_type, job_priority, turn, held_by, scheduled_for, expires_at)
select tests.user_id(case when n % 2 = 0 then 'ann' else 'bob' end), case when n % 3 = 0 then 'test_open' else 'test_other' end, 1 + n % 10,
  case when n % 7 <> 0 then n end, case when n % 14 = 0 then 'user_pause' end, now() + case when n % 7 = 0 then interval '1 hour' else '0' end, now() + interval '1 day'
from generate_series(1, 100) as n;
insert into public.job_queue (user_id, job_type, status, error_code, completed_at, progress_percent, worker_id, started_at, slice_started_at, lease_expires_at, cancel_requested_at)
select tests.user_id('ann'), type, status, 'X', case when status <> 'processing' then now() end, case when status = 'completed' then 100 else 0 end,
  worker, now(), case when status = 'processing' then now() end, case when status = 'processing' then now() + n * interval '1 second' end, now()
from unnest(array['processing', 'completed', 'failed', 'cancelled']) as status, unnest(array['test_open', 'test_other']) as type,
  unnest(array['w1', 'w2']) as worker, generate_series(1, 3) as n;
insert into public.job_queue (job_type, turn) values ('test_internal', 5);
insert into public.job_queue (user_id, job_type, parent_job_id, turn) select user_id, 'test_child', id, 1 from public.job_queue where status = 'processing' limit 5;
-- And what is left of something older.
insert into private.job_waiting (job_id, job_type, job_priority, turn, scheduled_for) values (gen_random_uuid(), 'test_open', 5, 1, now());
insert into private.job_active values (tests.user_id('ann'), gen_random_uuid());
insert into private.job_failure values (gen_random_uuid(), 'test_open', now());
alter table public.job_queue enable trigger user;
select set_eq('select distinct side_table from side_table_fault',
  $$ values ('job_waiting'), ('job_lease'), ('job_running'), ('job_active'), ('job_failure'), ('job_count') $$,
  'jobs loaded without triggers are nowhere else');

select private.rebuild_side_tables();
select tests.side_tables_are_right('rebuild_side_tables() puts them there, and nothing else; no cursor stands above one');
select is((select count(*)::int from private.job_waiting), 106, 'every job that waits has an entry');
select is((select count(*)::int from private.job_lease), 4, 'running jobs have one for each worker and type');
select is((select min(check_at) from private.job_lease), now() + interval '1 second', 'which is looked at when the first lease ends');
select is((select count(*)::int from private.job_running), 6, 'those of a limited type are counted');
select is((select count(*)::int from private.job_failure), 12, 'failures are listed');
select is(private.count_active_jobs(tests.user_id('bob')), 50, 'active jobs are');
select ok((select place < lead from (select place, lead(place) over (order by job_priority, turn, scheduled_for) from private.job_waiting where turn is not null) as lane
  where lead is not null order by lead - place limit 1), 'who came first stands first');
update public.job_queue set runtime_seconds = 3599.5 where id = (select id from public.job_queue where status = 'processing' and job_type = 'test_other' limit 1);
select private.rebuild_side_tables();
select tests.side_tables_are_right('a second time changes nothing, but for what will have worked too long before its lease ends');
select is((select count(*)::int from private.job_waiting), 106, 'and lists nothing twice');

-- The engine goes on from there.
select is((select count(*)::int from tests.claim('w3', 200)), 87, 'claim_jobs() takes what waits in line');
update public.job_queue set lease_expires_at = now() where worker_id = 'w1' and status = 'processing';
select is((select count(*)::int from public.detect_stuck_jobs()), 6, 'lost leases are found');
select tests.side_tables_are_right('all of which is followed');

select tests.become_service();
select throws_ok('select private.rebuild_side_tables()', '42501', null, 'the service cannot call it');

select * from finish();
rollback;

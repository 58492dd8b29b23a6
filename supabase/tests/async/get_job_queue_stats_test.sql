begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(12);

select tests.create_user('ann'), tests.create_user('bob');
select tests.enqueue('ann'), tests.enqueue('ann'), tests.enqueue('bob'), tests.enqueue('ann', 'test_other');
insert into public.job_queue (user_id, job_type, parent_job_id)
select user_id, 'test_internal', id from public.job_queue where user_id = tests.user_id('ann') and job_type = 'test_other';
select tests.claim('w1', 1, array['test_other']);
select public.complete_job(id, '{}', fencing_token) from public.job_queue where user_id = tests.user_id('ann') and job_type = 'test_other';
update public.job_queue set scheduled_for = now() - interval '100 seconds' where user_id = tests.user_id('ann') and job_type = 'test_open';
update public.job_queue set scheduled_for = now() - interval '500 seconds' where user_id = tests.user_id('bob');

create view tests.stats as select job_type, pending, processing, completed, failed, cancelled from public.get_job_queue_stats();
create view tests.stats_of_ann as select job_type, pending, processing, completed, failed, cancelled from public.get_job_queue_stats(tests.user_id('ann'));
alter view tests.stats set (security_invoker = true);
alter view tests.stats_of_ann set (security_invoker = true);
grant select on tests.stats, tests.stats_of_ann to public;

select tests.become_anon();
select throws_ok($$ select public.get_job_queue_stats() $$, '42501', null, 'anon sees no stats');

select tests.become_user('ann');
select set_eq($$ select * from tests.stats $$,
  $$ values ('test_open', 2, 0, 0, 0, 0), ('test_other', 0, 0, 1, 0, 0), ('test_internal', 1, 0, 0, 0, 0) $$,
  'get_job_queue_stats() counts the caller''s own jobs, children too');
select ok(oldest_pending_seconds between 100 and 200, 'and says how long the oldest has waited') from public.get_job_queue_stats() where job_type = 'test_open';
select is(oldest_pending_seconds, 0::double precision, 'nothing has waited where nothing waits') from public.get_job_queue_stats() where job_type = 'test_other';
select tests.become_user('bob');
select set_eq($$ select * from tests.stats_of_ann $$, $$ values ('test_open', 1, 0, 0, 0, 0) $$, 'a stranger gets their own by naming the owner');

select tests.become_service();
select results_eq($$ select pending, oldest_pending_seconds between 100 and 200 from public.get_job_queue_stats() where job_type = 'test_open' $$,
  $$ values (3::bigint, true) $$, 'the service sees everybody''s, and how long the first in line has waited');
select set_eq($$ select * from tests.stats_of_ann $$,
  $$ values ('test_open', 2, 0, 0, 0, 0), ('test_other', 0, 0, 1, 0, 0), ('test_internal', 1, 0, 0, 0, 0) $$, 'or a user''s, by name');

select tests.become_postgres();
select set_eq($$ select job_type, status, jobs from private.count_all_jobs() where job_type like 'test_%' $$,
  $$ select job_type, status, count(*) from public.job_queue where job_type like 'test_%' group by job_type, status $$, 'everybody''s are what there is, to the job');
update public.job_queue set turn = null where user_id in (tests.user_id('ann'), tests.user_id('bob'));
select is(oldest_pending_seconds, 0::double precision, 'what is not lined up is not waiting for a worker') from public.get_job_queue_stats() where job_type = 'test_open';
delete from public.job_queue where job_type = 'test_internal';
select is_empty($$ select from tests.stats where job_type = 'test_internal' $$, 'a type without jobs has no row');
select tests.become_user('ann');
select is((select count(*)::int from tests.stats), 2, 'nor in one''s own');
select tests.become_service();
select throws_ok($$ select private.roll_up_job_counts() $$, '42501', null, 'the service does not write the counters');

select * from finish();
rollback;

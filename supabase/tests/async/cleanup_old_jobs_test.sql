begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(21);

select tests.create_user('ann');
update public.job_type set retention = '1 day' where name = 'test_other';

-- A job of Ann's that ended (or not) some days ago; n names it.
create function tests.old_job(p_n int, p_days int, p_type text default 'test_open', p_status text default 'completed', p_parent int default null)
returns void
language sql volatile
as $$
  insert into public.job_queue (user_id, job_type, params, status, progress_percent, completed_at, cancel_requested_at,
    error_code, created_at, parent_job_id)
  select tests.user_id('ann'), p_type, jsonb_build_object('n', p_n), p_status,
    case when p_status = 'completed' then 100 else 0 end, case when p_status <> 'pending' then now() - make_interval(days => p_days) end,
    case when p_status = 'cancelled' then now() end, case when p_status = 'failed' then 'HANDLER_ERROR' end,
    now() - make_interval(days => p_days), (select id from public.job_queue where params = jsonb_build_object('n', p_parent));
  insert into public.job_batch (parent_job_id, total)
  select id, 1 from public.job_queue where params = jsonb_build_object('n', p_parent) on conflict do nothing;
$$;
create function tests.left_over() returns int[]
language sql volatile
as $$ select array_agg((params ->> 'n')::int order by (params ->> 'n')::int) from public.job_queue where user_id = tests.user_id('ann') $$;

select tests.old_job(1, 8), tests.old_job(2, 8, 'test_open', 'failed'), tests.old_job(3, 8, 'test_open', 'cancelled'),
  tests.old_job(4, 2), tests.old_job(5, 2, 'test_other'), tests.old_job(6, 9, 'test_open', 'pending');
select tests.become_user('ann');
select throws_ok($$ select public.cleanup_old_jobs() $$, '42501', null, 'users clean nothing up');

select tests.become_service();
select is(private.cleanup_old_jobs(1), 1, 'cleanup_old_jobs() keeps to its limit');
select is(public.cleanup_old_jobs(), 3, 'cleanup_old_jobs() says how many jobs went');
select tests.become_postgres();
select is(tests.left_over(), '{4,6}', 'those past their type''s retention are gone, however they ended');
select is(public.cleanup_old_jobs(), 0, 'nothing is left to clean up');

-- 10: a finished family of three generations. 20: its grandchild still waits. 30: itself still waits.
select tests.old_job(10, 8), tests.old_job(11, 8, 'test_open', 'completed', 10), tests.old_job(12, 8, 'test_open', 'failed', 11),
  tests.old_job(20, 8), tests.old_job(21, 8, 'test_open', 'completed', 20), tests.old_job(22, 8, 'test_open', 'pending', 21),
  tests.old_job(30, 8, 'test_open', 'pending'), tests.old_job(31, 8, 'test_open', 'completed', 30);
select is(public.cleanup_old_jobs(), 3, 'children go with their parent, and are counted');
select is(tests.left_over(), '{4,6,20,21,22,30,31}', 'a family that has an active job stays as a whole');
select is((select count(*)::int from public.job_batch where parent_job_id not in (select id from public.job_queue)), 0, 'batches go with their job');
update public.job_queue set status = 'completed', progress_percent = 100, completed_at = now() where params in ('{"n": 22}', '{"n": 30}');
select is(public.cleanup_old_jobs(), 3, 'it goes when its last job has ended');
select is(tests.left_over(), '{4,6,30,31}', 'a child stays as long as its parent');

-- Deleted by whoever may: the trigger keeps what foreign keys kept.
select tests.old_job(40, 1), tests.old_job(41, 1, 'test_other', 'pending', 40), tests.old_job(42, 1, 'test_open', 'pending', 41);
delete from public.job_queue where params = '{"n": 40}';
select is(tests.left_over(), '{4,6,30,31}', 'what hangs on a deleted job goes with it, down to the last generation');
select is((select count(*)::int from public.job_batch where parent_job_id not in (select id from public.job_queue)), 0, 'and its batches');
select set_eq($$ select job_type, status, jobs from private.count_all_jobs() where job_type like 'test_%' $$,
  $$ select job_type, status, count(*) from public.job_queue where job_type like 'test_%' group by 1, 2 $$, 'and it is no longer counted');
delete from auth.users where id = tests.user_id('ann');
select is(tests.left_over(), null, 'a user takes all jobs along');
select is((select count(*)::int from public.job_batch where parent_job_id not in (select id from public.job_queue)), 0, 'and all batches');


-- More than may go at once.
truncate public.job_queue;
insert into public.job_queue (job_type, params, status, progress_percent, completed_at, created_at)
select 'test_open', jsonb_build_object('n', n), 'completed', 100, now() - interval '9 days', now() - make_interval(days => n)
from generate_series(9, 15) as n;
create function tests.ages_left() returns int[]
language sql volatile
as $$ select array_agg((params ->> 'n')::int order by (params ->> 'n')::int) from public.job_queue $$;
select is(private.cleanup_old_jobs(2), 2, 'of more jobs than may go, as many go as may');
select is(tests.ages_left(), '{9,10,11,12,13}', 'the oldest first');
update public.job_queue set created_at = now() - interval '20 days';
select is(private.cleanup_old_jobs(3), 3, 'also where all are of one age');
select is(private.cleanup_old_jobs(0), 0, 'none where none may go');

-- Among many families: a plan that goes by the hash of the jobs' ids would delete each on another page.
truncate public.job_queue;
insert into public.job_queue (job_type, params, status, progress_percent, completed_at, created_at)
select 'test_open', jsonb_build_object('n', n), 'completed', 100, now() - interval '9 days', now() - interval '9 days'
from generate_series(1, 1000) as n;
insert into public.job_batch (parent_job_id, total) select gen_random_uuid(), 1 from generate_series(1, 5000);
analyze public.job_queue, public.job_batch;
create table tests.gone (place int generated always as identity, n int);
create function tests.note_gone() returns trigger
language plpgsql volatile security definer
as $$ begin insert into tests.gone (n) values ((old.params ->> 'n')::int); return old; end $$;
create trigger note_gone before delete on public.job_queue for each row execute function tests.note_gone();
select private.cleanup_old_jobs();
select results_eq('select n from tests.gone order by place', 'select * from generate_series(1, 1000)',
  'among many families jobs are deleted page by page, in the order they lie in');

select tests.side_tables_are_right();
select * from finish();
rollback;

begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(5);

select tests.create_user('ann');
update public.job_type set retention = '1 day' where name = 'test_other';
insert into public.job_queue (user_id, job_type, status, progress_percent, completed_at, created_at)
select tests.user_id('ann'), type, 'completed', 100, now() - age, now() - age
from (values ('test_open', interval '8 days'), ('test_open', interval '2 days'), ('test_other', interval '2 days')) as old (type, age);
insert into public.job_queue (user_id, job_type, parent_job_id, status, progress_percent, completed_at)
select user_id, 'test_open', id, 'completed', 100, completed_at from public.job_queue
where user_id = tests.user_id('ann') and job_type = 'test_other';
insert into public.job_queue (user_id, job_type, created_at) values (tests.user_id('ann'), 'test_open', now() - interval '9 days');

select tests.become_user('ann');
select throws_ok($$ select public.cleanup_old_jobs() $$, '42501', null, 'users clean nothing up');

select tests.become_service();
select is(private.cleanup_old_jobs(1), 1, 'cleanup_old_jobs() keeps to its limit');
select cmp_ok(public.cleanup_old_jobs(), '>=', 1, 'cleanup_old_jobs() says how many jobs went');
select results_eq($$ select job_type, status from public.job_queue where user_id = tests.user_id('ann') order by status $$,
  $$ values ('test_open', 'completed'), ('test_open', 'pending') $$, 'those past their type''s retention, and their children, are gone');
select is(private.cleanup_old_jobs(1000), 0, 'nothing is left to clean up');

select * from finish();
rollback;

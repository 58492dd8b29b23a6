begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(13);

select tests.create_user('ann');
create temporary table job as select tests.enqueue('ann') as id;
grant select on job to public;

select tests.become_user('ann');
select throws_ok($$ select public.update_job_progress(id, 1) from job $$, '42501', null, 'users report no progress');

select tests.become_service();
select is(public.update_job_progress(id, 1, 'x', 0), false, 'a pending job has no progress') from job;
select tests.claim('w1');
select ok(public.update_job_progress(id, 40, 'forty', 1), 'update_job_progress() writes under the token') from job;
select results_eq($$ select progress_percent::int, progress_message, seq from job, tests.job(id) as it $$,
  $$ values (40, 'forty', 2::bigint) $$, 'percent and message are stored, and the owner is told');
select ok(public.update_job_progress(id, 30, null, 1), 'a lower percentage is no error') from job;
select results_eq($$ select progress_percent::int, progress_message, seq from job, tests.job(id) as it $$,
  $$ values (40, 'forty', 2::bigint) $$, 'but progress never goes back, and nothing new is no news');
select ok(public.update_job_progress(id, null, 'still forty', 1), 'a message may come alone') from job;
select results_eq($$ select progress_percent::int, progress_message, seq from job, tests.job(id) as it $$,
  $$ values (40, 'still forty', 3::bigint) $$, 'and is told');
select ok(public.update_job_progress(id, 250, null, 1), 'too much progress') from job;
select is((tests.job(id)).progress_percent::int, 100, 'counts as all of it') from job;
select is(public.update_job_progress(id, 99, 'x', 2), false, 'update_job_progress() refuses another token') from job;

select tests.become_postgres();
create temporary table hot as select pg_stat_get_xact_tuples_hot_updated('public.job_queue'::regclass) as before;
select public.update_job_progress(id, null, 'line ' || n, 1) from job, generate_series(1, 5) as n;
select is(pg_stat_get_xact_tuples_hot_updated('public.job_queue'::regclass) - before, 5::bigint, 'progress updates touch no index') from hot;

select tests.side_tables_are_right();
select * from finish();
rollback;

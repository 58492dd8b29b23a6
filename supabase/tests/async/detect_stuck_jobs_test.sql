begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(15);

select tests.create_user('ann');
create temporary table job as select tests.enqueue('ann') as lost, tests.enqueue('ann') as held, tests.enqueue('ann') as worn;
grant select on job to public;

select tests.become_user('ann');
select throws_ok($$ select public.detect_stuck_jobs() $$, '42501', null, 'users detect no stuck jobs');

select tests.become_service();
select tests.claim('w1', 3);
select is((select count(*)::int from public.detect_stuck_jobs(), job where job_id in (lost, held, worn)), 0,
  'detect_stuck_jobs() leaves live leases alone');
select tests.run_out(lost), tests.run_out(worn) from job;
select tests.become_postgres();
update public.job_queue set crash_count = 2, crash_streak = 2 from job where id = worn;
select tests.become_service();
select results_eq($$ select s.job_id, s.status, s.error_code from public.detect_stuck_jobs() as s, job where s.job_id in (lost, held, worn) order by 2 desc $$,
  $$ select lost, 'pending', null from job union all select worn, 'failed', 'WORKER_LOST' from job $$,
  'detect_stuck_jobs() gives lost jobs back, or ends them, and says which');
select is((tests.job(lost)).crash_count, 1, 'a lost lease is a crash') from job;
select is((tests.job(lost)).retry_count, 0, 'and no retry') from job;
select is(public.update_job_progress(held, 5, null, 1), true, 'the worker that is alive goes on') from job;
select is(public.update_job_progress(lost, 5, null, 1), false, 'the worker that was lost does not') from job;

-- Everything was down over night.
select tests.become_postgres();
select tests.claim('w2');
update public.job_queue set slice_started_at = now() - interval '9 hours', lease_expires_at = now() - interval '8 hours 59 minutes',
  expires_at = now() - interval '1 minute' from job where id = lost;
select is((select s.status from public.detect_stuck_jobs() as s, job where s.job_id = lost), 'pending',
  'an outage longer than max_runtime ends no job');
select is((tests.job(lost)).runtime_seconds, 60::double precision, 'only the time under a lease was worked') from job;
select is((select array_agg(id) from tests.claim('w2')), array[lost], 'nor does a job that was started in time expire') from job;

-- Progress is a promise about the work that is left.
create temporary table progressed as select tests.enqueue('ann') as fresh, tests.enqueue('ann') as kept;
grant select on progressed to public;
select tests.claim('w3', 2);
select public.update_job_progress(fresh, 40, null, tests.token(fresh)),
  public.save_job_checkpoint(kept, tests.token(kept), '{"page": 2}', 40) from progressed;
update public.job_queue set slice_started_at = now() - interval '30 seconds' from progressed where id in (fresh, kept);
select results_eq($$ select (tests.job(fresh)).progress_percent::int, (tests.job(kept)).progress_percent::int from progressed $$,
  $$ values (40, 40) $$, 'two jobs are at 40 percent');
select tests.run_out(fresh), tests.run_out(kept) from progressed;
select count(*) from public.detect_stuck_jobs();
select results_eq($$ select progress_percent::int, progress_base_seconds = runtime_seconds and runtime_seconds > 28 from progressed, tests.job(fresh) $$,
  $$ values (0, true) $$, 'a lost job without a checkpoint starts over, and its pace is measured from there');
select results_eq($$ select progress_percent::int, progress_base_seconds from progressed, tests.job(kept) $$,
  $$ values (40, 0::double precision) $$, 'a lost job with a checkpoint goes on from it');
update public.job_queue set crash_count = 2, crash_streak = 2 from progressed where id = fresh;
select tests.claim('w4', 2);
select public.update_job_progress(fresh, 70, null, tests.token(fresh)) from progressed;
select tests.run_out(fresh) from progressed;
select count(*) from public.detect_stuck_jobs();
select is((tests.job(fresh)).progress_percent::int, 70, 'a job that is given up shows how far it came') from progressed;

select tests.side_tables_are_right();
select * from finish();
rollback;

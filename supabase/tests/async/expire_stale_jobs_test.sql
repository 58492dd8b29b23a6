begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(8);

select tests.create_user('ann');
create temporary table job as select tests.enqueue('ann', 'test_open', 5) as stale, tests.enqueue('ann', 'test_open', 6) as fresh, tests.enqueue('ann', 'test_other') as running;
grant select on job to public;
select tests.claim('w1', 1, array['test_other']);
update public.job_queue set expires_at = now() - interval '1 second' from job where id in (stale, running);

select tests.become_user('ann');
select throws_ok($$ select public.expire_stale_jobs() $$, '42501', null, 'users expire no jobs');

select tests.become_service();
select results_eq($$ select e.job_id, e.job_type from public.expire_stale_jobs() as e, job where e.job_id in (stale, fresh, running) $$,
  $$ select stale, 'test_open' from job $$, 'expire_stale_jobs() says which jobs waited too long');
select results_eq($$ select status, error_code, completed_at, seq from job, tests.job(stale) as it $$,
  $$ values ('failed', 'EXPIRED', now(), 1::bigint) $$, 'they fail as EXPIRED');
select is((tests.job(fresh)).status, 'pending', 'others wait on') from job;
select is((tests.job(running)).status, 'processing', 'a running job does not expire') from job;

select tests.become_postgres();
create temporary table waiting as select tests.enqueue('ann') as parent, tests.enqueue('ann') as capped;
update public.job_queue set turn = null, expires_at = now() - interval '1 second', held_by = case id when parent then 'children' else 'user_cap' end
from waiting where id in (parent, capped);
select results_eq($$ select e.job_id from public.expire_stale_jobs() as e, waiting where e.job_id in (parent, capped) $$,
  $$ select capped from waiting $$, 'what was put aside expires; a parent that waits for its children does not');
select is((tests.job(capped)).held_by, null, 'and is held by nothing any more') from waiting;

select tests.side_tables_are_right();
select * from finish();
rollback;

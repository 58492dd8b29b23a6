begin;
-- First, and in the tick's order: whoever meets what empties tables, or changes them, in the middle could deadlock.
lock table private.job_lease, private.job_waiting in access exclusive mode;
\ir ../helpers.psql
\ir jobs.psql

-- Whatever is done to jobs, and by whom, is followed by a look at everything that is kept beside them.
create function tests.after(p_what text, p_statement text) returns setof text
language plpgsql volatile as $$
declare
  v_rows int;
begin
  execute p_statement;
  get diagnostics v_rows = row_count;
  return next cmp_ok(v_rows, '>', 0, p_what || ': something is done');
  return next tests.side_tables_are_right(p_what || ': the side tables say what the jobs say');
end
$$;
create function tests.count_of(p_table regclass) returns int
language plpgsql volatile as $$
declare
  v_count int;
begin
  execute format('select count(*) from %s', p_table) into v_count;
  return v_count;
end
$$;
select plan(125);

select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
-- One type with limits, one without.
update public.job_type set max_per_user = 3 where name = 'test_open';
create temporary table named (name text primary key, id uuid);
create function tests.named(p_name text) returns uuid language sql stable as $$ select id from named where name = p_name $$;
create function tests.named_token(p_name text) returns bigint language sql volatile as $$ select tests.token(tests.named(p_name)) $$;

-- That a fault would be found is shown once, table by table.
insert into named values ('probe', tests.enqueue('ann'));
delete from private.job_waiting where job_id = tests.named('probe');
insert into private.job_active values (tests.user_id('ann'), tests.named('probe'));
select set_eq('select side_table from side_table_fault', $$ values ('job_waiting'), ('job_active') $$, 'a pending job that nothing knows of is found, and what does not run');
select private.rebuild_side_tables();
select tests.side_tables_are_right('and put right');
update private.job_waiting set turn = turn + 1;
update private.job_cursor set turn = 1000000 where (job_type, job_priority) = ('test_open', 5);
select bag_eq('select side_table from side_table_fault', $$ values ('job_waiting'), ('job_waiting'), ('job_cursor') $$, 'so are an entry that says something else, and a cursor above it');
select private.rebuild_side_tables();
select tests.claim('w', 1);
update private.job_lease set check_at = check_at + interval '1 second';
update private.job_running set user_id = tests.user_id('bob');
delete from private.job_active;
select bag_eq('select side_table from side_table_fault', $$ values ('job_lease'), ('job_running'), ('job_running'), ('job_active') $$,
  'a running job that is looked at too late, or counted for another, or for nobody');
select private.rebuild_side_tables();
select public.fail_job(tests.named('probe'), 'no', 'NO', false, null, tests.named_token('probe'));
delete from private.job_failure;
update private.job_count_change set change = change + 1;
select set_eq('select side_table from side_table_fault', $$ values ('job_failure'), ('job_count') $$, 'a failure that is not listed, and a wrong count');
delete from public.job_queue;
select private.rebuild_side_tables();

-- Creating
select tests.after('create_job()', $$ insert into named values ('a', tests.enqueue('ann')), ('b', tests.enqueue('ann', 'test_other')), ('c', tests.enqueue('bob')) $$);
select tests.after('a system job', $$ insert into named select 's', job_id from private.find_or_create_job(null, 'test_internal', '{}') $$);
select tests.after('a job for later', $$ insert into named select 'later', job_id
  from private.find_or_create_job(tests.user_id('ann'), 'test_open', '{"l": 1}', p_scheduled_for => now() + interval '1 hour') $$);
select tests.after('create_jobs()', $$ select * from public.create_jobs((
  select jsonb_agg(jsonb_build_object('job_type', case when n % 2 = 0 then 'test_open' else 'test_other' end, 'params', jsonb_build_object('n', n),
    'user_id', case when n % 3 = 0 then tests.user_id('bob') end, 'delay_ms', case when n % 5 = 0 then 60000 end, 'priority', 1 + n % 10))
  from generate_series(1, 20) as n)) $$);
select tests.after('jobs that were born in another state', $$ insert into public.job_queue (user_id, job_type, status, error_code, completed_at, progress_percent,
    worker_id, started_at, slice_started_at, lease_expires_at, cancel_requested_at)
  select tests.user_id('bob'), 'test_open', status, 'X', case when status <> 'processing' then now() end, case when status = 'completed' then 100 else 0 end,
    'w', now(), case when status = 'processing' then now() end, case when status = 'processing' then now() + interval '1 minute' end, now()
  from unnest(array['processing', 'completed', 'failed', 'cancelled']) as status $$);

-- Claiming and starting
select tests.after('claim_jobs()', $$ select tests.claim('w1', 5) $$);
select tests.after('claim_jobs() of another worker', $$ select tests.claim('w2', 100) $$);
select tests.after('start_job()', $$ select public.start_job(tests.enqueue('bob', 'test_cached'), 'classic') $$);
select cmp_ok(tests.count_of('private.job_running'), '>', 0, 'running jobs of a limited type are listed');
select is((select count(*)::int from private.job_running where job_type <> 'test_open'), 0, 'and of no other');

-- Writing while it runs
select tests.after('update_job_progress()', $$ select public.update_job_progress(tests.named('a'), 30, 'on', tests.named_token('a')) $$);
select tests.after('save_job_checkpoint()', $$ select public.save_job_checkpoint(tests.named('a'), tests.named_token('a'), '{"p": 1}') $$);
select tests.after('heartbeat()', $$ select public.heartbeat('w1', jsonb_build_array(jsonb_build_object('job_id', tests.named('a'), 'fencing_token', tests.named_token('a'))), 10, 1) $$);
select tests.after('a lease that is cut short by hand', $$ update public.job_queue set lease_expires_at = now() + interval '1 second' where id = tests.named('a') $$);
select tests.after('an attempt that is made older by hand', $$ update public.job_queue set slice_started_at = now() - interval '59 minutes 59.5 seconds',
  started_at = now() - interval '1 hour' where id = tests.named('b') $$);
select tests.after('runtime that is added by hand', $$ update public.job_queue set runtime_seconds = 3599.8 where id = tests.named('c') $$);

-- Ending
select tests.after('complete_job()', $$ select public.complete_job(tests.named('a'), '{"n": 1}', tests.named_token('a')) $$);
select tests.after('fail_job(), to be retried', $$ select public.fail_job(tests.named('b'), 'later', p_fencing_token => tests.named_token('b')) $$);
select tests.after('fail_job(), to be retried at once', $$ select public.fail_job(tests.named('c'), 'again', p_retry_after => '0', p_fencing_token => tests.named_token('c')) $$);
select tests.after('the claim of that', $$ select tests.claim('w3', 10) $$);
update public.job_queue set retry_count = 3 where id = tests.named('c');
select tests.after('fail_job(), for good', $$ select public.fail_job(tests.named('c'), 'no', p_fencing_token => tests.named_token('c')) $$);
select tests.after('yield_job()', $$ select public.yield_job(tests.named('s'), tests.named_token('s'), '{"page": 2}') $$);
select tests.claim('w3', 10, array['test_internal']);
select tests.after('a snooze', $$ select public.yield_job(tests.named('s'), tests.named_token('s'), null, '1 hour') $$);
select tests.after('its time comes', $$ update public.job_queue set scheduled_for = now() where id = tests.named('s') $$);
select tests.after('promote_due_jobs()', $$ select private.promote_due_jobs() $$);
select tests.after('cancel_job() of one that waits', $$ select public.cancel_job(tests.named('s')) $$);
select tests.after('cancel_job() of one that runs', $$ select public.cancel_job(id) from public.job_queue where status = 'processing' limit 1 $$);
select tests.after('retry_job() of a failed one', $$ select public.retry_job(tests.named('c')) $$);
select tests.after('retry_job() of a cancelled one', $$ select public.retry_job(tests.named('s')) $$);
update public.job_queue set expires_at = now() - interval '1 second' where id = tests.named('c');
select tests.after('expire_stale_jobs()', $$ select public.expire_stale_jobs() $$);
select tests.after('retry_failed_jobs()', $$ select public.retry_failed_jobs() $$);
select tests.after('lost leases', $$ update public.job_queue set lease_expires_at = now() where status = 'processing' and job_type <> 'test_open' $$);
select tests.after('detect_stuck_jobs()', $$ select public.detect_stuck_jobs() $$);
update public.job_queue set lease_expires_at = now(), crash_count = 2, crash_streak = 2 where id = (select id from public.job_queue where status = 'processing' limit 1);
select tests.after('detect_stuck_jobs() at the cap of crashes', $$ select public.detect_stuck_jobs() $$);

-- Holding and letting go
select tests.after('pause_user_jobs()', $$ select public.pause_user_jobs(tests.user_id('ann')) $$);
select cmp_ok((select count(*) from private.job_waiting where held_by = 'user_pause'), '>', 0::bigint, 'something is held');
select tests.after('resume_user_jobs()', $$ select public.resume_user_jobs(tests.user_id('ann')) $$);
insert into public.job_queue (user_id, job_type, turn) select tests.user_id('ann'), 'test_open', 0 from generate_series(1, 100);
select tests.after('a crowd at its cap is put aside', $$ select tests.claim('w4', 20), tests.claim('w4', 20) $$);
select cmp_ok((select count(*) from private.job_waiting where held_by = 'user_cap'), '>', 0::bigint, 'something is put aside');
select tests.after('slots become free', $$ select public.complete_jobs((select jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', fencing_token))
  from public.job_queue where status = 'processing' and user_id = tests.user_id('ann'))) $$);
select tests.after('and are filled from those', $$ select tests.claim('w5', 2) $$);
select tests.after('one put aside is started by hand', $$ select public.start_job(job_id, 'classic') from private.job_waiting where held_by = 'user_cap' limit 1 $$);

-- Limits that come and go
select tests.after('a type without a limit gets one', $$ update public.job_type set max_concurrency = 50 where name = 'test_other' $$);
select tests.after('a type loses its limits', $$ update public.job_type set max_per_user = null where name = 'test_open' $$);
select tests.after('and jobs of it end', $$ select public.complete_jobs((select jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', fencing_token))
  from public.job_queue where status = 'processing')) $$);
select is(tests.count_of('private.job_running'), 0, 'nothing runs');

-- Failures that are over
select tests.after('failed jobs are retried, completed and deleted', $$ with failed as materialized (
    select failure.job_id, public.retry_job(failure.job_id) from private.job_failure as failure
  )
  select * from failed, public.start_job(failed.job_id, 'classic'), public.complete_job(failed.job_id) $$);
select is(tests.count_of('private.job_failure'), 0, 'no failure is listed');

-- Parents and children
delete from public.job_queue where user_id = tests.user_id('ann');
select tests.side_tables_are_right('an owner''s jobs are deleted');
select tests.after('create_child_jobs()', $$ insert into named select 'parent ' || n, tests.start_parent(3) from generate_series(1, 2) as n $$);
select tests.after('wait_for_children()', $$ select public.wait_for_children(tests.named('parent 1'), tests.named_token('parent 1')),
  public.wait_for_children(tests.named('parent 2'), tests.named_token('parent 2'), 'fail_fast') $$);
select tests.after('a child completes', $$ select tests.end_child(tests.named('parent 1'), 'c1', 'completed') $$);
select tests.after('children end, and so does the parent', $$ select tests.end_child(tests.named('parent 1'), 'c2', 'failed'), tests.end_child(tests.named('parent 1'), 'c3', 'cancelled') $$);
select is((tests.job(tests.named('parent 1'))).status, 'completed', 'it is completed');
select tests.after('a child fails its parent', $$ select tests.end_child(tests.named('parent 2'), 'c1', 'failed') $$);
select is((tests.child(tests.named('parent 2'), 'c2')).status, 'cancelled', 'and its siblings are cancelled');
select tests.after('a batch is retried', $$ select public.retry_job(tests.named('parent 2')) $$);
select tests.after('sweep_batches() runs', $$ select private.sweep_batches() $$);

-- Many at once, by hand
select tests.after('everything is cancelled in one statement', $$ update public.job_queue set status = 'cancelled', cancel_requested_at = now(), completed_at = now(),
  lease_expires_at = null, slice_started_at = null, held_by = null where completed_at is null $$);
select is(tests.count_of('private.job_waiting') + tests.count_of('private.job_active'), 0, 'nothing waits and nothing is active');

-- Every status becomes every other one that it can, in one statement.
insert into public.job_type (name, category, description, max_concurrency) values ('test_mixed', 'maintenance', 'Is mixed.', 1000);
insert into public.job_queue (user_id, job_type, status, error_code, completed_at, progress_percent, worker_id, started_at, slice_started_at,
  lease_expires_at, cancel_requested_at, retry_count)
select tests.user_id('ann'), 'test_mixed', status, 'X', case when status in ('failed', 'cancelled') then now() end, 0, case when status = 'processing' then 'w' end,
  case when status = 'processing' then now() end, case when status = 'processing' then now() end, case when status = 'processing' then now() + interval '1 minute' end,
  now(), n
from unnest(array['pending', 'processing', 'failed', 'cancelled']) as status, generate_series(0, 3) as n;
select tests.after('everything becomes everything', $$ update public.job_queue as job set status = next.status,
    completed_at = case when next.status in ('failed', 'cancelled') then now() end, worker_id = case when next.status = 'processing' then 'w' end,
    started_at = now(), slice_started_at = case when next.status = 'processing' then now() end,
    lease_expires_at = case when next.status = 'processing' then now() + interval '1 minute' end
  from (
    select id, case when old.completed_at is not null and possible.status in ('failed', 'cancelled') then old.status else possible.status end as status
    from public.job_queue as old
    cross join lateral (
      select (array['pending', 'processing', 'failed', 'cancelled'])[1 + (
        array_position(array['pending', 'processing', 'failed', 'cancelled'], old.status) + old.retry_count) % 4] as status) as possible
  ) as next
  where job.id = next.id and job.job_type = 'test_mixed' $$);
delete from public.job_queue where job_type = 'test_mixed';

-- Names, ends
select tests.enqueue('bob'), tests.enqueue('bob', 'test_other'), tests.claim('w6', 1, array['test_other']);
select tests.after('types are renamed', $$ update public.job_type set name = name || '_2' where name in ('test_open', 'test_other') $$);
select tests.after('jobs are deleted', $$ delete from public.job_queue where job_type = 'test_open_2' $$);
select tests.after('an account is deleted', $$ delete from auth.users where id = tests.user_id('bob') $$);
select tests.enqueue('ann', 'test_cached');
truncate public.job_queue;
select tests.side_tables_are_right('whatever was done, the side tables say what the jobs say');
select is((select sum(tests.count_of(name::regclass))::int
  from unnest('{private.job_waiting,private.job_lease,private.job_running,private.job_active,private.job_failure}'::text[]) as name), 0, 'nothing is left beside it');

select * from finish();
rollback;

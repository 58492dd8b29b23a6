begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(23);

select tests.create_user('ann');
delete from public.job_worker where true;
delete from public.job_queue where true;
delete from vault.secrets where name in ('project_url', 'automation_key');
select vault.create_secret('http://project.invalid', 'project_url'), vault.create_secret('sv_automation_test', 'automation_key');
update private.job_tick set ticked_at = null, rang_at = null, worked_at = null where id;

select is(private.process_background_jobs(), 'idle', 'the tick does nothing when nothing waits');
select results_eq($$ select ticked_at is not null, rang_at is not null, worked_at is not null from private.job_tick $$,
  $$ values (true, false, false) $$, 'and says that it was there');

create temporary table job as select tests.enqueue('ann') as id;
delete from net.http_request_queue where true;
select is(private.process_background_jobs(), 'rang', 'the tick rings when due work waits');
select is((select count(*)::int from net.http_request_queue), 1, 'once');
select public.heartbeat('tests-w1', '[]', 4, 0);
select is(private.process_background_jobs(), 'rang', 'even if a worker looks idle, since it may have died');
update public.job_type set is_paused = true where name = 'test_open';
select is(private.process_background_jobs(), 'idle', 'the tick does not ring for a paused type');
update public.job_type set is_paused = false where name = 'test_open';

select tests.claim('w1');
select is(private.process_background_jobs(), 'idle', 'the tick does not ring for a running job');
select tests.run_out(id) from job;
select is(private.process_background_jobs(), 'rang', 'the tick takes a job from a dead worker and rings for it');
select is((tests.job(id)).status, 'pending', 'which is pending again') from job;
select ok(worked_at is not null, 'and is remembered as work') from private.job_tick;

update public.job_worker set heartbeat_at = now() - interval '2 minutes' where worker_id = 'tests-w1';
select private.process_background_jobs();
select is((select count(*)::int from public.job_worker), 0, 'the tick forgets workers that are long silent');
-- What only waits for a limit is no reason to ring.
update public.job_type set max_concurrency = 0 where name = 'test_open';
select is(private.process_background_jobs(), 'idle', 'the tick does not ring for a type that is at its cap');
update public.job_type set max_concurrency = null, rate_limit = 0 where name = 'test_open';
select is(private.process_background_jobs(), 'idle', 'nor for one that is at its rate');
update public.job_type set rate_limit = null where name = 'test_open';

-- It remembers its calls, and how they were answered.
update private.job_tick set ring_ids = '{}' where true;
select is(private.last_ring_status(), null, 'no answer is known before the first call');
delete from net.http_request_queue where true;
select private.process_background_jobs() from generate_series(1, 4);
select results_eq($$ select ring_ids from private.job_tick $$,
  $$ select (array_agg(id order by id desc))[1:3] from net.http_request_queue $$, 'the tick remembers its last three calls');
insert into net._http_response (id, status_code, created) select ring_ids[2], 401, clock_timestamp() from private.job_tick;
select is(private.last_ring_status(), 401, 'the newest answer counts, while the last call waits for its own');
select public.cancel_job(id) from job;
select is(private.process_background_jobs(), 'rang', 'after a refusal the tick asks again, though nothing is due');
insert into net._http_response (id, status_code, created) select ring_ids[1], 202, clock_timestamp() from private.job_tick;
select is(private.process_background_jobs(), 'idle', 'until it is accepted');
select tests.enqueue('ann');

set local client_min_messages = error;
delete from vault.secrets where name = 'automation_key';
select is(private.process_background_jobs(), 'failed', 'the tick survives a missing secret');

update private.job_tick set worked_at = null;
update public.job_queue set turn = null where status = 'pending';
select private.process_background_jobs();
select ok(worked_at is not null, 'lining up a job whose time has come is work') from private.job_tick;

-- A part that fails.
create or replace function private.sweep_batches() returns int language plpgsql volatile set search_path = '' as $$
begin
  perform 1 / 0;
  return 0;
end
$$;
update private.job_tick set worked_at = null, ticked_at = null;
update public.job_queue set turn = null where status = 'pending';
select isnt(private.process_background_jobs(), 'idle', 'a fault in sweeping batches keeps the tick from nothing else');
select ok(worked_at is not null and ticked_at is not null, 'what it did before stands') from private.job_tick;

select tests.side_tables_are_right();
select * from finish();
rollback;

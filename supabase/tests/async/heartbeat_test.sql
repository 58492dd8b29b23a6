begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(28);

select tests.create_user('ann');
create temporary table job as select tests.enqueue('ann') as held, tests.enqueue('ann', 'test_other') as lost;
grant select on job to public;

select tests.become_user('ann');
select throws_ok($$ select public.heartbeat('w', '[]', 1, 0) $$, '42501', null, 'users have no heartbeat');
select throws_ok($$ select public.unregister_worker('w') $$, '42501', null, 'users unregister no worker');

select tests.become_service();
select is(public.heartbeat('tests-w1', '[]', 8, 0, 'here'), '{"held": [], "cancelled": [], "lost": [], "drain": false}',
  'heartbeat() of a worker that holds nothing');
select results_eq($$ select capacity, in_flight, region from public.job_worker where worker_id = 'tests-w1' $$,
  $$ values (8, 0, 'here') $$, 'heartbeat() introduces the worker');
select tests.claim('tests-w1', 2);

select tests.become_postgres();
update public.job_queue set lease_expires_at = now() + interval '10 seconds' from job where id in (held, lost);
select tests.become_service();
select is(public.heartbeat('tests-w1', jsonb_build_array(
    jsonb_build_object('job_id', held, 'fencing_token', 1),
    jsonb_build_object('job_id', lost, 'fencing_token', 7)), 8, 2),
  jsonb_build_object('held', jsonb_build_array(held), 'cancelled', '[]'::jsonb, 'lost', jsonb_build_array(lost), 'drain', false),
  'heartbeat() tells held from lost leases by their tokens') from job;
select is((tests.job(held)).lease_expires_at, now() + interval '60 seconds', 'heartbeat() extends a held lease') from job;
select is((tests.job(lost)).lease_expires_at, now() + interval '10 seconds', 'heartbeat() extends no other') from job;
select is((tests.job(held)).seq, 1::bigint, 'a heartbeat is no news for the owner') from job;
select is((select in_flight from public.job_worker where worker_id = 'tests-w1'), 2, 'heartbeat() keeps the worker up to date');

select tests.become_postgres();
update public.job_queue set lease_expires_at = now() + interval '50 seconds' from job where id = held;
select public.heartbeat('tests-w1', jsonb_build_array(jsonb_build_object('job_id', held, 'fencing_token', 1)), 8, 1) from job;
select is((tests.job(held)).lease_expires_at, now() + interval '50 seconds', 'heartbeat() leaves a lease with three quarters left') from job;
select is(public.heartbeat('tests-w1', jsonb_build_array(
    jsonb_build_object('job_id', held, 'fencing_token', 0),
    jsonb_build_object('job_id', held, 'fencing_token', 1)), 8, 1) -> 'held',
  jsonb_build_array(held), 'of two attempts of one worker at a job, heartbeat() goes by the newer') from job;
select public.cancel_job(held) from job;
select is(public.heartbeat('tests-w1', jsonb_build_array(jsonb_build_object('job_id', held, 'fencing_token', 1)), 8, 1) -> 'cancelled',
  jsonb_build_array(held), 'heartbeat() tells of a cancelled job') from job;
select is(public.heartbeat('tests-w1', jsonb_build_array(jsonb_build_object('job_id', md5('x')::uuid, 'fencing_token', 1)), 8, 1) -> 'lost',
  jsonb_build_array(md5('x')::uuid), 'a job that is gone is lost');

update public.job_worker set is_draining = true where worker_id = 'tests-w1';
select is(public.heartbeat('tests-w1', '[]', 8, 0) -> 'drain', 'true', 'heartbeat() asks one worker to drain');
update private.job_setting set is_draining = true where id;
select is(public.heartbeat('tests-w2', '[]', 8, 0) -> 'drain', 'true', 'heartbeat() asks all workers to drain');

select tests.become_service();
select lives_ok($$ select public.unregister_worker('tests-w1') $$, 'unregister_worker() works');
select is((select count(*)::int from public.job_worker where worker_id = 'tests-w1'), 0, 'unregister_worker() forgets the worker');

-- A worker that is full calls for help.
select tests.become_postgres();
delete from public.job_worker where true;
delete from public.job_queue where true;
update private.job_setting set is_draining = false, max_workers = 2;
delete from vault.secrets where name in ('project_url', 'automation_key');
select vault.create_secret('http://project.invalid', 'project_url'), vault.create_secret('sv_automation_test', 'automation_key');
create function tests.rings() returns int language plpgsql volatile as $$
declare
  v_rings constant int := (select count(*) from net.http_request_queue);
begin
  delete from net.http_request_queue where true;
  perform setval('private.doorbell_clock', 0);
  return v_rings;
end
$$;
select tests.rings();
select public.heartbeat('tests-w1', '[]', 4, 4);
select is(tests.rings(), 0, 'heartbeat() of a full worker rings for nobody while no work is left');
create temporary table left_over as select tests.enqueue('ann') as id;
select tests.rings();
select public.heartbeat('tests-w1', '[]', 4, 3);
select is(tests.rings(), 0, 'nor does one with room');
select public.heartbeat('tests-w1', '[]', 4, 4);
select is(tests.rings(), 1, 'heartbeat() of a full worker starts another one for work that is left');
select public.heartbeat('tests-w1', '[]', 4, 4), setval('private.doorbell_clock', 0), public.heartbeat('tests-w1', '[]', 4, 4), public.heartbeat('tests-w1', '[]', 4, 4);
select is(tests.rings(), 2, 'but not more than one a second');
select public.heartbeat('tests-w2', '[]', 4, 3);
select public.heartbeat('tests-w1', '[]', 4, 4);
select is(tests.rings(), 0, 'nor while another worker is idle');
select public.heartbeat('tests-w2', '[]', 4, 4);
select is(tests.rings(), 0, 'nor when max_workers are alive');
update private.job_setting set max_workers = 3;
select public.heartbeat('tests-w2', '[]', 4, 4);
select is(tests.rings(), 1, 'with more of them allowed, one more is called');
update public.job_type set max_concurrency = 0 where name = 'test_open';
select public.heartbeat('tests-w1', '[]', 4, 4);
select is(tests.rings(), 0, 'a job that only waits for a slot of its type is no work for another worker');
update public.job_type set max_concurrency = null where name = 'test_open';
select public.heartbeat('tests-w1', '[]', 0, 4);
select is(tests.rings(), 0, 'a worker that takes no more work is not full');
select public.heartbeat('tests-w1', '[]', 4, null);
select is(tests.rings(), 0, 'nor one that does not say');

select tests.side_tables_are_right();
select * from finish();
rollback;

begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(20);

select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_worker where true;
delete from vault.secrets where name in ('project_url', 'automation_key');
delete from net.http_request_queue where true;
-- The clock is a sequence, and so not rolled back; a second from now it is forgotten anyway.
create function tests.rings() returns int language sql volatile as $$ select count(*)::int from net.http_request_queue $$;
create function tests.wind_back() returns void language sql volatile
as $$ select setval('private.doorbell_clock', 0), setval('private.doorbell_hush', 0) $$;

set local client_min_messages = error;
select tests.wind_back();
select is(private.ring_doorbell(), 'failed', 'ring_doorbell() without its secrets fails without an error');
select lives_ok($$ select tests.enqueue('ann') $$, 'and a job is enqueued all the same');
select is(tests.rings(), 0, 'nobody was called');
select is(tests.error_of($$ select private.invoke_function('job-processor') $$), 'SERVICE_UNAVAILABLE', 'invoke_function() says what is missing');

select vault.create_secret('http://project.invalid/', 'project_url'), vault.create_secret('sv_automation_test', 'automation_key');
select tests.wind_back();
select tests.enqueue('ann') from generate_series(1, 5);
select is(tests.rings(), 1, 'five jobs in a second ring once');
select results_eq($$ select method::text, url, headers, timeout_milliseconds from net.http_request_queue $$,
  $$ values ('POST', 'http://project.invalid/functions/v1/job-processor',
    '{"Content-Type": "application/json", "apikey": "sv_automation_test"}'::jsonb, 5000) $$,
  'the doorbell is a call of the job processor with the automation key');

select tests.wind_back();
select private.find_or_create_job(tests.user_id('ann'), 'test_open', '{}', p_scheduled_for => now() + interval '1 hour');
select is(tests.rings(), 1, 'a job for later does not ring');
select tests.claim('w1', 10);
select is(tests.rings(), 1, 'a claim does not ring');
select public.yield_job(id, fencing_token) from public.job_queue where user_id = tests.user_id('ann') and status = 'processing' limit 1;
select is(tests.rings(), 2, 'a job that yields rings for who goes on with it');

select tests.wind_back();
create temporary table family as select tests.start_parent(1) as parent;
create temporary table rung as select tests.rings() as times;
select public.start_job((tests.child(parent, 'c1')).id, 'w1') from family;
select tests.wind_back();
select public.wait_for_children(parent, tests.token(parent), 'partial', 'resume') from family;
select is(tests.rings(), times, 'a parent that waits does not ring') from rung;
select tests.end_child(parent, 'c1', 'completed') from family;
select is(tests.rings(), times + 1, 'one that goes on does') from rung;

select public.heartbeat('tests-w1', '[]', 4, 4);
select tests.wind_back();
select is(private.ring_doorbell(), 'rang', 'a worker that is full is not one to wait for');
select public.heartbeat('tests-w1', '[]', 4, 3);
select is(private.ring_doorbell(), 'notified', 'an idle worker is notified');
select is(tests.rings(), times + 2, 'and nobody is called') from rung;
update public.job_worker set heartbeat_at = now() - interval '7 seconds' where worker_id = 'tests-w1';
select is(private.ring_doorbell(), 'coalesced', 'a worker that went silent is not relied upon, but one ring a second is enough');
select tests.wind_back();
select public.heartbeat('tests-w' || n, '[]', 1, 1) from generate_series(1, 4) as n;
select is(private.ring_doorbell(), 'busy', 'no more workers are started than max_workers');
select cmp_ok(pg_sequence_last_value('private.doorbell_hush'), '>', (extract(epoch from clock_timestamp()) * 1000)::bigint,
  'for a second no enqueue asks again');
select public.heartbeat('tests-w1', '[]', 1, 0);
select is(pg_sequence_last_value('private.doorbell_hush'), 0::bigint, 'unless a worker says that it has room');

select setval('private.doorbell_ringer', 4000000000000000000);
select is(private.doorbell_ring_status(), null, 'a number of another cluster, from which the database came, is nobody''s here');

select tests.become_user('ann');
select throws_ok($$ select private.ring_doorbell() $$, '42501', null, 'users do not ring');

select * from finish();
rollback;

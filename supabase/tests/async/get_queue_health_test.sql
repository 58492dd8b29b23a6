begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(36);

select tests.create_user('ann');
delete from public.job_worker where true;
create temporary table before as select public.get_queue_health() as health;
grant select on before to public;
create temporary table job as select tests.enqueue('ann') as id;
update public.job_queue set scheduled_for = now() - interval '1 year' where id = (select id from job);

select tests.become_user('ann');
select throws_ok($$ select public.get_queue_health() $$, '42501', null, 'users do not see the health of the queue');

select tests.become_service();
select is((public.get_queue_health() ->> 'pending')::int, (health ->> 'pending')::int + 1, 'get_queue_health() counts pending jobs') from before;
select cmp_ok((public.get_queue_health() ->> 'oldest_pending_seconds')::int, '>=', 31536000, 'get_queue_health() tells how long work has waited');
select is((public.get_queue_health() ->> 'workers')::int, 0, 'get_queue_health() counts no workers when none lives');
select public.heartbeat('tests-w1', '[]', 4, 0);
select is((public.get_queue_health() ->> 'workers')::int, 1, 'get_queue_health() counts live workers');

select tests.become_postgres();
update public.job_type set is_paused = true where name = 'test_open';
select cmp_ok((public.get_queue_health() ->> 'oldest_pending_seconds')::int, '<', 31536000, 'a paused type is nobody''s delay');
update public.job_type set is_paused = false where name = 'test_open';
select tests.claim('w1', 1);
select is((public.get_queue_health() ->> 'processing')::int, (health ->> 'processing')::int + 1, 'get_queue_health() counts running jobs') from before;
select private.process_background_jobs();
select cmp_ok((public.get_queue_health() ->> 'last_tick_at')::timestamptz, '>=', now(), 'get_queue_health() tells the last tick');

-- What an alarm may rely on.
delete from public.job_queue where true;
create temporary table queue as select tests.enqueue('ann') as a, tests.enqueue('ann', 'test_other', 8) as b;
update public.job_queue set scheduled_for = now() - interval '1 hour' from queue where id = b;
create function tests.health(p_key text) returns jsonb language sql volatile as $$ select public.get_queue_health() -> p_key $$;
select results_eq($$ select (lag ->> 'test_open')::int < 60, (lag ->> 'test_other')::int between 3600 and 3660 from tests.health('lag') as lag $$,
  $$ values (true, true) $$, 'get_queue_health() tells the lag of every type that waits');
select cmp_ok(tests.health('oldest_pending_seconds')::int, '>=', 3600, 'the longest of them is that of the queue');
update public.job_type set max_concurrency = 0 where name = 'test_other';
select cmp_ok(tests.health('oldest_pending_seconds')::int, '<', 60, 'unless it only waits for a slot of its type');
select cmp_ok((tests.health('lag') ->> 'test_other')::int, '>=', 3600, 'which is lag all the same');
update public.job_type set max_concurrency = null, rate_limit = 0 where name = 'test_other';
select cmp_ok(tests.health('oldest_pending_seconds')::int, '<', 60, 'a rate is nobody''s delay');
update public.job_type set rate_limit = null where name = 'test_other';
insert into private.job_pause (user_id) values (tests.user_id('ann'));
select is(tests.health('oldest_pending_seconds')::int, 0, 'nor is the pause of a user');
select is(tests.health('paused_users')::int, 1, 'get_queue_health() counts paused users');
delete from private.job_pause where true;

-- What stands beside its lane waits all the same: in every figure, or in none.
create function tests.set_aside(p_held_by text, p_for interval default '1 hour') returns void
language sql volatile as $$
  delete from public.job_queue where job_type = 'test_internal';
  insert into public.job_queue (user_id, job_type, scheduled_for, held_by, turn, crash_count, crash_streak)
  select tests.user_id('ann'), 'test_internal', now() - p_for, nullif(p_held_by, 'crash'), case when p_held_by = 'crash' then 0 end, n, n
  from (select (p_held_by = 'crash')::int as n) as crash
$$;
create function tests.oldest_of_stats() returns float
language sql volatile as $$ select oldest_pending_seconds from public.get_job_queue_stats() where job_type = 'test_internal' $$;
create temporary table ready as select tests.health('pending')::int as pending, tests.health('scheduled')::int as scheduled;
select tests.set_aside('crash', '2 hours');
select is(tests.health('pending')::int, pending + 1, 'a job that has crashed is pending') from ready;
select cmp_ok((tests.health('lag') ->> 'test_internal')::int, '>=', 7200, 'and lag of its type');
select cmp_ok(tests.health('oldest_pending_seconds')::int, '>=', 7200, 'and, as it could start, what an alarm is about');
select cmp_ok(tests.oldest_of_stats(), '>=', 7200::float, 'and get_job_queue_stats() says the same');
select tests.set_aside('user_cap');
update public.job_type set max_per_user = 0 where name = 'test_internal';
select is(tests.health('pending')::int, pending + 1, 'so is one that its user''s cap has put aside') from ready;
select cmp_ok((tests.health('lag') ->> 'test_internal')::int, '>=', 3600, 'and lag of its type');
update public.job_type set max_per_user = null where name = 'test_internal';
insert into private.job_pause (user_id) values (tests.user_id('ann'));
select tests.set_aside('user_pause', '3 hours');
select cmp_ok((tests.health('lag') ->> 'test_internal')::int, '>=', 10800, 'so is one of a paused user');
select is(tests.health('oldest_pending_seconds')::int, 0, 'which no alarm is about');
select tests.set_aside('user_pause', '-1 hour');
select results_eq($$ select tests.health('pending')::int - pending, tests.health('scheduled')::int - scheduled, tests.health('lag') ? 'test_internal' from ready $$,
  $$ values (0, 1, false) $$, 'one that would wait for its time in any case is scheduled');
delete from private.job_pause where true;
select tests.set_aside('children');
select results_eq($$ select tests.health('pending')::int - pending, tests.health('scheduled')::int - scheduled, tests.health('lag') ? 'test_internal' from ready $$,
  $$ values (0, 0, false) $$, 'who waits for children waits for no worker');
delete from public.job_queue where job_type = 'test_internal';

insert into private.job_waiting (job_id, user_id, job_type, job_priority, held_by, scheduled_for)
select gen_random_uuid(), tests.user_id('ann'), 'test_internal', 5, 'user_pause', now() from generate_series(1, 60000);
create temporary table rows_read as
select seq_tup_read + idx_tup_fetch as jobs from pg_stat_xact_user_tables where relid = 'private.job_waiting'::regclass;
select tests.health('scheduled');
select cmp_ok(seq_tup_read + idx_tup_fetch - jobs, '<', 30000::bigint, 'however many a pause keeps waiting, ten thousand are counted')
from rows_read, pg_stat_xact_user_tables where relid = 'private.job_waiting'::regclass;
delete from private.job_waiting where job_type = 'test_internal';

select is(tests.health('failed_last_minute')::int, 0, 'no job has failed');
select tests.claim('w1', 2);
select public.fail_job(b, 'no', p_retryable => false, p_fencing_token => 1) from queue;
select is(tests.health('failed_last_minute')::int, 1, 'get_queue_health() counts failures of the last minute');
update public.job_queue set completed_at = now() - interval '61 seconds' from queue where id = b;
select is(tests.health('failed_last_minute')::int, 0, 'and of no other');

select public.heartbeat('tests-w1', '[]', 4, 0), public.heartbeat('tests-w2', '[]', 4, 4);
select is(array[tests.health('workers'), tests.health('idle_workers')], array['2', '1']::jsonb[], 'get_queue_health() tells workers from idle workers');
update private.job_tick set worked_at = now() - interval '1 hour', ring_ids = '{5}', rang_at = now() where true;
select is((tests.health('last_work_at') #>> '{}')::timestamptz, now() - interval '1 hour', 'get_queue_health() tells when a tick last found work');
select is(tests.health('tick_refused'), 'false', 'no answer is no refusal');
insert into net._http_response (id, status_code, created) values (5, 403, now());
select is(tests.health('tick_refused'), 'true', 'get_queue_health() tells when the worker refuses the tick');
update net._http_response set status_code = 202 where id = 5;
select is(tests.health('tick_refused'), 'false', 'and when it does not');
select is(tests.health('oldest_transaction_seconds')::int < 60, true, 'our own transaction is not counted among the open ones');
select ok(public.get_queue_health() ?& array['pending', 'scheduled', 'processing', 'last_tick_at', 'last_ring_at', 'paused_types'],
  'and all the other figures are there');

select * from finish();
rollback;

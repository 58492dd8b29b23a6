begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(33);

select tests.create_user('ann'), tests.create_user('bob');
create temporary table made (name text, id uuid);
grant all on made to public;

insert into made values ('late', tests.enqueue('ann', 'test_open', 7)), ('a1', tests.enqueue('ann')), ('a2', tests.enqueue('ann')),
  ('a3', tests.enqueue('ann')), ('b1', tests.enqueue('bob'));
-- All of it happens at one moment here; Ann came first.
update public.job_queue set created_at = now() - interval '1 minute' where id in (select id from made where name like 'a_');
create function tests.named(p_id uuid) returns text language sql volatile security definer
as $$ select name from made where id = p_id $$;
grant execute on function tests.named(uuid) to public;

select tests.become_user('ann');
select throws_ok($$ select public.claim_jobs('w') $$, '42501', null, 'users cannot claim jobs');
select tests.become_anon();
select throws_ok($$ select public.claim_jobs('w') $$, '42501', null, 'anon cannot claim jobs');

select tests.become_service();
select is(tests.error_of($$ select public.claim_jobs('') $$), 'VALIDATION_ERROR', 'claim_jobs() wants to know the worker');
select results_eq($$ select tests.named(id), status, worker_id, fencing_token, seq from tests.claim('w1') $$,
  $$ values ('a1', 'processing', 'w1', 1::bigint, 1::bigint) $$, 'claim_jobs() takes no more than p_batch_size, with a first fencing token');
select ok((select lease_expires_at between now() + interval '60 seconds' and clock_timestamp() + interval '60 seconds' from public.job_queue where worker_id = 'w1'),
  'claim_jobs() sets the lease of the type');
select is((select array_agg(tests.named(id)) from tests.claim('w2', 2)), array['b1', 'a2'],
  'claim_jobs() skips jobs another worker holds, and users take turns');
select is((select array_agg(tests.named(id)) from tests.claim('w2', 10)), array['a3', 'late'], 'claim_jobs() leaves low priority for last');
select is((select count(*)::int from tests.claim('w2', 10)), 0, 'claim_jobs() returns nothing when nothing is left');

-- A backlog of one user, and one job of another.
select tests.become_postgres();
insert into public.job_queue (user_id, job_type, parent_job_id, turn)
select tests.user_id('ann'), 'test_other', (select id from made where name = 'a1'), private.next_turn(5::smallint) + n
from generate_series(1, 500) as n;
insert into made values ('b2', tests.enqueue('bob', 'test_other'));
select ok('b2' = any(array(select tests.named(id) from tests.claim('w3', 2))),
  'claim_jobs() reaches a user with one job within a round, whatever another has waiting');
select is((select count(*)::int from (select id from tests.claim('w3', 1000)) as rest), 499, 'claim_jobs() takes the backlog then');

-- Pause, schedule, expiry.
insert into made values ('p1', tests.enqueue('bob')), ('p2', tests.enqueue('bob', 'test_other'));
update public.job_type set is_paused = true where name = 'test_open';
select is((select array_agg(tests.named(id)) from tests.claim('w4', 10)), array['p2'], 'claim_jobs() passes over a paused type');
update public.job_type set is_paused = false where name = 'test_open';
select is((select array_agg(tests.named(id)) from tests.claim('w4', 10, array['test_other'])), null::text[],
  'claim_jobs() takes only the types it is asked for');
select is((select array_agg(tests.named(id)) from tests.claim('w4', 10)), array['p1'], 'claim_jobs() takes a type that goes on');

insert into made
select 'later', job_id from private.find_or_create_job(tests.user_id('bob'), 'test_open', '{}', p_scheduled_for => now() + interval '1 hour');
select is((select count(*)::int from tests.claim('w4', 10)), 0, 'claim_jobs() leaves jobs scheduled for later');
update public.job_queue set scheduled_for = now() - interval '1 second' where id = (select id from made where name = 'later');
select is((select array_agg(tests.named(id)) from tests.claim('w4', 10)), array['later'], 'claim_jobs() takes them when they are due');

insert into made values ('stale', tests.enqueue('bob'));
update public.job_queue set expires_at = now() - interval '1 second' where id = (select id from made where name = 'stale');
select is((select count(*)::int from tests.claim('w4', 10)), 0, 'claim_jobs() never starts an expired job');
select is((select status || ' ' || error_code from made, tests.job(id) where name = 'stale'), 'failed EXPIRED', 'it ends as EXPIRED');

-- Caps, counted from live leases.
update public.job_queue set status = 'cancelled', cancel_requested_at = now(), completed_at = now(), lease_expires_at = null, slice_started_at = null
where job_type in ('test_open', 'test_other') and status in ('pending', 'processing');
update public.job_type set max_concurrency = 2 where name = 'test_open';
insert into made values ('c1', tests.enqueue('ann')), ('c2', tests.enqueue('ann')), ('c3', tests.enqueue('bob')), ('c4', tests.enqueue('bob', 'test_other'));
select is((select array_agg(tests.named(id) order by tests.named(id)) from tests.claim('w5', 10)), array['c1', 'c3', 'c4'],
  'claim_jobs() keeps to max_concurrency, and goes on with other types');
select is((select count(*)::int from tests.claim('w5', 10)), 0, 'claim_jobs() takes no more of a type that is full');
select public.complete_job(id, null, tests.token(id)) from made where name = 'c1';
select is((select array_agg(tests.named(id)) from tests.claim('w5', 10)), array['c2'], 'claim_jobs() fills the slot that became free');
update public.job_type set max_concurrency = 0 where name = 'test_open';
insert into made values ('z', tests.enqueue('ann'));
select is((select count(*)::int from tests.claim('w5', 10)), 0, 'a max_concurrency of 0 holds a type back');
select public.cancel_job(id) from made where name in ('c2', 'c3', 'c4', 'z');

update public.job_type set max_concurrency = null, max_per_user = 2 where name = 'test_open';
insert into made values ('u1', tests.enqueue('ann')), ('u2', tests.enqueue('ann')), ('u3', tests.enqueue('ann')),
  ('u4', tests.enqueue('bob'));
insert into made select 's', job_id from private.find_or_create_job(null, 'test_open', '{}', p_priority => 1);
select is((select array_agg(tests.named(id) order by tests.named(id)) from tests.claim('w6', 10)), array['s', 'u1', 'u2', 'u4'],
  'claim_jobs() keeps to max_per_user, which system jobs do not count towards');
select is((select count(*)::int from tests.claim('w6', 10)), 0, 'claim_jobs() takes no more of a user who is at the cap');
select tests.run_out(id) from made where name = 'u1';
select is((select count(*)::int from tests.claim('w6', 10)), 1, 'a lost lease leaks no slot');
select public.cancel_job(id) from made where name in ('u1', 'u2', 'u3', 'u4', 's');
update public.job_type set max_per_user = null where name = 'test_open';

-- Recovery inside the claim.
insert into made values ('r', tests.enqueue('ann'));
select tests.claim('w7');
select public.save_job_checkpoint(id, 1, '{"page": 3}', 30, 'thirty') from made where name = 'r';
select tests.run_out(id) from made where name = 'r';
select results_eq($$ select tests.named(id), worker_id, fencing_token, crash_count, retry_count, checkpoint, progress_percent::int from tests.claim('w8') $$,
  $$ values ('r', 'w8', 3::bigint, 1, 0, '{"page": 3}'::jsonb, 30) $$, 'claim_jobs() retakes a job whose lease ran out: a crash, no retry');
select is(public.complete_job(id, null, 1), false, 'the worker that lost it can record nothing') from made where name = 'r';
select tests.run_out(id) from made where name = 'r';
select is((select crash_count from tests.claim('w9')), 2, 'claim_jobs() gives a second chance after a second crash');
select tests.run_out(id) from made where name = 'r';
select is((select count(*)::int from tests.claim('w9')), 0, 'claim_jobs() gives up at the crash cap');
select is((select status || ' ' || error_code || ' ' || crash_count from made, tests.job(id) where name = 'r'), 'failed WORKER_LOST 3',
  'a job that crashes its workers ends as WORKER_LOST');

insert into made values ('m', tests.enqueue('ann'));
select tests.claim('w10');
update public.job_queue set slice_started_at = now() - interval '30 minutes', runtime_seconds = 1800 where id = (select id from made where name = 'm');
select tests.claim('w11');
select is((select status || ' ' || error_code || ' ' || crash_count from made, tests.job(id) where name = 'm'), 'failed MAX_RUNTIME_EXCEEDED 0',
  'a job that has worked for max_runtime over all slices is ended, lease or not');

insert into made values ('d', tests.enqueue('ann'));
update private.job_setting set is_draining = true;
select is((select count(*)::int from tests.claim('w12', 10)), 0, 'claim_jobs() starts nothing while the engine is drained');
update private.job_setting set is_draining = false;
select is((select array_agg(tests.named(id)) from tests.claim('w12', 10)), array['d'], 'and goes on afterwards');

select tests.side_tables_are_right();
select * from finish();
rollback;

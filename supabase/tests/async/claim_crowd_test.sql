begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(18);

select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
update private.job_setting set ageing_share = 0;
create temporary table made (name text, id uuid);
grant all on made to public;

-- Rows of the queue, and of what stands beside it, that a claim read, as the statistics of this transaction count them.
create function tests.rows_read() returns bigint
language sql volatile as $$
  select sum(seq_tup_read + idx_tup_fetch)::bigint from pg_stat_xact_user_tables
  where relid in ('public.job_queue'::regclass, 'private.job_waiting'::regclass, 'private.job_lease'::regclass,
    'private.job_running'::regclass, 'private.job_active'::regclass)
$$;
create function tests.cost_of_claim(p_batch_size int) returns bigint
language plpgsql volatile as $$
declare
  v_before constant bigint := tests.rows_read();
begin
  perform tests.claim('w1', p_batch_size);
  return tests.rows_read() - v_before;
end
$$;
create function tests.held() returns int
language sql volatile as $$ select count(*)::int from public.job_queue where held_by = 'user_cap' $$;

-- Ann may run two at once, and has 4 000 waiting at the head of the lane.
update public.job_type set max_per_user = 2 where name = 'test_open';
insert into public.job_queue (user_id, job_type, turn, created_at)
select tests.user_id('ann'), 'test_open', 0, now() - interval '1 hour' + n * interval '1 millisecond' from generate_series(1, 4000) as n;
insert into made select 'bob ' || n, tests.enqueue('bob') from generate_series(1, 3) as n;
select is((select count(*)::int from tests.claim('w1', 2)), 2, 'claim_jobs() starts as many of a user as max_per_user');
select is((select array_agg(user_id) from tests.claim('w1', 1)), array[tests.user_id('bob')],
  'claim_jobs() reaches another user behind 4 000 jobs of one who is at the cap');
select is(tests.held(), 3998, 'the crowd is put aside, once');
select is((select count(*)::int from public.job_queue where status = 'pending' and turn is not null), 2, 'and out of the lane');
select cmp_ok(tests.cost_of_claim(1), '<', 1000::bigint, 'claims after that read few rows');
select is((select count(*)::int from tests.claim('w1', 10)), 0, 'Bob is at his cap, too');
select cmp_ok(tests.cost_of_claim(10), '<', 1000::bigint, 'and a claim that finds nothing has read few rows');
select ok(private.oldest_due_at() is null, 'nothing is due');

-- A slot becomes free.
insert into made select 'first', id from public.job_queue where user_id = tests.user_id('ann') and status = 'processing' order by created_at limit 1;
select public.complete_job(id, null, tests.token(id)) from made where name = 'first';
select ok(private.oldest_due_at() is not null, 'a slot of Ann''s that became free makes a job that was put aside due');
delete from vault.secrets where name = 'project_url';
set local client_min_messages = error;
select is(private.process_background_jobs(), 'failed', 'so that the tick rings for it, or tries to');
set local client_min_messages = notice;
select results_eq($$ select user_id, held_by, (select count(*)::int from made) from tests.claim('w1', 10) $$,
  $$ values (tests.user_id('ann'), null::text, 4) $$, 'claim_jobs() starts one in its place');
select is((select min(created_at) from public.job_queue where user_id = tests.user_id('ann') and status = 'pending'),
  (select min(created_at) from public.job_queue where held_by = 'user_cap'), 'the one that came first');
select is(tests.held(), 3997, 'and lets the others wait');
select ok(public.cancel_job(id), 'a job that was put aside can be cancelled') from public.job_queue where held_by = 'user_cap' limit 1;

-- A cap that is lifted.
update public.job_type set max_per_user = null where name = 'test_open';
select is((select count(*)::int from tests.claim('w1', 100)), 100, 'claim_jobs() takes what was put aside when the cap is lifted');

-- A crowd behind a few others is nobody's concern.
update public.job_queue set status = 'cancelled', cancel_requested_at = now(), completed_at = now(), lease_expires_at = null,
  slice_started_at = null, held_by = null where status in ('pending', 'processing');
update public.job_type set max_per_user = 2 where name = 'test_open';
select tests.enqueue('ann') from generate_series(1, 8);
select tests.claim('w1', 10), tests.claim('w1', 10);
select is(tests.held(), 0, 'a few jobs that wait for a slot stay where they are');
select is((select count(*)::int from public.job_queue where status = 'pending' and turn is not null), 6, 'in their lane');

select tests.side_tables_are_right();
select * from finish();
rollback;

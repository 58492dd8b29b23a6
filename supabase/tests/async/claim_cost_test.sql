begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(19);

-- What a claim costs is told by the rows it reads: on a busy machine that is the same as on an idle one.
select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
create function tests.rows_read() returns bigint
language sql volatile as $$
  select sum(seq_tup_read + idx_tup_fetch)::bigint from pg_stat_xact_user_tables
  where relid in ('public.job_queue'::regclass, 'private.job_waiting'::regclass, 'private.job_lease'::regclass,
    'private.job_running'::regclass, 'private.job_active'::regclass)
$$;
create function tests.rows_read(p_statement text) returns bigint
language plpgsql volatile as $$
declare
  v_before constant bigint := tests.rows_read();
begin
  execute p_statement;
  return tests.rows_read() - v_before;
end
$$;
create function tests.fill(p_type text, p_user text, p_count int) returns void
language sql volatile as $$
  insert into public.job_queue (user_id, job_type, turn)
  select tests.user_id(p_user), p_type, n from generate_series(1, p_count) as n
$$;

-- The plan a worker makes at its first claim is the one it keeps: made for an empty queue, it must do for any.
create function tests.scans(p_statement text) returns bigint
language plpgsql volatile as $$
declare
  v_scans bigint;
begin
  select -sum(seq_scan) into v_scans from pg_stat_xact_user_tables
  where relid in ('public.job_queue'::regclass, 'private.job_waiting'::regclass, 'private.job_lease'::regclass, 'private.job_running'::regclass);
  execute p_statement;
  return v_scans + (
    select sum(seq_scan) from pg_stat_xact_user_tables
    where relid in ('public.job_queue'::regclass, 'private.job_waiting'::regclass, 'private.job_lease'::regclass, 'private.job_running'::regclass));
end
$$;
create temporary table running (id uuid, token bigint);
select is(tests.scans($$ select from private.take_jobs('w1', 1, array['test_open']) $$), 0::bigint, 'take_jobs() scans no empty table');
analyze public.job_queue, private.job_lease;
select is(tests.scans($$ select private.unheard_jobs('w1', '{}', '{}') $$), 0::bigint, 'nor does unheard_jobs()');
select tests.fill('test_open', 'ann', 3), tests.fill('test_other', 'bob', 3);
select is(tests.scans($$ insert into running select id, fencing_token from private.take_jobs('w1', 1, array['test_open']) $$), 0::bigint, 'nor a young one');
select is(tests.scans($$ insert into running select id, fencing_token from private.take_jobs('w1', 5, array['test_open', 'test_other']) $$), 0::bigint, 'nor for several types');
select is((select count(*)::int from running), 6, 'and finds what is there');
select is(tests.scans($$ select private.complete_by_id(array[id], array[token]) from running limit 1 $$), 0::bigint, 'complete_by_id() scans no young table for one job');
select is(tests.scans($$ select private.complete_by_id(array_agg(id), array_agg(token)) from running $$), 0::bigint, 'nor for many');
select is(tests.scans($$ select private.complete_by_id(array_agg(id), array_agg(token + 1), jsonb_agg(1)) from running $$), 0::bigint, 'nor for each with its result');
select tests.fill('test_open', 'ann', 10000), tests.fill('test_other', 'bob', 10000);
create function tests.finish_running() returns void
language sql volatile as $$
  select public.complete_jobs(jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', fencing_token)))
  from public.job_queue where status = 'processing'
$$;
select cmp_ok(tests.rows_read($$ select tests.claim('w1', 1) $$), '<', 40::bigint, 'claim_jobs() of one job among 20 000 reads a few rows');
select cmp_ok(tests.rows_read($$ select tests.claim('w1', 500) $$), '<', 4000::bigint, 'a claim of 500 reads a few rows for each');
select cmp_ok(tests.rows_read($$ select private.unheard_jobs('w1', '{}', '{}') $$), '<', 2000::bigint, 'unheard_jobs() reads what its worker has been given');
select cmp_ok(tests.rows_read($$ select private.oldest_due_at() $$), '<', 40::bigint, 'oldest_due_at() reads heads of lanes');

select tests.finish_running();
update public.job_type set is_paused = true where name = 'test_open';
select cmp_ok(tests.rows_read($$ select tests.claim('w1', 1) $$), '<', 40::bigint, 'a paused type is not walked');
update public.job_type set is_paused = false, max_concurrency = 0 where name = 'test_open';
select cmp_ok(tests.rows_read($$ select tests.claim('w1', 1) $$), '<', 40::bigint, 'nor is one that is at its cap');
update public.job_type set max_concurrency = null where name = 'test_open';

-- A user is paused behind the engine's back, so that nothing has been put aside.
insert into private.job_pause (user_id) values (tests.user_id('ann'));
select cmp_ok(tests.rows_read($$ select private.oldest_due_at() $$), '<', 100::bigint, 'oldest_due_at() looks no further than the window of a lane');
select cmp_ok(tests.rows_read($$ select tests.claim('w1', 1) $$), '<', 20000::bigint, 'the jobs of a paused user are put aside in bounded bites');
select tests.claim('w1', 1), tests.claim('w1', 1), tests.finish_running();
select is((select count(*)::int from public.job_queue where user_id = tests.user_id('ann') and turn is not null and status = 'pending'), 0,
  'after a few claims they are out of the lane');
select cmp_ok(tests.rows_read($$ select tests.claim('w1', 1) $$), '<', 250::bigint, 'and no claim walks over them any more, but looks a window ahead for more of them');
select cmp_ok(tests.rows_read($$ select public.get_queue_health() $$), '<', 41000::bigint, 'get_queue_health() stops counting at 10 000');

select * from finish();
rollback;

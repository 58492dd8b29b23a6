begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(12);

-- What an enqueue costs is told by how it looks, not by the clock. Plans are made by the first calls of a
-- connection and kept: those made for a young queue must do for a million jobs.
select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
create function tests.scans() returns bigint
language sql volatile as $$
  select sum(seq_scan)::bigint from pg_stat_xact_user_tables
  where relid in ('public.job_queue'::regclass, 'private.job_waiting'::regclass, 'private.job_active'::regclass)
$$;
create function tests.rows_read() returns bigint
language sql volatile as $$
  select sum(seq_tup_read + idx_tup_fetch)::bigint from pg_stat_xact_user_tables
  where relid in ('public.job_queue'::regclass, 'private.job_waiting'::regclass, 'private.job_active'::regclass)
$$;
-- Whole tables that the statement reads in its eighth call, when its plans are the ones it keeps.
create function tests.scans(p_statement text) returns bigint
language plpgsql volatile as $$
declare
  v_before bigint;
begin
  for n in 1..8 loop
    v_before := tests.scans();
    execute p_statement using n;
    if n < 8 then
      delete from public.job_queue where user_id is not null;
    end if;
  end loop;
  return tests.scans() - v_before;
end
$$;
create function tests.rows_read(p_statement text) returns bigint
language plpgsql volatile as $$
declare
  v_before constant bigint := tests.rows_read();
begin
  execute p_statement using 1000;
  return tests.rows_read() - v_before;
end
$$;
create temporary table request (name text, statement text);
insert into request values
  ('create_job() of the system', $$ select public.create_job(null, 'test_open', jsonb_build_object('n', $1)) $$),
  ('create_job() of a user', format($$ select public.create_job(%L, 'test_open', jsonb_build_object('n', $1)) $$, tests.user_id('ann'))),
  ('find_or_create_job() of the system', $$ select public.find_or_create_job(null, 'test_open', jsonb_build_object('f', $1)) $$),
  ('find_or_create_job() of a user', format($$ select public.find_or_create_job(%L, 'test_open', jsonb_build_object('f', $1)) $$, tests.user_id('ann'))),
  ('find_or_create_job() of a type with a cache', $$ select public.find_or_create_job(null, 'test_cached', jsonb_build_object('c', $1)) $$),
  ('find_or_create_job() that supersedes', $$ select public.find_or_create_job(null, 'test_open', '{}', p_key => $1::text, p_supersede => true) $$);

analyze public.job_queue, private.job_waiting, private.job_active;
select is(tests.scans(statement), 0::bigint, name || ' scans no young table') from request;

-- With the same plans, in the crowd that it has become.
delete from public.job_queue where true;
insert into public.job_queue (user_id, job_type, turn, params)
select case when n % 2 = 0 then tests.user_id('bob') end, 'test_open', n, jsonb_build_object('n', -n) from generate_series(1, 10000) as n;
select cmp_ok(tests.rows_read(statement), '<', 20::bigint, name || ' reads a few rows among 10 000') from request;

select * from finish();
rollback;

begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(12);

select tests.create_user('ann'), tests.create_user('bob'), tests.enqueue('ann');
insert into public.job_log (job_id, message)
select id, 'hello' from public.job_queue where user_id = tests.user_id('ann');

select tests.become_user('ann');
select is((select array_agg(message) from public.job_log), array['hello'], 'an owner reads the log of their job');
select throws_ok($$ insert into public.job_log (job_id, message) select id, 'x' from public.job_queue $$, '42501', null,
  'an owner cannot write the log');

select tests.become_user('bob');
select is((select count(*)::int from public.job_log), 0, 'a stranger reads no line of it');

-- What an owner of many jobs reads for one line.
select tests.become_postgres();
insert into public.job_queue (user_id, job_type, status, progress_percent, completed_at)
select tests.user_id('ann'), 'test_open', 'completed', 100, now() from generate_series(1, 3000);
create temporary table job as select job_id as id from public.job_log where user_id = tests.user_id('ann');
grant select on job to public;
create function tests.rows_read() returns bigint language sql volatile security definer as $$
  select (seq_tup_read + idx_tup_fetch)::bigint from pg_stat_xact_user_tables where relid = 'public.job_queue'::regclass
$$;
create temporary table read_before as select tests.rows_read() as jobs;
select tests.become_user('ann');
select count(*) from public.job_log where job_id = (select id from job);
select count(*) from public.job_log;
select tests.become_postgres();
select cmp_ok(tests.rows_read() - jobs, '<', 100::bigint, 'and for that looks at its job, not at all the others') from read_before;
select tests.claim('w1', 1);
select public.add_job_log(id, 'info', 'there', '{}', tests.token(id)) from job;
select is((select count(*)::int from public.job_log where user_id = tests.user_id('ann')), 2, 'a line says whose job it is of');

select tests.become_anon();
select throws_ok($$ select * from public.job_log $$, '42501', null, 'anon reads no log');

select tests.become_user('ann');
select throws_ok(
  format('select * from private.%I', 'job_log_' || to_char(now() at time zone 'utc', 'YYYYMMDD')), '42501', null,
  'a partition cannot be read past the policy');

select tests.become_postgres();
delete from public.job_queue where user_id = tests.user_id('ann');
select tests.become_user('ann');
select is((select count(*)::int from public.job_log), 0, 'lines of a deleted job are out of sight');

select tests.become_postgres();
select is(private.ensure_job_log_partitions(), 0, 'ensure_job_log_partitions() does nothing twice');
select is(private.ensure_job_log_partitions(9), 2, 'ensure_job_log_partitions() makes the missing days');
create table private.job_log_20200101 partition of public.job_log for values from ('2020-01-01') to ('2020-01-02');
select is(private.drop_job_log_partitions(), 1, 'drop_job_log_partitions() drops what is past retention');
select is(to_regclass('private.job_log_20200101'), null::regclass, 'the old partition is gone');

select * from finish();
rollback;

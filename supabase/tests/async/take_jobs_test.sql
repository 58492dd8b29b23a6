begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(17);

select tests.create_user('ann'), tests.create_user('bob');
create temporary table taken (
  id uuid, user_id uuid, job_type text, params jsonb, checkpoint jsonb, progress_percent smallint, retry_count int, max_retries int,
  crash_count int, parent_job_id uuid, fencing_token bigint, lease_ms int);
create function tests.take(p_batch_size int, p_types text[] default array['test_open', 'test_other', 'test_child']) returns int
language sql volatile as $$
  delete from taken;
  insert into taken select * from private.take_jobs('w1', p_batch_size, p_types);
  select count(*)::int from taken;
$$;

select tests.become_user('ann');
select throws_ok($$ select private.take_jobs('w1', 1, null) $$, '42501', null, 'users take no jobs');
select tests.become_service();
select is(tests.error_of($$ select private.take_jobs('', 1, null) $$), 'VALIDATION_ERROR', 'a worker has a name');
select is((select count(*)::int from private.take_jobs('w1', 1, array['test_open'])), 0, 'take_jobs() takes nothing where nothing waits');
select tests.become_postgres();

-- What a worker is told of a job.
update public.job_type set lease = '90 seconds', max_retries = 7 where name = 'test_other';
create temporary table made as select
  public.create_job(tests.user_id('ann'), 'test_open', '{"of": "ann"}') as a,
  public.create_job(null, 'test_other', '{"of": "nobody"}') as s, tests.start_parent(1, 'bob') as p;
select is(tests.take(10), 3, 'take_jobs() takes what waits');
select set_eq('select id, user_id, job_type, params from taken', $$
  select a, tests.user_id('ann'), 'test_open', '{"of": "ann"}'::jsonb from made
  union all select s, null, 'test_other', '{"of": "nobody"}' from made
  union all select (tests.child(p, 'c1')).id, tests.user_id('bob'), 'test_child', '{}' from made $$, 'and says whose, of what type, and with what params');
select set_eq('select job_type, lease_ms, max_retries from taken', $$ values ('test_open', 60000, 3), ('test_other', 90000, 7), ('test_child', 60000, 3) $$,
  'how long the lease of its type is, and how often it is retried');
select set_eq($$ select id from taken where parent_job_id = (select p from made) $$, $$ select (tests.child(p, 'c1')).id from made $$, 'and of what it is a part');
select is_empty($$ select id from taken where (fencing_token, retry_count, crash_count, progress_percent::int) <> (1, 0, 0, 0) or checkpoint is not null $$, 'a first attempt');
select is_empty($$ select taken.id from taken, tests.job(taken.id) as job where (job.status, job.worker_id, job.fencing_token) is distinct from ('processing', 'w1', taken.fencing_token)
  or job.lease_expires_at not between clock_timestamp() + (taken.lease_ms - 50000) * interval '1 millisecond' and clock_timestamp() + taken.lease_ms * interval '1 millisecond' $$,
  'the jobs are the worker''s, for as long as it was told');

select public.save_job_checkpoint(a, 1, '{"page": 2}', 40) from made;
select public.fail_job(a, 'again', p_retry_after => '0', p_fencing_token => 1) from made;
select is(tests.take(10), 1, 'a job that is retried is taken again');
select results_eq('select id, fencing_token, retry_count, crash_count, checkpoint, progress_percent::int from taken',
  $$ select a, 2::bigint, 1, 0, '{"page": 2}'::jsonb, 40 from made $$, 'with its new token and what it has saved');
select tests.run_out(a) from made;
select tests.take(10);
select is((select crash_count from taken), 1, 'a lost one with its crash');

-- The rules are those of claim_jobs(), which stands on it; here is what only this says.
insert into public.job_queue (user_id, job_type, turn) select tests.user_id('bob'), 'test_open', n from generate_series(1, 1500) as n;
select is(tests.take(5000), 1000, 'take_jobs() takes at most 1 000');
select is((select count(distinct id)::int from taken), 1000, 'each once');
select is(tests.take(null), 10, 'and ten when it is not said how many');
select set_eq('select id from taken', $$ select id from public.job_queue where job_type = 'test_open' and turn between 1001 and 1010 $$, 'those that come next, in any order');
select tests.side_tables_are_right();

select * from finish();
rollback;

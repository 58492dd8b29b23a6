begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(41);

select tests.create_user('ann'), tests.create_user('bob');
select tests.enqueue('ann');
insert into public.job_queue (job_type) values ('test_internal');

select tests.become_user('ann');
select is((select count(*)::int from public.job_queue), 1, 'an owner sees their job, and no system job');
select throws_ok($$ update public.job_queue set status = 'completed' $$, '42501', null, 'an owner cannot change a job');
select throws_ok($$ insert into public.job_queue (user_id, job_type) values (tests.user_id('ann'), 'test_open') $$,
  '42501', null, 'an owner cannot insert a job past the functions');
select throws_ok($$ delete from public.job_queue $$, '42501', null, 'an owner cannot delete a job');

select tests.become_user('bob');
select is((select count(*)::int from public.job_queue), 0, 'a stranger does not see the job');

select tests.become_anon();
select throws_ok($$ select * from public.job_queue $$, '42501', null, 'anon sees no jobs');

select tests.become_service();
select ok((select count(*) from public.job_queue where job_type like 'test\_%') = 2, 'the service sees every job');
select throws_ok($$ update public.job_queue set status = 'pending' $$, '42501', null,
  'not even the service changes a job past the fence');

select tests.become_postgres();
-- Which of the two facts about a row a statement breaks; null when it breaks none.
create function tests.broken_fact(p_statement text) returns text
language plpgsql volatile
as $$
declare
  v_name text;
begin
  execute p_statement;
  return null;
exception when check_violation then
  get stacked diagnostics v_name = constraint_name;
  return v_name;
end
$$;
create function tests.broken_by(p_set text) returns text
language sql volatile
as $$ select tests.broken_fact(format('update public.job_queue set %s where user_id = tests.user_id(''ann'')', p_set)) $$;
create temporary table running as select
  $$ status = 'processing', worker_id = 'w', started_at = now(), slice_started_at = now(), lease_expires_at = now() $$::text as set;

select is(tests.broken_by($$ status = 'processing', worker_id = 'w', started_at = now(), slice_started_at = now() $$),
  'job_queue_state_is_whole', 'a processing job has a lease');
select is(tests.broken_by($$ status = 'processing', worker_id = 'w', started_at = now(), lease_expires_at = now() $$),
  'job_queue_state_is_whole', 'a processing job says when this attempt began');
select is(tests.broken_by($$ status = 'processing', worker_id = 'w', slice_started_at = now(), lease_expires_at = now() $$),
  'job_queue_state_is_whole', 'and when the first one did');
select is(tests.broken_by($$ status = 'processing', started_at = now(), slice_started_at = now(), lease_expires_at = now() $$),
  'job_queue_state_is_whole', 'a processing job has a worker');
select is(tests.broken_by(set || $$, turn = null, held_by = 'user_cap' $$), 'job_queue_state_is_whole', 'a processing job is not held')
from running;
select is(tests.broken_by($$ lease_expires_at = now() $$), 'job_queue_state_is_whole', 'a job that does not run has no lease');
select is(tests.broken_by($$ worker_id = 'w' $$), 'job_queue_state_is_whole', 'a job that waits has no worker');
select is(tests.broken_by($$ turn = null, held_by = 'mood' $$), 'job_queue_state_is_whole', 'a job is held for a reason that is known');
select is(tests.broken_by($$ turn = 1, held_by = 'user_cap' $$), 'job_queue_state_is_whole', 'a job that is held stands in no lane');
select is(tests.broken_by($$ status = 'failed', error_code = 'X' $$), 'job_queue_state_is_whole', 'a job that has ended says when');
select is(tests.broken_by($$ completed_at = now() $$), 'job_queue_state_is_whole', 'and one that has not does not');
select is(tests.broken_by($$ status = 'failed', completed_at = now() $$), 'job_queue_state_is_whole', 'a failed job says why');
select is(tests.broken_by($$ status = 'completed', completed_at = now() $$), 'job_queue_state_is_whole', 'a completed job is at 100 %');
select is(tests.broken_by($$ status = 'cancelled', completed_at = now() $$), 'job_queue_state_is_whole', 'a cancelled job says when that was asked for');
select is(tests.broken_by($$ result = '{}' $$), 'job_queue_state_is_whole', 'only a completed job has a result');
select is(tests.broken_by($$ status = 'asleep' $$), 'job_queue_state_is_whole', 'there is no other status');
select is(tests.broken_by(set), null, 'a whole state is taken, or the others would show nothing') from running;

-- Written out in both triggers, since a call per row costs too much: as one text, or one of them is wrong.
create function tests.fact_asked(p_trigger text, p_fact text) returns text
language sql stable
as $$
  select substring(regexp_replace(regexp_replace(prosrc, '\mjob\.', '', 'g'), '\s+', ' ', 'g') from p_fact)
  from pg_proc where proname = p_trigger
$$;
select is(tests.fact_asked('tg_job_queue__after_insert', fact),
  coalesce(tests.fact_asked('tg_job_queue__after_update', fact), 'nothing of the kind'), name || ' is the same for both')
from (values ('state_is_whole', $$case status .*? and \(result is null or status = 'completed'\)$$),
  ('values_in_range', $$least\(seq, .*? is not false$$)) as asked (name, fact);

select is(tests.broken_fact($$ insert into public.job_queue (user_id, job_type, job_priority) values (tests.user_id('ann'), 'test_open', 11) $$),
  'job_queue_values_in_range', 'priorities end at 10');
select is(tests.broken_fact($$ insert into public.job_queue (user_id, job_type, job_priority) values (tests.user_id('ann'), 'test_open', 0) $$),
  'job_queue_values_in_range', 'and begin at 1');
select is(tests.broken_by($$ progress_percent = 101 $$), 'job_queue_values_in_range', 'progress ends at 100');
select is(tests.broken_by($$ retry_count = -1 $$), 'job_queue_values_in_range', 'counters are not negative');
select is(tests.broken_by($$ crash_streak = 1 $$), 'job_queue_values_in_range', 'of all crashes some are in a row, not more');
select is(tests.broken_by($$ params = '[]' $$), 'job_queue_values_in_range', 'params are an object');
select is(tests.broken_by($$ parent_job_id = id $$), 'job_queue_values_in_range', 'no job is its own parent');

insert into public.job_queue (user_id, job_type, parent_job_id, dedupe_key)
select user_id, 'test_open', id, 'once' from public.job_queue where user_id = tests.user_id('ann');
select throws_ok($$ insert into public.job_queue (user_id, job_type, parent_job_id, dedupe_key)
  select user_id, 'test_open', id, 'once' from public.job_queue where user_id = tests.user_id('ann') and parent_job_id is null $$,
  '23505', null, 'two children of a job never share a key');
-- No foreign key ties a job to its owner; these hold all the same.
select throws_ok($$ select public.create_job(gen_random_uuid(), 'test_open') $$, '23503', null, 'nobody has a job who is not there');
select throws_ok($$ select public.create_jobs(jsonb_build_array(jsonb_build_object('user_id', gen_random_uuid(), 'job_type', 'test_open'))) $$,
  '23503', null, 'nor many');
insert into public.job_queue (user_id, job_type, status, progress_percent, completed_at)
values (tests.user_id('ann'), 'test_open', 'completed', 100, now()), (tests.user_id('bob'), 'test_open', 'completed', 100, now());
select bag_eq($$ select status, parent_job_id is not null from public.job_queue where user_id = tests.user_id('ann') $$,
  $$ values ('completed', false), ('processing', false), ('pending', true) $$, 'an account has jobs of every kind');
delete from auth.users where id = tests.user_id('ann');
select is((select count(*)::int from public.job_queue where user_id = tests.user_id('ann')), 0,
  'an account takes its jobs with it');
select is((select count(*)::int from public.job_queue), 2, 'and nobody else''s');

select tests.side_tables_are_right();
select * from finish();
rollback;

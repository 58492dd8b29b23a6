begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(61);

select tests.create_user('ann');

-- A worker with room that has just fallen asleep, for two types.
create function tests.sleep(p_asleep_at bigint default 1000) returns jsonb
language plpgsql volatile security definer
as $$
begin
  perform public.heartbeat('tests-sleeper', '[]', 8, 0);
  return private.go_to_sleep('tests-sleeper', 'job_for:tests', array['test_internal', 'test_other'], p_asleep_at);
end
$$;

create function tests.create_job(p_job_type text default 'test_internal', p_priority int default null) returns uuid
language sql volatile
as $$ select public.create_job(null, p_job_type, jsonb_build_object('n', random()), p_priority) $$;

create function tests.lease_of(p_id uuid) returns private.job_lease
language sql volatile security definer
as $$ select lease from private.job_lease as lease where p_id = any(job_ids) $$;

create function tests.waits(p_id uuid) returns boolean
language sql volatile security definer
as $$ select exists (select from private.job_waiting where job_id = p_id) $$;

-- What becomes of a new job while a worker sleeps, and something else is as p_setting makes it.
create function tests.fate(p_setting text, p_job_type text default 'test_internal', p_priority int default null) returns text
language plpgsql volatile
as $$
declare
  v_id uuid;
  v_fate text;
begin
  perform tests.sleep();
  execute p_setting;
  v_id := tests.create_job(p_job_type, p_priority);
  v_fate := concat_ws(', ', case when (tests.lease_of(v_id)).is_handed_over then 'handed over' end,
    case when tests.waits(v_id) then 'lined up' end);
  raise exception using errcode = 'TS001', message = v_fate;
exception when sqlstate 'TS001' then
  -- Nothing of it has happened.
  return sqlerrm;
end
$$;

-- Handed over
select is(tests.sleep(), null, 'go_to_sleep() of a worker that was handed nothing answers nothing');
create temporary table named (name text primary key, id uuid);
grant all on named to public;
create function tests.named(p_name text) returns uuid language sql volatile as $$ select id from named where name = p_name $$;
insert into named values ('first', tests.create_job());
select is((tests.lease_of(tests.named('first'))).worker_id, 'tests-sleeper', 'a job that is created alone is handed to the worker that sleeps');
select is(tests.waits(tests.named('first')), false, 'it does not line up');
select results_eq($$ select status, fencing_token, worker_id from tests.job(tests.named('first')) $$,
  $$ values ('pending', 0::bigint, null::text) $$, 'and its row says nothing of it');
select results_eq($$ select job_type, unsettled, is_handed_over, cardinality(job_ids) from tests.lease_of(tests.named('first')) $$,
  $$ values ('test_internal', 1, true, 1) $$, 'its lease is that of a deferred start');
select ok((tests.lease_of(tests.named('first'))).check_at between clock_timestamp() + interval '8 seconds' and clock_timestamp() + interval '10 seconds',
  'and is looked at in ten seconds');
select tests.side_tables_are_right('a job is handed over');

insert into named values ('second', tests.create_job());
select ok(tests.waits(tests.named('second')), 'one job per sleep: the next one lines up');
select is(tests.sleep(2000) -> 0 ->> 'id', tests.named('first')::text, 'what it was handed and has not ended comes with the next sleep');
select is(tests.sleep(3000), null, 'once');
insert into named values ('third', tests.create_job());
select ok(tests.waits(tests.named('third')), 'nobody is overtaken');
select tests.sleep(3500);
insert into named values ('other', tests.create_job('test_other'));
select is((tests.lease_of(tests.named('other'))).worker_id, 'tests-sleeper', 'in another lane nobody is');
select results_eq($$ select array_agg(key order by key), max(handed.asleep_at::text), max(handed.fencing_token::text)
    from jsonb_array_elements(tests.sleep(4000)) as row (job), jsonb_object_keys(job) as key,
      jsonb_to_record(job) as handed (asleep_at bigint, fencing_token bigint) $$,
  $$ select '{asleep_at,fencing_token,held_ms,id,job_type,lease_ms,params}'::text[], '4000', (1000000000000 + lease_id)::text
    from tests.lease_of(tests.named('other')) $$,
  'the worker learns all it needs to start the job, and since when it can count on its lease');

-- From then on it is a job as any other
select is(private.complete_by_id(array[tests.named('first')], array[1000000000000 + (tests.lease_of(tests.named('first'))).lease_id]), '{}',
  'it is completed by its token');
select results_eq($$ select status, worker_id, started_at is not null from tests.job(tests.named('first')) $$,
  $$ values ('completed', 'tests-sleeper', true) $$, 'and its row says who did it');
select is(tests.lease_of(tests.named('first')), null, 'its lease has ended');
select is((select recorded from public.yield_jobs(jsonb_build_array(jsonb_build_object('job_id', tests.named('other'),
  'fencing_token', 1000000000000 + (tests.lease_of(tests.named('other'))).lease_id)))), true, 'who cannot take it gives it back');
select ok(tests.waits(tests.named('other')), 'and it lines up');
select tests.side_tables_are_right('hand-overs have ended');

delete from public.job_queue where job_type in ('test_internal', 'test_other');
select tests.sleep();
insert into named values ('joined', (select job_id from public.find_or_create_job(null, 'test_internal', '{"a": 1}')));
select is((tests.lease_of(tests.named('joined'))).worker_id, 'tests-sleeper', 'find_or_create_job() hands over what it creates');
select tests.sleep();
select results_eq($$ select job_id, status, outcome from public.find_or_create_job(null, 'test_internal', '{"a": 1}') $$,
  $$ values (tests.named('joined'), 'pending', 'joined') $$, 'and joins what was handed over');
insert into named values ('after', tests.create_job());
select is((tests.lease_of(tests.named('after'))).worker_id, 'tests-sleeper', 'which wakes nobody');

-- Unheard
select public.heartbeat('tests-sleeper', jsonb_build_array(jsonb_build_object('job_id', tests.named('joined'),
  'fencing_token', 1000000000000 + (tests.lease_of(tests.named('joined'))).lease_id)), 8, 1);
select is((tests.job(tests.named('joined'))).status, 'processing', 'a heartbeat that names it writes its start');
select is((tests.job(tests.named('after'))).status, 'pending', 'what the worker may not have heard of is left');
select tests.become_postgres();
update private.job_lease set check_at = now() where is_handed_over;
update public.job_queue set lease_expires_at = now() where id = tests.named('joined');
select lives_ok($$ select private.recover_lost_jobs() $$, 'both are recovered');
select results_eq($$ select status, crash_count from tests.job(tests.named('after')) $$, $$ values ('pending', 0) $$,
  'a hand-over that is lost is no crash: perhaps it never began');
select results_eq($$ select status, crash_count from tests.job(tests.named('joined')) $$, $$ values ('pending', 1) $$,
  'one that a heartbeat has named is');
select ok(tests.waits(tests.named('after')) and (tests.job(tests.named('after'))).fencing_token > 1000000000000,
  'it lines up, and whoever hears of it after all is refused');
select tests.side_tables_are_right('lost hand-overs are recovered');

-- Waking up
delete from public.job_queue where job_type in ('test_internal', 'test_other');
select tests.sleep();
insert into named values ('last', tests.create_job());
select is(private.wake_up('tests-sleeper', 5000) -> 0 ->> 'id', tests.named('last')::text, 'wake_up() answers what was handed over, too');
select is((select count(*)::int from private.job_sleeper where worker_id = 'tests-sleeper'), 0, 'and nothing is from then on');
select ok(tests.waits(tests.create_job('test_other')), 'what comes lines up');
delete from public.job_queue where job_type in ('test_internal', 'test_other');

-- Who is handed a job, and which
select is(tests.fate(''), 'handed over', 'a job is handed over');
select is(tests.fate('', 'test_open'), 'lined up', 'but of no type that the worker does not run');
select is(tests.fate($$ select public.unregister_worker('tests-sleeper') $$), 'lined up', 'nor to one that has left');
select is(tests.fate($$ update public.job_worker set heartbeat_at = now() - interval '7 seconds' where worker_id = 'tests-sleeper' $$),
  'lined up', 'nor to one that has not been heard of for 6 seconds');
select is(tests.fate($$ update private.job_sleeper set hears_until = clock_timestamp() where worker_id = 'tests-sleeper' $$),
  'lined up', 'nor to one that has not said for 4 seconds that it sleeps');
select is(tests.fate($$ select public.heartbeat('tests-sleeper', '[]', 8, 8) $$), 'lined up', 'nor to one that is full');
select is(tests.fate($$ update public.job_worker set is_draining = true where worker_id = 'tests-sleeper' $$), 'lined up', 'nor to one that is to drain');
select is(tests.fate('update private.job_setting set is_draining = true where id'), 'lined up', 'nor while all are');
select is(tests.fate($$ update public.job_type set is_paused = true where name = 'test_internal' $$), 'lined up', 'nor of a type that is paused');
select is(tests.fate(format($$ update public.job_type set %I = 5 where name = 'test_internal' $$, name)), 'lined up', 'nor of one with ' || name)
from unnest('{max_concurrency,max_per_user,rate_limit}'::text[]) as name;
select is(tests.fate($$ update public.job_type set lease = '9 seconds' where name = 'test_internal' $$), 'lined up', 'nor of one with a shorter lease');
select is(tests.fate($$ update public.job_type set lease = '1 second', max_runtime = '9 seconds' where name = 'test_internal' $$), 'lined up',
  'nor of one that may not run so long');
select is(tests.fate($$ select public.create_jobs('[{"job_type": "test_internal"}]') $$), 'lined up', 'nor where one waits');
select is(tests.fate($$ select public.create_jobs((select jsonb_agg(jsonb_build_object('job_type', 'test_internal', 'params', jsonb_build_object('n', n)))
  from generate_series(1, 30) as n)) $$), 'lined up', 'nor where many do');
select is(tests.fate($$ select public.create_jobs('[{"job_type": "test_internal", "priority": 4}]') $$), 'handed over', 'another priority is another lane');
select is(tests.fate($$ select public.create_job(null, 'test_internal', '{}', null, now() + interval '1 hour') $$), 'handed over',
  'what waits for its time is not in it');

select tests.sleep();
select ok(tests.waits(public.create_job(null, 'test_internal', '{}', null, now() + interval '1 second')), 'a job that has to wait for its time is not handed over');
select tests.sleep();
select ok(tests.waits(public.create_job(tests.user_id('ann'), 'test_internal')), 'nor one of a user, whose start is news');
select ok(tests.waits(public.create_job(null, 'test_other', jsonb_build_object('text', repeat('x', 7000)))), 'nor one that a notification cannot hold');
select is((select lease_id from private.job_sleeper where worker_id = 'tests-sleeper'), null, 'and the worker sleeps on');

-- Statistics of one row, of a table that has four: a plan may ask anew for each of them which one to take
create function tests.sleep_in_a_crowd() returns void
language plpgsql volatile security definer
as $$
begin
  delete from private.job_sleeper;
  perform tests.sleep();
  analyze private.job_sleeper;
  insert into private.job_sleeper (worker_id, channel, job_types, asleep_at, hears_until)
  select worker_id, channel, job_types, asleep_at, hears_until from private.job_sleeper, generate_series(1, 3);
end
$$;
select tests.sleep_in_a_crowd();
select tests.sleep(7000);
select is((select count(*)::int from private.job_sleeper where asleep_at = 7000), 1, 'who sleeps in several rows and lies down again does so in one');
delete from private.job_waiting where job_type = 'test_internal';
insert into named values ('crowd', tests.create_job());
select is((tests.lease_of(tests.named('crowd'))).worker_id, 'tests-sleeper', 'one of several that sleep is handed a job, however it is looked for');
select is((select count(lease_id)::int from private.job_sleeper), 1, 'and no other');
select is(tests.sleep(8000) -> 0 ->> 'id', tests.named('crowd')::text, 'a worker that lies down again takes up the one by which it was handed a job');

-- Whose business it is
select tests.become_user('ann');
select throws_ok($$ select private.go_to_sleep('w', 'c', '{}', 1) $$, '42501', null, 'users do not sleep here');
select throws_ok($$ select channel from private.job_sleeper $$, '42501', null, 'and do not learn where workers listen');
select tests.become_postgres();
select is_empty($$ select rolname from pg_roles where rolname in ('anon', 'authenticated') and rolcanlogin $$,
  'nobody but the data API, which never listens, connects for users');

select * from finish();
rollback;

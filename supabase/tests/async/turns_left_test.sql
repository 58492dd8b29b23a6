-- Turns at which nobody stands: reserved for jobs that wait for their time, or for jobs that have been cancelled.
-- Whoever comes behind them would wait as many rounds of everybody else.
begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(13);

select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
delete from private.job_flow where true;
update private.job_setting set max_active_jobs_per_user = 1000;
-- The system's sequences stay where they are when a test is rolled back: a lane's time above them all makes them even.
create temporary table sequence_before on commit drop as
  select oid::regclass as name, pg_sequence_last_value(oid::regclass) as turn
  from pg_class where relkind = 'S' and relname like 'job\_lane\_system\_%';
update private.job_lane set virtual_time = greatest(
  (select max(virtual_time) from private.job_lane), (select max(turn) from private.job_cursor),
  (select max(turn) from sequence_before)) + 1000;

-- Children for later
create temporary table parent as select tests.enqueue('ann', 'test_parent') as id;
select tests.claim('w1', 1, array['test_parent']);
create temporary table start on commit drop as select max(virtual_time) as turn from private.job_lane;
create function tests.have_children(p_from int, p_to int, p_delay_ms int default null) returns void
language sql volatile as $$
  select public.create_child_jobs(id, tests.token(id), (
    select jsonb_agg(jsonb_build_object('job_type', 'test_child', 'key', n, 'delay_ms', case when n % 2 = 0 then p_delay_ms end))
    from generate_series(p_from, p_to) as n))
  from parent
$$;
create function tests.turns_of_children(p_from int, p_to int) returns bigint[]
language sql volatile as $$
  select array_agg(job.turn - lane.virtual_time order by n)
  from parent, private.job_lane as lane, generate_series(p_from, p_to) as n
  join public.job_queue as job on job.dedupe_key = 'key:' || n
  where lane.job_priority = 5 and job.parent_job_id = parent.id
$$;
select tests.have_children(1, 6, 3600000);
select is(tests.turns_of_children(1, 6), array[1, null, 2, null, 3, null]::bigint[], 'children for later take no turns');
select tests.have_children(7, 8);
select is(tests.turns_of_children(7, 8), array[4, 5]::bigint[], 'so that others stand right behind those for now');

-- Jobs for later, of the system and of users, where nothing else of the stack lines up
create function tests.create_for_later(p_name text, p_from int, p_to int) returns void
language sql volatile as $$
  select public.create_jobs(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('job_type', 'test_other', 'user_id', tests.user_id(p_name),
    'priority', 9, 'params', jsonb_build_object('n', n), 'delay_ms', case when n % 2 = 0 then 3600000 end))))
  from generate_series(p_from, p_to) as n
$$;
create function tests.turns_of(p_name text) returns bigint[]
language sql volatile as $$
  select array_agg(job.turn - lane.virtual_time order by (job.params ->> 'n')::int)
  from public.job_queue as job
  join private.job_lane as lane on lane.job_priority = job.job_priority
  where job.job_type = 'test_other' and job.user_id is not distinct from tests.user_id(p_name)
$$;
select tests.create_for_later(null, 1, 6);
select is(tests.turns_of(null), array[1, null, 2, null, 3, null]::bigint[], 'nor do the system''s');
select tests.create_for_later(null, 8, 8);
select public.create_jobs('[{"job_type": "test_other", "priority": 9, "params": {"n": 9}}]');
select is((tests.turns_of(null))[8], 4::bigint, 'the next one stands right behind');
select tests.create_for_later('bob', 1, 6);
select is(tests.turns_of('bob'), array[1, null, 2, null, 3, null]::bigint[], 'nor a user''s');

-- Retried for later
select public.cancel_job(id) from public.job_queue where parent_job_id = (select id from parent) and dedupe_key <> 'key:1';
select private.retry_jobs(array[id], array[now() + interval '1 hour']) from public.job_queue
where parent_job_id = (select id from parent) and status = 'cancelled' order by created_at, dedupe_key;
select is((select count(*)::int from public.job_queue where parent_job_id = (select id from parent) and turn is null and status = 'pending'), 7, 'children may be retried for later');
create temporary table flow_before as select last_turn from private.job_flow where flow_id = tests.user_id('ann') and again_type = '';
select is((select last_turn from flow_before), (select turn + 5 from start), 'and take no turns then');

-- A crowd that was cancelled
delete from public.job_queue where job_type <> 'test_parent';
select tests.have_children(100, 400);
select public.yield_job(id, tests.token(id)) from parent;
select tests.enqueue('bob') from generate_series(1, 3);
select public.cancel_job(id) from public.job_queue where parent_job_id = (select id from parent) and status = 'pending';
select is((select max(last_turn) - max(virtual_time) > 300 from private.job_flow, private.job_lane where again_type = ''), true, 'there is a line of which nobody is left');
select private.sweep_batches();
select is((select max(last_turn) - max(turn) from private.job_flow, start where again_type = ''), 3::bigint, 'a tick puts its end where the lane ends');
select tests.claim('w1', 1, array['test_parent']);
select tests.have_children(500, 501);
select is(tests.turns_of_children(500, 501), (select array[turn - virtual_time + 4, turn - virtual_time + 5] from start, private.job_lane where job_priority = 5), 'and who comes next stands there');
select private.sweep_batches();
select is((select max(last_turn) - max(turn) from private.job_flow, start where again_type = ''), 5::bigint, 'a line that somebody stands in is left as it is');

-- What comes again
select tests.have_children(600, 640);
create temporary table again as select id from tests.claim('w1', 100, array['test_child']);
select public.yield_jobs(jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', tests.token(id)))) from again;
select public.cancel_job(id) from again;
select private.sweep_batches();
select is_empty($$ select from private.job_flow join private.job_lane using (job_priority) where last_turn > virtual_time $$, 'nor is it otherwise with what has been in the queue before');

do $$
begin
  perform setval(name, coalesce(turn, 1), turn is not null) from sequence_before;
end
$$;
select tests.side_tables_are_right();
select * from finish();
rollback;

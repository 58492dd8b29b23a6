begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(22);

select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
delete from private.job_flow where true;
update private.job_setting set ageing_share = 0;

-- Lanes, floors and the system's sequences only rise: the times of this test begin above them all. Sequences
-- stay where they are when a test is rolled back, so it ends by setting them back.
create temporary table sequence_before on commit drop as
  select oid::regclass as name, pg_sequence_last_value(oid::regclass) as turn
  from pg_class where relkind = 'S' and relname like 'job\_lane\_system\_%';
create temporary table start on commit drop as
  select greatest(
    (select max(virtual_time) from private.job_lane),
    (select max(turn) from private.job_cursor),
    (select max(turn) from sequence_before)) as turn;
create function tests.turn(p_later bigint) returns bigint
language sql stable as $$
  select turn + p_later from start
$$;
update private.job_lane set virtual_time = tests.turn(1000);
create function tests.turns(p_name text) returns bigint[]
language sql volatile as $$
  select array_agg(turn order by turn) from public.job_queue where status = 'pending' and user_id is not distinct from tests.user_id(p_name)
$$;
create function tests.enqueue_system(p_count int, p_priority int default null) returns void
language sql volatile as $$
  select private.find_or_create_job(null, 'test_open', jsonb_build_object('n', random()), p_priority => p_priority) from generate_series(1, p_count)
$$;
create function tests.takes(p_batch_size int) returns text[]
language sql volatile as $$
  select array_agg(case when user_id = tests.user_id('ann') then 'ann' when user_id is null then 'system' else 'bob' end)
  from tests.claim('w1', p_batch_size)
$$;

select is(private.next_turn(5::smallint), tests.turn(1001), 'the first free turn is the one after the lane''s time');
select tests.enqueue('ann') from generate_series(1, 3);
select is(tests.turns('ann'), array[tests.turn(1001), tests.turn(1002), tests.turn(1003)], 'line_up() puts a user''s jobs one behind the other');
select tests.enqueue('bob');
select is(tests.turns('bob'), array[tests.turn(1001)], 'and another user beside them, not behind');
select tests.enqueue('ann', 'test_open', 7);
select is(private.line_up(tests.user_id('ann'), 7::smallint), tests.turn(1002), 'each lane is a line of its own');
select tests.claim('w1', 1);
select is(private.line_up(tests.user_id('ann'), 5::smallint), tests.turn(1004), 'what has started no longer stands in line');
select private.find_or_create_job(tests.user_id('ann'), 'test_open', '{"later": 1}', p_scheduled_for => now() + interval '1 hour');
select is(private.line_up(tests.user_id('ann'), 5::smallint), tests.turn(1004), 'nor does what waits for its time');

-- The system's
delete from public.job_queue where true;
update private.job_lane set virtual_time = tests.turn(2000);
select is(private.line_up(null, 5::smallint), tests.turn(2001), 'the system begins at the first free turn, too');
select is(private.line_up(null, 5::smallint), tests.turn(2002), 'and goes on from there, one behind the other');
select is(private.line_up(null, 5::smallint, 10), tests.turn(2003), 'also many at once');
select is(private.line_up(null, 5::smallint), tests.turn(2013), 'which the next one stands behind');
select is(private.line_up(null, 6::smallint), tests.turn(2001), 'in its lane');
update private.job_lane set virtual_time = tests.turn(3000);
select is(private.line_up(null, 5::smallint), tests.turn(3001), 'when the lane has passed it, it begins anew');

-- What that is for: thousands of jobs of the system, and users who come later.
update private.job_lane set virtual_time = tests.turn(4000);
select tests.enqueue_system(30);
select public.create_jobs((select jsonb_agg(jsonb_build_object('job_type', 'test_open', 'params', jsonb_build_object('n', n))) from generate_series(1, 3000) as n));
select tests.enqueue('ann') from generate_series(1, 3);
select tests.enqueue('bob') from generate_series(1, 2);
select is((select array_agg(who order by who) from unnest(tests.takes(3)) as who), array['ann', 'bob', 'system'], 'users who come after 3 000 jobs of the system take turns with it');
select is((select array_agg(who order by who) from unnest(tests.takes(3)) as who), array['ann', 'bob', 'system'], 'turn by turn');
select is((select array_agg(who order by who) from unnest(tests.takes(3)) as who), array['ann', 'system', 'system'], 'and leave it the rest');
select tests.enqueue('bob');
select ok('bob' = any(tests.takes(2)), 'a new job is next but one, however many of the system wait');
select is((select count(*)::int from (select turn from public.job_queue where user_id is null and status = 'pending' group by turn having count(*) > 1) as shared), 0,
  'no two of the system''s stand at one turn');
select tests.side_tables_are_right();

-- What was cancelled, or never committed, has taken turns that nobody stands at.
-- A tick leaves that alone while somebody else lines up, as the stack's own tick may just do.
create function tests.ticks() returns void
language plpgsql volatile as $$
begin
  for attempt in 1..100 loop
    perform private.process_background_jobs();
    exit when (select pg_sequence_last_value(system_turns) from private.job_lane where job_priority = 5) <= tests.turn(9005);
    perform pg_sleep(0.1);
  end loop;
end
$$;
update private.job_lane set virtual_time = tests.turn(9000);
select tests.enqueue_system(5);
select public.create_jobs((select jsonb_agg(jsonb_build_object('job_type', 'test_open', 'params', jsonb_build_object('n', -n))) from generate_series(1, 3000) as n));
select private.process_background_jobs();
select is(private.line_up(null, 5::smallint), tests.turn(12006), 'the system stands behind what waits');
update public.job_queue set status = 'cancelled', cancel_requested_at = now(), completed_at = now(), fencing_token = fencing_token + 1
where status = 'pending' and turn > tests.turn(9005);
delete from private.job_bundle where true;
select is(private.line_up(null, 5::smallint), tests.turn(12007), 'behind what was cancelled, too');
select tests.ticks();
select is(private.line_up(null, 5::smallint), tests.turn(9006), 'but no longer than until the next tick');
select tests.ticks();
select is(private.line_up(null, 5::smallint), tests.turn(9006), 'nor behind what was never created');
do $$
begin
  perform setval(name, coalesce(turn, 1), turn is not null) from sequence_before;
end
$$;

select * from finish();
rollback;

begin;
-- First, and in the tick's order: whoever meets what empties tables, or changes them, in the middle could deadlock.
lock table private.job_lease, private.job_waiting in access exclusive mode;
\ir ../helpers.psql
\ir jobs.psql
select plan(36);

select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
update private.job_setting set ageing_share = 0;
update private.job_lane set virtual_time = 0;
create function tests.fill(p_type text, p_priority int, p_first int, p_last int) returns void
language sql volatile as $$
  insert into public.job_queue (job_type, job_priority, turn) select p_type, p_priority, n from generate_series(p_first, p_last) as n
$$;
create view tests.lane as
select job_type, job_priority::int, turn, place, next_turn, next_place, next_epoch from private.job_cursor where job_type like 'test\_%';
create function tests.floor_of(p_type text, p_priority int default 5) returns bigint
language sql volatile as $$ select turn from tests.lane where (job_type, job_priority) = (p_type, p_priority) $$;
-- As a claim does: looks, and moves the floor by what it saw.
create function tests.look(p_types text[] default array['test_open'], p_epoch bigint default pg_sequence_last_value('private.job_epoch')) returns void
language sql volatile as $$
  select private.move_cursors(array(select lane from private.lanes_with_work(p_types) as lane), p_epoch)
$$;
-- As if every transaction that was open when the floor was last noted had ended; or this one had been.
create function tests.time_passes() returns void
language sql volatile as $$ update private.job_cursor set next_epoch = -2 where job_type like 'test\_%' $$;

create function tests.time_stands_still() returns void
language sql volatile as $$
  update private.job_cursor set next_epoch = pg_sequence_last_value('private.job_epoch') where job_type like 'test\_%'
$$;

-- lanes_with_work()
insert into public.job_type (name, category, description) values ('test_new', 'maintenance', 'Came later.');
select is((select count(*)::int from tests.lane where job_type = 'test_new'), 10, 'a new type has a cursor in every lane');
select is_empty($$ select from private.lanes_with_work(array['test_open']) $$, 'lanes_with_work() finds nothing in empty lanes');
select tests.fill('test_open', 5, 11, 12), tests.fill('test_open', 3, 20, 20), tests.fill('test_other', 5, 5, 5);
select results_eq($$ select job_type, job_priority::int, turn from private.lanes_with_work(array['test_open', 'test_other']) $$,
  $$ values ('test_open', 3, 20::bigint), ('test_open', 5, 11), ('test_other', 5, 5) $$, 'lanes_with_work() gives the head of each, first priority first');
select bag_eq($$ select job_type, job_priority::int from private.lanes_with_work(array['test_other']) $$, $$ values ('test_other', 5) $$, 'of the types that are asked for');
select bag_eq($$ select job_type from private.lanes_with_work(null) where job_type like 'test\_%' $$, $$ values ('test_open'), ('test_open'), ('test_other') $$, 'or of all');
insert into public.job_queue (job_type, job_priority, turn, scheduled_for) values ('test_cached', 5, null, now() + interval '1 hour');
select is_empty($$ select from private.lanes_with_work(array['test_cached']) $$, 'what waits for its time is in no lane');

-- move_cursors()
select tests.look();
select is(tests.floor_of('test_open'), (select min(turn) from (values (-9223372036854775808)) as least (turn)), 'what is seen is only noted at first');
select results_eq($$ select next_turn, next_place > 0 from tests.lane where (job_type, job_priority) = ('test_open', 5) $$, $$ values (1::bigint, false) $$,
  'and no more than the lane''s time: who begins later may line up from there');
update private.job_lane set virtual_time = 50;
select tests.time_passes(), tests.look();
select is(tests.floor_of('test_open'), 1::bigint, 'once every transaction of then has ended it becomes the floor');
select is((select next_turn from tests.lane where (job_type, job_priority) = ('test_open', 5)), 11::bigint, 'and what is seen now is noted');
select is((select count(*)::int from tests.lane where next_turn > 0), 2, 'in the lanes where something was seen, and in no other');
select tests.time_stands_still(), tests.look();
select is(tests.floor_of('test_open'), 1::bigint, 'while a transaction of then is open, the floor stays');
select tests.time_passes(), tests.look();
select is(tests.floor_of('test_open'), 11::bigint, 'afterwards it moves on');
create temporary table epoch as select pg_sequence_last_value('private.job_epoch') as number;
select tests.look();
select is(pg_sequence_last_value('private.job_epoch'), number + 2, 'while nobody lines up two epochs pass with every look') from epoch;
update private.job_cursor set next_epoch = number from epoch where job_type = 'test_open';
update private.job_cursor set turn = 1, place = 0, next_turn = 5 where (job_type, job_priority) = ('test_open', 5);
select tests.look(p_epoch => number + 1) from epoch;
select is(tests.floor_of('test_open'), 1::bigint, 'who looked before the second had come moves nothing');
select tests.look(p_epoch => number + 2) from epoch;
select is(tests.floor_of('test_open'), 5::bigint, 'who looked later does');
select tests.time_passes(), tests.look();
select is((select count(*)::int from private.lanes_with_work(array['test_open'])), 2, 'nothing that waits is below it');
select tests.side_tables_are_right();

select tests.claim('w1', 3, array['test_open']);
select tests.fill('test_open', 5, 60, 60);
select tests.time_passes(), tests.look(), tests.time_passes(), tests.look();
select is(tests.floor_of('test_open'), 51::bigint, 'behind the last claim the floor follows the lane''s time');
select is((select turn from private.lanes_with_work(array['test_open'])), 60::bigint, 'and what waits beyond is found');

-- Below the floor
insert into public.job_queue (job_type, turn) values ('test_open', 7);
select is(tests.floor_of('test_open'), 7::bigint, 'a job that is inserted with an old turn takes the floor back');
select is((select turn from tests.claim('w2', 1, array['test_open'])), 7::bigint, 'and is claimed, before all others');
select tests.time_passes(), tests.look(), tests.time_passes(), tests.look();
update public.job_queue set turn = 8 where turn = 60;
select is(tests.floor_of('test_open'), 8::bigint, 'so does one that is moved to an old turn');
select tests.time_passes(), tests.look(), tests.time_passes(), tests.look();
select is(tests.floor_of('test_open'), 8::bigint, 'the floor never passes what waits');
select is((select turn from tests.claim('w2', 1, array['test_open'])), 8::bigint, 'which is claimed');

-- lower_cursors(), for what came to stand below the floor all the same
select tests.fill('test_open', 5, 70, 72), tests.fill('test_open', 4, 70, 70);
update private.job_cursor set turn = 71, place = 0 where (job_type, job_priority) = ('test_open', 5);
select set_eq('select side_table from side_table_fault', $$ values ('job_cursor') $$, 'a job is below the floor');
select is((select count(*)::int from tests.claim('w3', 1, array['test_cached', 'test_other'])), 1, 'other types do not mind');
select is(private.lower_cursors(), 1, 'lower_cursors() says how many lanes it put right');
select tests.side_tables_are_right('the job is above it again');
select is(private.lower_cursors(), 0, 'lower_cursors() leaves alone what is right');
select results_eq($$ select job_priority::int, turn from tests.claim('w3', 10, array['test_open']) $$, $$ values (4, 70::bigint), (5, 70), (5, 71), (5, 72) $$, 'all are claimed');
update private.job_cursor set turn = 100 where (job_type, job_priority) = ('test_open', 5);
alter table public.job_queue disable trigger user;
insert into public.job_queue (id, job_type, turn) values (tests.user_id('hidden job'), 'test_open', 80);
alter table public.job_queue enable trigger user;
insert into private.job_waiting (job_id, job_type, job_priority, turn, scheduled_for) values (tests.user_id('hidden job'), 'test_open', 5, 80, now());
select is((select count(*)::int from tests.claim('w4', 10, array['test_open'])), 0, 'a job below the floor is not seen');
set local client_min_messages = error;
select private.process_background_jobs();
set local client_min_messages = notice;
select is((select count(*)::int from tests.claim('w4', 10, array['test_open'])), 1, 'until the tick has come');

-- A type that goes takes its cursors with it, and one that is renamed keeps them.
select is(tests.floor_of('test_open'), 80::bigint, 'the floor of a type');
update public.job_type set name = 'test_moved' where name = 'test_open';
select is(tests.floor_of('test_moved'), 80::bigint, 'is that of its new name');
delete from public.job_type where name = 'test_new';
select is((select count(*)::int from tests.lane where job_type = 'test_new'), 0, 'a type that goes leaves none');

select * from finish();
rollback;

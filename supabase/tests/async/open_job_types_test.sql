begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(25);

select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
create temporary table made (name text, id uuid);
grant all on made to public;
create function tests.slots(p_type text default 'test_open', p_slots int default 10) returns int
language sql volatile as $$ select slots from private.open_job_types(p_slots, array[p_type]) $$;

insert into made select 'ann ' || n, tests.enqueue('ann') from generate_series(1, 5) as n;
insert into made values ('bob', tests.enqueue('bob'));
select is(tests.slots(), 10, 'an unlimited type has as many slots as were asked for');

-- Rates: a token bucket.
update public.job_type set rate_limit = 3, rate_window = '1 minute' where name = 'test_open';
select is(tests.slots(), 3, 'a full bucket holds rate_limit starts');
do $$
begin
  perform tests.claim('w1', 10);
  raise exception 'crash';
exception when raise_exception then
end
$$;
select is(tests.slots(), 3, 'a claim that is rolled back costs nothing');
select is((select count(*)::int from tests.claim('w1', 2)), 2, 'claim_jobs() starts jobs of a type with a rate');
select is(tests.slots(), 1, 'and every job it takes is one start');
select is((select count(*)::int from tests.claim('w1', 10)), 1, 'claim_jobs() takes no more than the bucket holds');
select is(tests.slots(), null, 'an empty bucket closes the type');
select ok(private.oldest_due_at() is null, 'what only waits for its rate is not due');
insert into made values ('other', tests.enqueue('bob', 'test_other'));
select is((select array_agg(job_type) from tests.claim('w1', 10)), array['test_other'], 'claim_jobs() passes over it to other types');

update private.job_rate set refilled_at = refilled_at - interval '20 seconds' where job_type = 'test_open';
select is(tests.slots(), 1, 'the bucket refills evenly');
select ok(private.oldest_due_at() is not null, 'and the type is due again');
select is((select count(*)::int from tests.claim('w1', 10)), 1, 'one window''s third is one start of three');
update private.job_rate set refilled_at = refilled_at - interval '1 hour' where job_type = 'test_open';
select is(tests.slots(), 3, 'the bucket holds no more than rate_limit, however long it was left alone');
update private.job_rate set tokens = 3, refilled_at = clock_timestamp() + interval '1 minute' where job_type = 'test_open';
select is(tests.slots(), 3, 'a start by somebody whose clock is ahead takes nothing back');
update public.job_type set rate_limit = 0 where name = 'test_open';
select is(tests.slots(), null, 'a rate_limit of 0 holds a type back');

-- Caps and pauses.
update public.job_type set rate_limit = null, max_concurrency = 6 where name = 'test_open';
select is(tests.slots(), 2, 'what runs is counted against max_concurrency');
select is(tests.slots('test_open', 1), 1, 'nobody is given more slots than asked for');
update public.job_type set max_concurrency = 4 where name = 'test_open';
select ok(tests.slots() is null and private.oldest_due_at() is null, 'what only waits for a slot is not due');
update public.job_type set max_concurrency = null, max_per_user = 3 where name = 'test_open';
select is((select blocked_users from private.open_job_types(1, array['test_open'])), array[tests.user_id('ann')],
  'a user at max_per_user is blocked for that type');
select is((select blocked_users from private.open_job_types(1, array['test_other'])), '{}', 'and for no other');
select is((select array[count(*)::int, (private.oldest_due_at() is not null)::int] from public.job_queue where status = 'pending'),
  array[2, 0], 'the jobs of a user at max_per_user are not due');
select tests.enqueue('bob');
select ok(private.oldest_due_at() is not null, 'another user''s job of the type is');

update private.job_setting set is_draining = true;
select is((select count(*)::int from private.open_job_types(1)), 0, 'nothing is open while the engine is drained');

select tests.become_user('ann');
select throws_ok($$ select private.open_job_types(1) $$, '42501', null, 'users cannot ask which types are open');

select tests.side_tables_are_right();
select * from finish();
rollback;

-- Where jobs stand that come back one by one: not all of a user's at the same turn, before everybody's next job.
begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(24);

select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
update private.job_setting set ageing_share = 0, max_active_jobs_per_user = 1000;

create function tests.reset() returns void
language sql volatile as $$
  delete from public.job_queue where true;
  delete from private.job_flow where true;
$$;
-- Forty jobs of a user, or of the system, that wait for their time or for something else, or that run.
create function tests.make(p_name text, p_are_children boolean, p_held_by text default null, p_jobs int default 40) returns void
language sql volatile as $$
  insert into public.job_queue (user_id, job_type, params, parent_job_id, turn, held_by)
  select tests.user_id(p_name), 'test_open', jsonb_build_object('n', n), case when p_are_children then gen_random_uuid() end, null, p_held_by
  from generate_series(1, p_jobs) as n
$$;
create function tests.start(p_name text, p_are_children boolean default false, p_jobs int default 40) returns void
language plpgsql volatile as $$
begin
  perform tests.reset();
  perform tests.make(p_name, p_are_children, p_jobs => p_jobs);
  perform tests.claim('w1', p_jobs);
end
$$;
-- For each of them, one after the other: $1 is the job, $2 its token.
create function tests.one_by_one(p_statement text) returns void
language plpgsql volatile as $$
declare
  v_job record;
begin
  for v_job in select id, fencing_token from public.job_queue where user_id is distinct from tests.user_id('bob') order by created_at, id loop
    execute p_statement using v_job.id, v_job.fencing_token;
  end loop;
end
$$;
-- How many jobs are taken before one that bob creates when the lane has moved on by a turn, and before that one.
create function tests.before_bob() returns int
language plpgsql volatile as $$
declare
  v_early constant uuid := tests.enqueue('bob', 'test_open');
  v_late uuid;
begin
  update private.job_lane set virtual_time = virtual_time + 1 where job_priority = 5;
  v_late := tests.enqueue('bob');
  return (
    select count(*)
    from private.job_waiting as other
    join private.job_waiting as own on own.job_id = v_late
    where other.job_type = 'test_open' and other.job_id <> v_early and (other.turn, other.place) < (own.turn, own.place));
end
$$;

-- Jobs whose time comes
create function tests.come_due(p_name text, p_are_children boolean, p_passes int, p_jobs int) returns void
language plpgsql volatile as $$
begin
  perform tests.reset();
  for pass in 1..p_passes loop
    perform tests.make(p_name, p_are_children, p_jobs => p_jobs);
    perform private.promote_due_jobs();
  end loop;
end
$$;
select tests.come_due('ann', false, 40, 1);
select cmp_ok(tests.before_bob(), '<=', 3, 'retries of a user that come due one by one take turns with a new job of another');
select tests.come_due('ann', true, 40, 1);
select cmp_ok(tests.before_bob(), '<=', 3, 'so do those of children');
select tests.come_due(null, false, 40, 1);
select cmp_ok(tests.before_bob(), '<=', 3, 'and of the system');
select tests.come_due('ann', true, 10, 10);
select cmp_ok(tests.before_bob(), '<=', 3, 'and where a few come due at a time');

-- Jobs that are given back
select tests.start('ann');
select tests.one_by_one($$ select public.fail_job($1, 'no', p_retry_after => '0', p_fencing_token => $2) $$);
select cmp_ok(tests.before_bob(), '<=', 3, 'what is to be tried again at once takes turns');
select tests.start('ann');
select public.fail_jobs(jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', fencing_token, 'retry_after_ms', 0))) from public.job_queue;
select cmp_ok(tests.before_bob(), '<=', 3, 'also in one call');
select tests.start('ann');
select tests.one_by_one($$ select public.yield_job($1, $2) $$);
select cmp_ok(tests.before_bob(), '<=', 3, 'what has yielded takes turns');
select tests.start(null);
select tests.one_by_one($$ select public.yield_job($1, $2) $$);
select cmp_ok(tests.before_bob(), '<=', 3, 'of the system, too');
select tests.start('ann', true);
select public.yield_jobs(jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', fencing_token))) from public.job_queue;
select cmp_ok(tests.before_bob(), '<=', 3, 'and of children, in one call');

-- Jobs that were held
select tests.reset(), tests.make('ann', false, 'user_cap');
select tests.one_by_one($$ select private.line_up_capped_jobs(array(select open_type from private.open_job_types(1, array['test_open']) as open_type)) $$);
select is((select count(*)::int from public.job_queue where held_by is null), 40, 'claims line up what a cap has put aside that is no more');
select cmp_ok(tests.before_bob(), '<=', 3, 'to take turns');
select tests.reset(), tests.make('ann', true, 'children');
insert into public.job_batch (parent_job_id, when_done, is_awaited) select id, 'resume', true from public.job_queue;
select tests.one_by_one($$ select private.finish_parent($1) $$);
select is((select count(*)::int from public.job_queue where status = 'pending' and held_by is null), 40, 'parents whose children have ended go on');
select cmp_ok(tests.before_bob(), '<=', 3, 'and take turns');

-- Jobs that somebody asks for again, who line up as new ones do
select tests.reset();
insert into public.job_queue (user_id, job_type, params, status, cancel_requested_at, completed_at)
select tests.user_id('ann'), 'test_open', jsonb_build_object('n', n), 'cancelled', now(), now() from generate_series(1, 40) as n;
select tests.one_by_one($$ select private.retry_jobs(array[$1], array[now()]) $$);
select cmp_ok(tests.before_bob(), '<=', 3, 'what is retried by hand takes turns');
select tests.reset();
select private.find_or_create_job(null, 'test_open', jsonb_build_object('n', n), p_scheduled_for => soon)
from unnest(array[now() + interval '1 hour', null]) as soon, generate_series(1, 40) as n;
select is((select count(*)::int from public.job_queue where turn is not null), 40, 'jobs are brought forward');
select cmp_ok(tests.before_bob(), '<=', 3, 'and take turns');

-- Forty children of many slices, three rounds of them.
create function tests.slice(p_jobs int) returns uuid[]
language plpgsql volatile as $$
declare
  v_ids uuid[];
begin
  select array_agg(id) into v_ids from public.job_queue where id in (select id from tests.claim('w1', p_jobs));
  perform public.yield_job(id, fencing_token) from public.job_queue where id = any(v_ids) and user_id = tests.user_id('ann');
  return v_ids;
end
$$;
select tests.start('ann', true);
select tests.one_by_one($$ select public.yield_job($1, $2) $$);
create temporary table sliced as
  select unnest(tests.slice(1)) as id from generate_series(1, 120);
select results_eq($$ select count(*)::int, min(slices)::int, max(slices)::int from (select count(*) as slices from sliced group by id) as own $$,
  $$ values (40, 3, 3) $$, 'jobs of many slices go on by turns');
select cmp_ok(tests.before_bob(), '<=', 3, 'and with those of other users');

-- What its user has created since does not keep it.
select tests.start('ann', false, 1);
select private.take_child_turns(tests.user_id('ann'), 5::smallint, 1000);
select public.yield_job(id, fencing_token) from public.job_queue;
select is((select turn from public.job_queue), private.next_turn(5::smallint) + 1, 'a job that yields stands before its user''s next thousand children');

-- Nor what cannot start: a type that is paused, or at its cap, keeps no other waiting.
select tests.start('ann', false, 1);
create temporary table going as select id, fencing_token from public.job_queue;
insert into public.job_queue (user_id, job_type, parent_job_id, turn)
select tests.user_id('ann'), 'test_other', gen_random_uuid(), null from generate_series(1, 500);
update public.job_type set is_paused = true where name = 'test_other';
select private.promote_due_jobs();
select public.yield_job(id, fencing_token) from going;
select cmp_ok((select turn from public.job_queue where job_type = 'test_open'), '<=', private.next_turn(5::smallint) + 1,
  'a job that yields does not stand behind its user''s jobs of a type that is paused');
update public.job_type set is_paused = false where name = 'test_other';
select cmp_ok((select count(distinct turn)::int from public.job_queue where job_type = 'test_other'), '=', 500, 'which stand one by one');


-- Of two users and the system, of two types, in one call; every fourth is for later.
select tests.reset();
insert into public.job_queue (user_id, job_type, params, turn)
select (array[tests.user_id('ann'), tests.user_id('bob'), null])[1 + n % 3], (array['test_open', 'test_other'])[1 + n % 2],
  jsonb_build_object('n', n), null from generate_series(1, 48) as n;
select tests.claim('w1', 48);
select public.yield_jobs(jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', fencing_token,
  'delay_ms', case when (params ->> 'n')::int % 4 = 0 then 60000 else 0 end))) from public.job_queue;
select results_eq($$ select count(*)::int, min(turns), max(turns) from (
    select array_agg(turn - private.next_turn(5::smallint) order by turn) as turns
    from public.job_queue where turn is not null group by user_id, job_type) as own $$,
  $$ values (6, '{1,2,3,4}'::bigint[], '{1,2,3,4,5,6,7,8}'::bigint[]) $$, 'each user''s, and the system''s, of each type stand one by one');

select private.sweep_batches();
select isnt_empty($$ select from private.job_flow where again_type <> '' and flow_id = tests.user_id('ann') $$, 'where a user''s jobs stand is remembered');
update private.job_lane set virtual_time = (select max(last_turn) from private.job_flow) where job_priority = 5;
select private.sweep_batches();
select is_empty($$ select from private.job_flow where again_type <> '' and flow_id = tests.user_id('ann') $$, 'until the lane has caught up');

select * from finish();
rollback;

begin;
-- First, and in the tick's order: whoever meets what empties tables, or changes them, in the middle could deadlock.
lock table private.job_lease, private.job_waiting in access exclusive mode;
\ir ../helpers.psql
\ir jobs.psql
select plan(23);

select tests.create_user('ann');
create temporary table named (name text primary key, id uuid);
create function tests.named(p_name text) returns uuid language sql stable as $$ select id from named where name = p_name $$;
insert into named select name, tests.start_parent(2) from unnest(array['lost', 'fast', 'failed', 'alone', 'resumed', 'ahead']) as name;
select public.wait_for_children(tests.named('lost'), tests.token(tests.named('lost')));
select public.wait_for_children(tests.named('fast'), tests.token(tests.named('fast')), 'fail_fast');
select public.wait_for_children(tests.named('resumed'), tests.token(tests.named('resumed')), 'partial', 'resume');
select private.sweep_batches();
select is(private.sweep_batches(), 0, 'sweep_batches() leaves alone what is right');

-- What a kill between the last child and the parent's completion would leave, if they were not one transaction.
alter table public.job_queue disable trigger _100_after_update;
update public.job_queue set status = 'completed', progress_percent = 100, completed_at = now(), turn = null
where parent_job_id in (tests.named('lost'), tests.named('resumed'));
update public.job_queue set status = 'failed', error_code = 'HANDLER_ERROR', completed_at = now() where id = (tests.child(tests.named('fast'), 'c2')).id;
alter table public.job_queue enable trigger _100_after_update;
-- The trigger keeps more than the batches; only those are what was lost.
select private.rebuild_side_tables();
select is((tests.job(tests.named('lost'))).status, 'pending', 'there is a parent that nobody has told');
select is((tests.batch(tests.named('lost'))).completed, 0, 'nor counted for');

select is(private.sweep_batches(), 3, 'sweep_batches() says how many it changed');
select results_eq($$ select status, progress_percent::int, (result ->> 'completed')::int from tests.job(tests.named('lost')) $$, $$ values ('completed', 100, 2) $$,
  'sweep_batches() completes a parent whose last child ended unseen');
select results_eq($$ select completed, is_open from tests.batch(tests.named('lost')) $$, $$ values (2, false) $$, 'counts again and closes the batch');
select results_eq($$ select status, error_message from tests.job(tests.named('fast')) $$, $$ values ('failed', 'Child c2 failed: HANDLER_ERROR') $$,
  'sweep_batches() fails a parent whose child failed unseen');
select is((tests.child(tests.named('fast'), 'c1')).status, 'cancelled', 'and cancels the rest');
select results_eq($$ select status, held_by from tests.job(tests.named('resumed')) $$, $$ values ('pending', null::text) $$, 'sweep_batches() lets a parent''s handler go on');
select is((tests.job(tests.named('lost'))).seq, 3::bigint, 'the parent was completed once');
select is(private.sweep_batches(), 0, 'sweep_batches() has nothing to do the second time');

-- Parents that end while children are active.
select public.fail_job(tests.named('failed'), 'no', 'HANDLER_ERROR', false, null, tests.token(tests.named('failed')));
select is((tests.child(tests.named('failed'), 'c1')).status, 'pending', 'children of a parent that fails are active for a moment');
select is(private.sweep_batches(), 1, 'sweep_batches() finds them');
select results_eq($$ select cancelled, is_open from tests.batch(tests.named('failed')) $$, $$ values (2, false) $$, 'and cancels them');
select public.complete_job(tests.named('alone'), '{}', tests.token(tests.named('alone')));
select is(private.sweep_batches(), 0, 'children of a parent that completed without waiting are left to themselves');
select tests.end_child(tests.named('alone'), 'c1', 'completed'), tests.end_child(tests.named('alone'), 'c2', 'failed');
select is(private.sweep_batches(), 1, 'and their batch is closed when they have ended');
select is((tests.job(tests.named('alone'))).status, 'completed', 'the parent is what it was');

-- Counts that are wrong.
update public.job_batch set completed = 1, total = 7 where parent_job_id = tests.named('ahead');
select is(private.sweep_batches(), 1, 'sweep_batches() finds counts that are not the rows''');
select results_eq($$ select total, completed from tests.batch(tests.named('ahead')) $$, $$ values (2, 0) $$, 'and corrects them');

-- Flows.
insert into private.job_flow
select tests.user_id('ann'), 10, virtual_time + (again <> '')::int, again from private.job_lane, unnest(array['', 'test_open']) as again where job_priority = 10;
select private.sweep_batches();
select is_empty($$ select from private.job_flow where flow_id = tests.user_id('ann') and job_priority = 10 and again_type = '' $$, 'a flow that the lane has caught up with is forgotten');
select isnt_empty($$ select from private.job_flow where flow_id = tests.user_id('ann') and job_priority = 10 and again_type <> '' $$, 'and no other of the same user');
select isnt_empty($$ select from private.job_flow where flow_id = tests.user_id('ann') $$, 'one that is ahead is not');

select tests.side_tables_are_right();
select * from finish();
rollback;

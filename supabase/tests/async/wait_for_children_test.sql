begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(47);

select tests.create_user('ann'), tests.create_user('bob');
create temporary table named (name text primary key, id uuid);
grant select on named to public;
insert into named values
  ('partial', tests.start_parent(4)), ('fast', tests.start_parent(3)), ('resume', tests.start_parent(2)),
  ('hopeless', tests.start_parent(2)), ('childless', tests.start_parent(0)), ('late', tests.start_parent(1));
create function tests.named(p_name text) returns uuid language sql stable security definer as $$ select id from named where name = p_name $$;
grant execute on function tests.named(text) to public;

-- A parent that waits.
select tests.become_service();
select is(public.wait_for_children(tests.named('partial'), tests.token(tests.named('partial')), p_checkpoint => '{"made": true}'), 'pending',
  'wait_for_children() ends the slice');
select results_eq($$ select status, held_by, turn, worker_id, lease_expires_at, expires_at, checkpoint from tests.job(tests.named('partial')) $$,
  $$ values ('pending', 'children', null::bigint, null::text, null::timestamptz, null::timestamptz, '{"made": true}'::jsonb) $$,
  'a parent that waits holds no slot and does not expire');
select is_empty($$ select * from tests.claim('w2', 10, array['test_parent']) $$, 'a parent that waits is not claimed');
select is_empty($$ select * from public.expire_stale_jobs() where job_id = tests.named('partial') $$, 'nor expired');
select is(public.wait_for_children(tests.named('partial'), tests.token(tests.named('partial'))), null,
  'wait_for_children() says null to an attempt that is over');
select is(public.complete_job(tests.named('partial'), '{}', tests.token(tests.named('partial'))), false, 'which can write nothing more');
select is(tests.error_of($$ select public.wait_for_children(tests.named('fast'), tests.token(tests.named('fast')), 'whatever') $$), 'VALIDATION_ERROR',
  'wait_for_children() wants to know what a failed child means');
select is(tests.error_of($$ select public.wait_for_children(tests.named('fast'), tests.token(tests.named('fast')), 'partial', 'whatever') $$), 'VALIDATION_ERROR',
  'wait_for_children() wants to know what comes then');

-- Partial success: the rest goes on.
select tests.end_child(tests.named('partial'), 'c1', 'completed');
select results_eq($$ select progress_percent::int, status from tests.job(tests.named('partial')) $$, $$ values (25, 'pending') $$,
  'a parent''s progress is its children''s');
select tests.end_child(tests.named('partial'), 'c2', 'failed');
select tests.end_child(tests.named('partial'), 'c3', 'cancelled');
select results_eq($$ select total, completed, failed, cancelled from tests.batch(tests.named('partial')) $$, $$ values (4, 1, 1, 1) $$,
  'children are counted as they end');
select is((tests.job(tests.named('partial'))).status, 'pending', 'a parent waits for the last of them');
select tests.end_child(tests.named('partial'), 'c4', 'completed');
select results_eq($$ select status, progress_percent::int, held_by, error_code from tests.job(tests.named('partial')) $$,
  $$ values ('completed', 100, null::text, null::text) $$, 'the last child completes the parent');
select is((tests.job(tests.named('partial'))).result - 'children', '{"total": 4, "completed": 2, "failed": 1, "cancelled": 1}',
  'its result counts the children');
select is((tests.job(tests.named('partial'))).result -> 'children' -> 1,
  jsonb_build_object('job_id', (tests.child(tests.named('partial'), 'c2')).id, 'key', 'c2', 'job_type', 'test_child', 'status', 'failed',
    'error_code', 'PROVIDER_REJECTED', 'result', null), 'and says how each of them ended');
select is((tests.job(tests.named('partial'))).result #> '{children,3,result}', '{"of": "c4"}', 'and what it found');
select is((tests.batch(tests.named('partial'))).is_open, false, 'the batch is closed');

-- Fail fast: the first failure ends it.
select is(public.wait_for_children(tests.named('fast'), tests.token(tests.named('fast')), 'fail_fast'), 'pending', 'fail_fast waits, too');
select tests.end_child(tests.named('fast'), 'c1', 'completed');
select public.start_job((tests.child(tests.named('fast'), 'c3')).id, 'w3');
select tests.end_child(tests.named('fast'), 'c2', 'failed');
select results_eq($$ select status, error_code, error_message from tests.job(tests.named('fast')) $$,
  $$ values ('failed', 'CHILD_FAILED', 'Child c2 failed: PROVIDER_REJECTED') $$, 'fail_fast: the first failed child fails the parent, and is named');
select is((tests.child(tests.named('fast'), 'c3')).status, 'cancelled', 'fail_fast: the rest is cancelled, running or not');
select results_eq($$ select completed, failed, cancelled, is_open from tests.batch(tests.named('fast')) $$, $$ values (1, 1, 1, false) $$, 'and counted');

-- Resume: the handler goes on.
select is(public.wait_for_children(tests.named('resume'), tests.token(tests.named('resume')), p_when_done => 'resume'), 'pending', 'resume waits, too');
select tests.end_child(tests.named('resume'), 'c1', 'failed');
select tests.end_child(tests.named('resume'), 'c2', 'failed');
select results_eq($$ select status, held_by, turn is not null, expires_at > now(), progress_percent::int from tests.job(tests.named('resume')) $$,
  $$ values ('pending', null::text, true, true, 99) $$, 'resume: when all have ended the parent is up for claiming again');
select is((select id from tests.claim('w4', 1, array['test_parent'])), tests.named('resume'), 'and is claimed');
select lives_ok($$ select public.create_child_jobs(tests.named('resume'), tests.token(tests.named('resume')), '[{"job_type": "test_child", "key": "more"}]') $$,
  'its handler may create more children');
select is(public.wait_for_children(tests.named('resume'), tests.token(tests.named('resume'))), 'pending', 'and wait for them');
select tests.end_child(tests.named('resume'), 'more', 'completed');
select results_eq($$ select status, (result ->> 'failed')::int, (result ->> 'completed')::int from tests.job(tests.named('resume')) $$, $$ values ('completed', 2, 1) $$,
  'and is completed with all of them');

-- No child completed.
select public.wait_for_children(tests.named('hopeless'), tests.token(tests.named('hopeless')));
select tests.end_child(tests.named('hopeless'), 'c2', 'failed');
select tests.end_child(tests.named('hopeless'), 'c1', 'cancelled');
select results_eq($$ select status, error_code, error_message from tests.job(tests.named('hopeless')) $$,
  $$ values ('failed', 'CHILD_FAILED', 'Child c2 failed: PROVIDER_REJECTED') $$, 'a parent of which no child completed has failed');

-- Nothing to wait for.
select is(public.wait_for_children(tests.named('childless'), tests.token(tests.named('childless'))), 'completed',
  'wait_for_children() completes a parent without children at once');
select is((tests.job(tests.named('childless'))).result, '{"total": 0, "completed": 0, "failed": 0, "cancelled": 0, "children": []}', 'with nothing to count');
select tests.end_child(tests.named('late'), 'c1', 'completed');
select is((tests.job(tests.named('late'))).status, 'processing', 'children may end before the parent waits');
select is(public.wait_for_children(tests.named('late'), tests.token(tests.named('late'))), 'completed', 'which is then completed at once');

-- However a child ends.
select tests.become_postgres();
insert into named values ('crash', tests.start_parent(1)), ('expiry', tests.start_parent(1)), ('crowd', tests.start_parent(300)), ('long', tests.start_parent(2));
select public.wait_for_children(id, tests.token(id), 'partial') from named where name in ('crash', 'expiry', 'crowd', 'long');
update public.job_queue set crash_count = 2, crash_streak = 2 where parent_job_id = tests.named('crash');
select public.start_job((tests.child(tests.named('crash'), 'c1')).id, 'w5');
select tests.run_out((tests.child(tests.named('crash'), 'c1')).id);
select tests.claim('w6', 1, array['test_cached']);
select is((tests.job(tests.named('crash'))).error_message, 'Child c1 failed: WORKER_LOST', 'a child that crashed for good is counted');
update public.job_queue set expires_at = now() where parent_job_id = tests.named('expiry');
select public.expire_stale_jobs();
select is((tests.job(tests.named('expiry'))).error_message, 'Child c1 failed: EXPIRED', 'a child that expired is counted');
select tests.end_child(tests.named('long'), 'c1', 'completed');
select public.start_job((tests.child(tests.named('long'), 'c2')).id, 'w7');
select public.complete_job((tests.child(tests.named('long'), 'c2')).id, jsonb_build_object('text', (select string_agg(md5(n::text), '') from generate_series(1, 1100) as n)));
select is((tests.job(tests.named('long'))).result, '{"total": 2, "completed": 2, "failed": 0, "cancelled": 0, "children_omitted": true}',
  'children are left out of a result that would be over 32 KB');
insert into named values ('digits', tests.start_parent(1));
select public.wait_for_children(id, tests.token(id), 'partial') from named where name = 'digits';
select public.start_job((tests.child(id, 'c1')).id, 'w7') from named where name = 'digits';
select public.complete_job((tests.child(tests.named('digits'), 'c1')).id, '1e131071');
select ok((tests.job(tests.named('digits'))).result ? 'children_omitted', 'as few bytes of many digits would be');

-- One statement for many.
select is((select seq from tests.job(tests.named('crowd'))), 2::bigint, 'a parent has been claimed, and waits');
select tests.claim('w8', 300, array['test_child']);
select public.complete_jobs(jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', fencing_token)))
from public.job_queue where parent_job_id = tests.named('crowd') and dedupe_key in (select 'key:c' || n from generate_series(1, 149) as n);
select results_eq($$ select progress_percent::int, seq from tests.job(tests.named('crowd')) $$, $$ values (49, 3::bigint) $$, 'many children at once are one step of the parent');
select tests.end_child(tests.named('crowd'), 'c150', 'completed');
select tests.end_child(tests.named('crowd'), 'c151', 'completed');
select results_eq($$ select progress_percent::int, seq from tests.job(tests.named('crowd')) $$, $$ values (50, 4::bigint) $$, 'the owner hears of whole percents');

-- Children that have children.
insert into named values ('top', tests.start_parent(1));
select public.wait_for_children(tests.named('top'), tests.token(tests.named('top')));
insert into named select 'middle', (tests.child(tests.named('top'), 'c1')).id;
select public.start_job(tests.named('middle'), 'w9');
select public.create_child_jobs(tests.named('middle'), tests.token(tests.named('middle')), '[{"job_type": "test_child", "key": "leaf"}]');
select is(public.wait_for_children(tests.named('middle'), tests.token(tests.named('middle')), 'fail_fast'), 'pending', 'a child may be a parent');
select tests.end_child(tests.named('middle'), 'leaf', 'completed');
select results_eq($$ select name, status from named, tests.job(named.id) where name in ('top', 'middle') order by 1 $$, $$ values ('middle', 'completed'), ('top', 'completed') $$,
  'the last leaf completes them all');

-- Cancelling.
insert into named values ('stopped', tests.start_parent(2));
select public.wait_for_children(tests.named('stopped'), tests.token(tests.named('stopped')));
select tests.become_user('ann');
select ok(public.cancel_job(tests.named('stopped')), 'a parent that waits can be cancelled');
select tests.become_postgres();
select results_eq($$ select status, held_by from tests.job(tests.named('stopped')) $$, $$ values ('cancelled', null::text) $$, 'and is');
select results_eq($$ select cancelled, total from tests.batch(tests.named('stopped')) $$, $$ values (2, 2) $$, 'with its children, which are counted');

-- Who may.
insert into named values ('mine', tests.start_parent(1));
select tests.become_user('ann');
select throws_ok($$ select public.wait_for_children(tests.named('mine'), 1) $$, '42501', null, 'no user can make a job wait');
select tests.become_anon();
select throws_ok($$ select public.wait_for_children(tests.named('mine'), 1) $$, '42501', null, 'nor can anon');
select tests.become_service();
select is(public.wait_for_children(tests.named('mine'), tests.token(tests.named('mine'))), 'pending', 'the service can');

select tests.side_tables_are_right();
select * from finish();
rollback;

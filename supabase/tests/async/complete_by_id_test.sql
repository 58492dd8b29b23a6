begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(28);

select tests.create_user('ann');
create temporary table made (n int, id uuid);
grant all on made to public;
-- So many new jobs that run.
create function tests.start_jobs(p_count int) returns void
language plpgsql volatile as $$
begin
  delete from made;
  insert into made select n, private.time_ordered_id() from generate_series(1, p_count) as n;
  insert into public.job_queue (id, user_id, job_type, turn) select id, case when n % 2 = 0 then tests.user_id('ann') end, 'test_internal', n from made order by n;
  perform tests.claim('w1', p_count, array['test_internal']);
end
$$;
create function tests.ids() returns uuid[] language sql volatile as $$ select array_agg(id order by n) from made $$;
create function tests.tokens() returns bigint[] language sql volatile as $$ select array_agg(tests.token(id) order by n) from made $$;
create function tests.statuses() returns text[] language sql volatile as $$ select array_agg((tests.job(id)).status order by n) from made $$;
create function tests.results() returns jsonb[] language sql volatile as $$ select array_agg((tests.job(id)).result order by n) from made $$;

grant execute on all functions in schema tests to public;

select tests.become_user('ann');
select throws_ok($$ select private.complete_by_id('{}', '{}') $$, '42501', null, 'users complete nothing');
select tests.become_postgres();

select tests.start_jobs(3);
select tests.become_service();
select is(private.complete_by_id(tests.ids(), tests.tokens()), '{}', 'complete_by_id() of what the worker holds refuses nothing');
select is(tests.statuses(), array['completed', 'completed', 'completed'], 'and completes it');
select is(tests.results(), array[null, null, null]::jsonb[], 'without results');
select set_eq('select unnest(private.complete_by_id(tests.ids(), tests.tokens()))', 'select id from made', 'what has ended is refused');
select tests.become_postgres();

select tests.start_jobs(4);
select is(private.complete_by_id(tests.ids(), tests.tokens(), '[{"n": 1}, null, [], 0]'), '{}', 'results come as an array beside the ids');
select is(tests.results(), array['{"n": 1}', null, '[]', '0']::jsonb[], 'each goes to its job; that of JSON null is none');

select tests.start_jobs(3);
select public.cancel_job(id) from made where n = 2;
select set_eq($$ select unnest(private.complete_by_id(tests.ids(), array[1, 1, 7]::bigint[], '[1, 2, 3]')) $$, $$ select id from made where n in (2, 3) $$,
  'a job that was cancelled and one under another token are refused, and named');
select is(tests.statuses(), array['completed', 'cancelled', 'processing'], 'the others of the batch count');
select is(tests.results(), array['1', null, null]::jsonb[], 'with their own results');
select is(private.complete_by_id(array(select id from made where n = 3), array[null]::bigint[]), array(select id from made where n = 3),
  'without a token only a classic worker completes');

select tests.start_jobs(3);
select is(private.complete_by_id(tests.ids() || tests.ids(), tests.tokens() || tests.tokens()), '{}', 'a job that is named twice is completed once');
select is((select array_agg((tests.job(id)).seq) from made), array[2, 2, 2]::bigint[], 'and told once');
select tests.start_jobs(2);
select is(private.complete_by_id(array(select id from made, generate_series(1, 2) order by n), array[9, 1, 1, 9]::bigint[], '["a", "b", "c", "d"]'), '{}',
  'named under two tokens it is completed under its own');
select is(tests.results(), array['"b"', '"c"']::jsonb[], 'with the result that goes with that');

select tests.start_jobs(3);
select is(private.complete_by_id(tests.ids(), tests.tokens(), '["a"]'), '{}', 'an array of results that is too short');
select is(tests.results(), array['"a"', null, null]::jsonb[], 'leaves the last jobs without');
select tests.start_jobs(1);
select is(private.complete_by_id(tests.ids(), tests.tokens(), '["a", "b"]'), '{}', 'what is too many in a longer one is nobody''s');

select tests.start_jobs(2);
select is(cardinality(private.complete_by_id(tests.ids() || gen_random_uuid(), tests.tokens() || 1::bigint)), 1, 'a job that nobody knows is refused');
select is(tests.statuses(), array['completed', 'completed'], 'and keeps no other from its end');
select is(private.complete_by_id('{}', '{}'), '{}', 'nothing is completed by nothing');
select is(private.complete_by_id(null, null), '{}', 'nor by null');

select tests.start_jobs(2);
select is(tests.error_of($$ select private.complete_by_id(tests.ids(), tests.tokens(), jsonb_build_array(1, repeat('x', 262144))) $$), 'RESULT_TOO_LARGE',
  'a result over 256 KB is refused');
select is(tests.error_of($$ select private.complete_by_id(tests.ids(), tests.tokens(), '[1, [1e131071, 1e131071]]') $$), 'RESULT_TOO_LARGE',
  'so is one of few bytes that would be so many digits for whoever reads it');
select lives_ok($$ select tests.ids(), private.complete_by_id(array[gen_random_uuid(), gen_random_uuid()], '{0,0}', jsonb_build_array(repeat('x', 200000), repeat('x', 200000))) $$,
  'two that are over it together are not');
select is(tests.statuses(), array['processing', 'processing'], 'and the whole batch is still the worker''s');
select is(private.complete_by_id(tests.ids(), tests.tokens(), jsonb_build_array(1, repeat('x', 262142))), '{}', 'one of exactly that size is not');
select tests.side_tables_are_right();

select * from finish();
rollback;

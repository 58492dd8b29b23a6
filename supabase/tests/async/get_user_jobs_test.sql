begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(29);

select tests.create_user('ann'), tests.create_user('bob');
-- Ann's jobs 1 to 7, the newest last; 3 failed, 5 and 6 are completed, 7 is the parent of two children.
insert into public.job_queue (user_id, job_type, job_priority, params, created_at, scheduled_for, status,
  progress_percent, result, error_code, completed_at)
select tests.user_id('ann'), case when n = 2 then 'test_other' else 'test_open' end, 11 - n,
  jsonb_build_object('n', n), now() - interval '1 hour' + n * interval '1 minute', now(),
  case when n in (5, 6) then 'completed' when n = 3 then 'failed' else 'pending' end,
  case when n in (5, 6) then 100 else 0 end, case when n = 5 then '{"found": 5}'::jsonb end,
  case when n = 3 then 'HANDLER_ERROR' end, case when n in (3, 5, 6) then now() - n * interval '1 minute' end
from generate_series(1, 7) as n;
insert into public.job_queue (user_id, job_type, parent_job_id, params)
select user_id, 'test_open', id, jsonb_build_object('n', 70 + child)
from public.job_queue, generate_series(1, 2) as child where params = '{"n": 7}';
insert into public.job_queue (job_type, params) values ('test_internal', '{"n": 99}');

create function tests.listed(p_call text) returns int[]
language plpgsql volatile
as $$
declare
  v_numbers int[];
begin
  execute 'select array_agg((params ->> ''n'')::int order by place) from ' || p_call
    || ' with ordinality as listed (id, parent_job_id, job_type, status, job_priority, params,
      progress_percent, progress_message, has_result, error_code, error_message, retry_count, crash_count,
      max_retries, held_by, scheduled_for, created_at, started_at, completed_at, updated_at, seq, total_count, place)'
    into v_numbers;
  return v_numbers;
end
$$;
grant execute on function tests.listed(text) to public;

select tests.become_anon();
select throws_ok($$ select public.get_user_jobs() $$, '42501', null, 'anon lists nothing');

select tests.become_user('ann');
select is(tests.listed('public.get_user_jobs()'), '{7,6,5,4,3,2,1}', 'get_user_jobs() lists the caller''s jobs, newest first, without children');
select is(total_count, 7, 'get_user_jobs() says how many there are') from public.get_user_jobs(p_limit => 2) limit 1;
select is(tests.listed('public.get_user_jobs(p_limit => 2, p_offset => 4)'), '{3,2}', 'get_user_jobs() goes on at an offset');
select is((select count(*)::int from public.get_user_jobs(p_offset => 7)), 0, 'a page behind the last one is empty');
select is(tests.listed($$public.get_user_jobs(p_status => 'completed')$$), '{6,5}', 'get_user_jobs() filters by status');
select is(total_count, 2, 'and counts what the filter lets through') from public.get_user_jobs(p_status => 'completed', p_limit => 1);
select is(tests.listed($$public.get_user_jobs(p_job_type => 'test_other')$$), '{2}', 'get_user_jobs() filters by type');
select is(tests.listed($$public.get_user_jobs(p_status => 'failed', p_job_type => 'test_other')$$), null, 'get_user_jobs() filters by both at once');

select is(tests.listed($$public.get_user_jobs(p_order_dir => 'asc')$$), '{1,2,3,4,5,6,7}', 'get_user_jobs() lists the oldest first');
select is(tests.listed($$public.get_user_jobs(p_order_by => 'job_priority', p_order_dir => 'asc')$$), '{7,6,5,4,3,2,1}', 'get_user_jobs() orders by priority');
select is((tests.listed($$public.get_user_jobs(p_order_by => 'completed_at', p_order_dir => 'desc')$$))[1:3], '{3,5,6}', 'get_user_jobs() orders by end, the unfinished last');
select is((tests.listed($$public.get_user_jobs(p_order_by => 'completed_at', p_order_dir => 'asc')$$))[1:3], '{6,5,3}', 'in both directions');
select is((tests.listed($$public.get_user_jobs(p_order_by => 'job_type')$$))[1], 2, 'get_user_jobs() orders by type');
select is((tests.listed($$public.get_user_jobs(p_order_by => 'status', p_order_dir => 'asc')$$))[3], 3, 'get_user_jobs() orders by status');

select is(tests.error_of($$ select public.get_user_jobs(p_order_by => 'result') $$), 'VALIDATION_ERROR', 'get_user_jobs() orders by no other column');
select is(tests.error_of($$ select public.get_user_jobs(p_order_by => 'created_at; drop table job_log') $$), 'VALIDATION_ERROR', 'nor by SQL');
select is(tests.error_of($$ select public.get_user_jobs(p_order_dir => 'desc, id') $$), 'VALIDATION_ERROR', 'get_user_jobs() knows two directions');
select is(tests.error_of($$ select public.get_user_jobs(p_status => 'done') $$), 'VALIDATION_ERROR', 'get_user_jobs() knows no such status');
select is(tests.error_of($$ select public.get_user_jobs(p_limit => 0) $$), 'VALIDATION_ERROR', 'get_user_jobs() lists at least one');
select is(tests.error_of($$ select public.get_user_jobs(p_limit => 101) $$), 'VALIDATION_ERROR', 'get_user_jobs() lists at most 100');
select is(tests.error_of($$ select public.get_user_jobs(p_offset => -1) $$), 'VALIDATION_ERROR', 'get_user_jobs() goes on from no negative offset');

select row_eq(
  $$ select job_type, status, progress_percent, has_result, error_code, total_count from public.get_user_jobs(p_status => 'completed', p_limit => 1, p_order_dir => 'asc') $$,
  row('test_open'::text, 'completed'::text, 100::smallint, true, null::text, 2), 'get_user_jobs() tells that there is a result');
select is(has_result, false, 'and that there is none') from public.get_user_jobs(p_status => 'completed', p_limit => 1);

select tests.become_user('bob');
select is(tests.listed('public.get_user_jobs()'), null, 'a stranger lists nothing of it');
select is(tests.listed($$public.get_user_jobs(tests.user_id('ann'))$$), null, 'nor by naming the owner');

select tests.become_service();
select is(tests.listed($$public.get_user_jobs(tests.user_id('ann'), p_limit => 3)$$), '{7,6,5}', 'the service names the user');
select ok(tests.listed($$public.get_user_jobs(p_job_type => 'test_internal')$$) = '{99}', 'or nobody, and gets the system''s jobs');

-- More than anybody pages through.
select tests.become_postgres();
insert into public.job_queue (user_id, job_type) select tests.user_id('bob'), 'test_open' from generate_series(1, 10050);
select is(total_count, 10000, 'counting stops at 10 000') from public.get_user_jobs(tests.user_id('bob'), p_limit => 1);

select * from finish();
rollback;

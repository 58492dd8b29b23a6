begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(14);

select tests.create_user('ann'), tests.create_user('bob');
create function tests.finished(p_name text, p_params jsonb, p_age interval, p_type text default 'test_cached', p_status text default 'completed') returns void
language sql volatile
as $$
  insert into public.job_queue (user_id, job_type, params, dedupe_key, status, progress_percent, result, error_code, requested_at, completed_at)
  values (tests.user_id(p_name), p_type, p_params, private.job_dedupe_key(p_type, p_params), p_status,
    case when p_status = 'completed' then 100 else 0 end,
    case when p_status = 'completed' then jsonb_build_object('age', p_age) end,
    case when p_status = 'failed' then 'HANDLER_ERROR' end, now() - p_age, now() - p_age)
$$;
select tests.finished('ann', '{"q": 1}', '50 minutes'), tests.finished('ann', '{"q": 1}', '10 minutes'),
  tests.finished('ann', '{"q": 2}', '2 hours'), tests.finished('ann', '{"q": 3}', '1 minute', 'test_cached', 'failed'),
  tests.finished('ann', '{"a": 1, "b": 2}', '1 minute'), tests.finished('ann', '{"q": 1}', '1 minute', 'test_open');
insert into public.job_queue (job_type, params, dedupe_key, status, progress_percent, result, completed_at)
values ('test_cached', '{"q": 9}', private.job_dedupe_key('test_cached', '{"q": 9}'), 'completed', 100, '{"of": "system"}', now());

select tests.become_anon();
select throws_ok($$ select public.get_cached_job_result(tests.user_id('ann'), 'test_cached', '{"q": 1}') $$, '42501', null, 'anon has no results');

select tests.become_user('ann');
select is(result, '{"age": "00:10:00"}', 'get_cached_job_result() gives the newest result') from public.get_cached_job_result(null, 'test_cached', '{"q": 1}');
select is(completed_at, now() - interval '10 minutes', 'and says how old it is') from public.get_cached_job_result(null, 'test_cached', '{"q": 1}');
select isnt_empty($$ select from public.get_cached_job_result(null, 'test_cached', '{"b": 2, "a": 1}') $$, 'the order of keys makes no difference');
select is_empty($$ select from public.get_cached_job_result(null, 'test_cached', '{"q": 2}') $$, 'a result older than the type''s time to live is none');
select isnt_empty($$ select from public.get_cached_job_result(null, 'test_cached', '{"q": 2}', '3 hours') $$, 'unless the caller takes it');
select is_empty($$ select from public.get_cached_job_result(null, 'test_cached', '{"q": 1}', '5 minutes') $$, 'or is not content with one that fresh');
select is_empty($$ select from public.get_cached_job_result(null, 'test_cached', '{"q": 3}') $$, 'a failed job has no result');
select is_empty($$ select from public.get_cached_job_result(null, 'test_cached', '{"q": 4}') $$, 'a question nobody asked has none');
select is_empty($$ select from public.get_cached_job_result(null, 'test_open', '{"q": 1}') $$, 'a type whose results are not reused has none');
select isnt_empty($$ select from public.get_cached_job_result(null, 'test_open', '{"q": 1}', '5 minutes') $$, 'unless the caller says how old it may be');

select tests.become_user('bob');
select is_empty($$ select from public.get_cached_job_result(tests.user_id('ann'), 'test_cached', '{"q": 1}') $$, 'a stranger gets no result by naming the owner');

select tests.become_service();
select isnt_empty($$ select from public.get_cached_job_result(tests.user_id('ann'), 'test_cached', '{"q": 1}') $$, 'the service names the user');
select is(result, '{"of": "system"}', 'or nobody, and gets what the system found') from public.get_cached_job_result(null, 'test_cached', '{"q": 9}');

select * from finish();
rollback;

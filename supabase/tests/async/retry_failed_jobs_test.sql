begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(12);

select tests.create_user('ann'), tests.create_user('bob');
create function tests.failed(p_name text, p_n int, p_age interval default '1 minute', p_code text default 'HANDLER_ERROR', p_type text default 'test_open')
returns uuid language sql volatile as $$
  insert into public.job_queue (user_id, job_type, params, dedupe_key, status, error_code, completed_at)
  values (tests.user_id(p_name), p_type, jsonb_build_object('n', p_n), private.job_dedupe_key(p_type, jsonb_build_object('n', p_n)),
    'failed', p_code, now() - p_age)
  returning id
$$;
create temporary table made as
  select 'equal' as name, tests.failed('ann', 1, '3 minutes') as id union all select 'equal, too', tests.failed('ann', 1, '2 minutes')
  union all select 'other', tests.failed('ann', 2) union all select 'bob''s', tests.failed('bob', 1, '4 minutes')
  union all select 'old', tests.failed('ann', 3, '25 hours') union all select 'quota', tests.failed('ann', 4, p_code => 'PROVIDER_QUOTA_EXCEEDED')
  union all select 'other type', tests.failed('ann', 5, p_type => 'test_other');
insert into public.job_queue (user_id, job_type, parent_job_id, status, error_code, completed_at)
select tests.user_id('ann'), 'test_open', id, 'failed', 'HANDLER_ERROR', now() from made where name = 'other';
grant select on made to public;

select tests.become_user('ann');
select throws_ok($$ select * from public.retry_failed_jobs() $$, '42501', null, 'no user can retry everybody''s jobs');
select tests.become_anon();
select throws_ok($$ select * from public.retry_failed_jobs() $$, '42501', null, 'nor can anon');

select tests.become_service();
select results_eq($$ select name, job_type, outcome from public.retry_failed_jobs(p_error_code => 'PROVIDER_QUOTA_EXCEEDED') join made on id = job_id $$,
  $$ values ('quota', 'test_open', 'retried') $$, 'retry_failed_jobs() takes one error code');
select results_eq($$ select name, outcome from public.retry_failed_jobs('test_other') join made on id = job_id $$,
  $$ values ('other type', 'retried') $$, 'retry_failed_jobs() takes one type');
select results_eq($$ select name, outcome from public.retry_failed_jobs('test_open', p_limit => 1) join made on id = job_id $$,
  $$ values ('bob''s', 'retried') $$, 'retry_failed_jobs() takes the oldest first');
select set_eq($$ select name, outcome from public.retry_failed_jobs('test_open', p_spread => '10 minutes') left join made on id = job_id $$,
  $$ values ('equal', 'retried'), ('equal, too', 'JOB_ALREADY_ACTIVE'), ('other', 'retried') $$, 'retry_failed_jobs() says why not');
select set_eq($$ select name, round(extract(epoch from scheduled_for - now()) / 60)::int, turn is null from made, tests.job(made.id) where name in ('equal', 'other') $$,
  $$ values ('equal', 0, false), ('other', 7, true) $$, 'retry_failed_jobs() spreads the starts');
select is((tests.job(id)).status, 'failed', 'what failed before p_since stays') from made where name = 'old';
select is((select status from public.job_queue where parent_job_id is not null and user_id = tests.user_id('ann')), 'pending', 'children come back with their parent');
select results_eq($$ select name, outcome from public.retry_failed_jobs('test_open', p_since => '2 days') join made on id = job_id order by 1 $$,
  $$ values ('equal, too', 'JOB_ALREADY_ACTIVE'), ('old', 'retried') $$, 'retry_failed_jobs() goes back as far as it is told');

select tests.become_postgres();
select tests.failed('bob', n) from generate_series(100, 120) as n;
select results_eq($$ select outcome, count(*)::int from private.retry_failed_jobs('test_open', null, '1 day', 1000, '0') as job
    where exists (select from public.job_queue where id = job.job_id and user_id = tests.user_id('bob')) group by 1 order by 1 $$,
  $$ values ('JOB_LIMIT_REACHED', 12), ('retried', 9) $$, 'retry_failed_jobs() keeps the limit per user');

select tests.side_tables_are_right();
select * from finish();
rollback;

begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(20);

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


-- What is retried together stands as if it had been retried one by one.
delete from public.job_queue where user_id in (tests.user_id('ann'), tests.user_id('bob'));
create temporary table lane as select virtual_time from private.job_lane where job_priority = 5;
select tests.failed('ann', n), tests.failed('bob', n) from generate_series(200, 204) as n;
insert into public.job_queue (user_id, job_type, dedupe_key, status, error_code, completed_at)
select null, 'test_open', case when n % 2 = 0 then 'key ' || n end, 'failed', 'HANDLER_ERROR', now() - interval '1 minute' from generate_series(200, 204) as n;
select results_eq($$ select outcome, count(*)::int from public.retry_failed_jobs('test_open') group by 1 $$, $$ values ('retried', 15) $$, 'retry_failed_jobs() takes jobs of users and of the system, with a key or without');
select results_eq($$ select user_id, count(distinct turn)::int, max(turn) - min(turn) from public.job_queue where job_type = 'test_open' and status = 'pending' group by 1 order by user_id $$,
  $$ select id, 5, 4::bigint from unnest(array[tests.user_id('ann'), tests.user_id('bob'), null]) as id order by id $$, 'each user''s stand one behind the other');
select results_eq($$ select distinct min(turn) - virtual_time from public.job_queue, lane where job_type = 'test_open' and status = 'pending' and user_id is not null group by user_id, virtual_time $$,
  $$ values (1::bigint) $$, 'from the first free turn on');

-- Units that were given back are charged again, and some have used them up since.
update public.job_type set quota_type = 'syncs' where name = 'test_other';
select tests.create_user('u' || n) from generate_series(1, 9) as n;
insert into public.job_queue (user_id, job_type, params, dedupe_key) select tests.user_id('u' || u), 'test_other', '{}', u || ' ' || n from generate_series(1, 9) as u, generate_series(1, 3) as n;
update public.job_queue set status = 'failed', error_code = 'HANDLER_ERROR', completed_at = now(), turn = null where job_type = 'test_other' and status = 'pending';
select results_eq($$ select distinct syncs_used from public.subscription where user_id = any(array(select tests.user_id('u' || n) from generate_series(1, 9) as n)) $$, $$ values (0) $$, 'what has failed was given back');
update public.subscription set syncs_used = 9 where user_id = tests.user_id('u4');
update public.subscription set syncs_used = 10 where user_id = tests.user_id('u7');
create temporary table answer as select outcome, user_id from public.retry_failed_jobs('test_other') join public.job_queue on id = job_id;
select results_eq($$ select outcome, count(*)::int, count(distinct user_id)::int from answer group by 1 order by 1 $$,
  $$ values ('QUOTA_EXCEEDED', 5, 2), ('retried', 22, 8) $$, 'where units are left for some, retry_failed_jobs() takes those');
select results_eq($$ select syncs_used from public.subscription where user_id = any(array(select tests.user_id('u' || n) from generate_series(1, 9) as n)) order by 1 $$,
  $$ values (3), (3), (3), (3), (3), (3), (3), (10), (10) $$, 'and charges for no others');

-- Several batches
create temporary table family as select tests.start_parent(2, 'u' || n) as id from generate_series(1, 3) as n;
select public.fail_job(id, 'no', 'HANDLER_ERROR', false, null, tests.token(id)) from family;
select private.sweep_batches();
select results_eq($$ select outcome, count(*)::int from public.retry_failed_jobs('test_parent') group by 1 $$, $$ values ('retried', 3) $$, 'batches are retried together');
select results_eq($$ select status, count(*)::int, count(turn)::int from public.job_queue where parent_job_id in (select id from family) group by 1 $$, $$ values ('pending', 6, 6) $$, 'with the children of each');

select tests.side_tables_are_right();
select * from finish();
rollback;

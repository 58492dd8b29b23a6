begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(11);

select tests.create_user('ann'), tests.create_user('bob');
-- Ten a minute: pages must not lose or repeat what was created at the same moment.
insert into public.job_queue (user_id, job_type, created_at, status, progress_percent, completed_at)
select tests.user_id('ann'), 'test_open', now() - n / 10 * interval '1 minute',
  case when n % 3 = 0 then 'completed' else 'pending' end, case when n % 3 = 0 then 100 else 0 end,
  case when n % 3 = 0 then now() end
from generate_series(0, 49) as n;
insert into public.job_queue (user_id, job_type, parent_job_id)
select user_id, 'test_open', id from public.job_queue where user_id = tests.user_id('ann') limit 5;

-- Pages through to the end and returns what it saw.
create function tests.page_through(p_limit int, p_status text default null) returns table (id uuid, page int, total_count int)
language plpgsql volatile
as $$
declare
  v_at timestamptz;
  v_id uuid;
begin
  for page in 1..60 loop
    create temporary table seen as
      select listed.*, row_number() over () as place
      from public.get_user_jobs_page(p_status => p_status, p_limit => p_limit, p_before_created_at => v_at, p_before_id => v_id) as listed;
    return query select seen.id, page, seen.total_count from seen;
    select seen.created_at, seen.id into v_at, v_id from seen order by place desc limit 1;
    drop table seen;
    exit when v_at is null;
  end loop;
end
$$;
grant execute on function tests.page_through(int, text) to public;

select tests.become_anon();
select throws_ok($$ select public.get_user_jobs_page() $$, '42501', null, 'anon lists nothing');

select tests.become_user('ann');
select results_eq(
  $$ select id from tests.page_through(7) $$,
  $$ select id from public.job_queue where user_id = tests.user_id('ann') and parent_job_id is null order by created_at desc, id desc $$,
  'get_user_jobs_page() goes through all jobs, each once, newest first');
select is((select max(page) from tests.page_through(7)), 8, 'a page is as long as asked for');
select is((select count(*)::int from tests.page_through(100)), 50, 'or holds all there are');
select is((select count(distinct id)::int from tests.page_through(4, 'completed')), 17, 'get_user_jobs_page() filters');
select results_eq($$ select distinct total_count from tests.page_through(7) where page = 1 $$, array[50], 'the first page says how many there are');
select is((select count(total_count)::int from tests.page_through(7) where page > 1), 0, 'the others do not count again');
select is(tests.error_of($$ select public.get_user_jobs_page(p_limit => 101) $$), 'VALIDATION_ERROR', 'a page holds at most 100');
select is((select count(*)::int from public.get_user_jobs_page(p_limit => 100, p_before_created_at => now())), 40,
  'without an id a page begins strictly before the time');

select tests.become_user('bob');
select is((select count(*)::int from public.get_user_jobs_page(tests.user_id('ann'))), 0, 'a stranger lists nothing by naming the owner');
select tests.become_service();
select is((select count(*)::int from public.get_user_jobs_page(tests.user_id('ann'), p_limit => 100)), 50, 'the service names the user');

select * from finish();
rollback;

begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(20);

select tests.create_user('ann');
create temporary table seen (id uuid primary key);
-- What was broadcast since the last call; postgres may read realtime.messages, but not delete from it.
create function tests.news() returns setof realtime.messages
language sql volatile
as $$
  with fresh as (
    insert into seen select id from realtime.messages
    where topic like any (array['user\_jobs:' || tests.user_id('ann'), 'job\_status:%'])
      and (payload ->> 'user_id')::uuid = tests.user_id('ann')
    on conflict do nothing
    returning id
  )
  select message.* from realtime.messages as message join fresh on fresh.id = message.id
$$;

create temporary table job as select tests.enqueue('ann') as a, tests.enqueue('ann') as b;
select results_eq($$ select topic, event, extension, private, payload ->> 'status' from tests.news() limit 1 $$,
  $$ values ('user_jobs:' || tests.user_id('ann'), 'job_update', 'broadcast', true, 'pending') $$,
  'a new job is told on its owner''s private topic');
insert into public.job_queue (job_type) values ('test_internal');
select is((select count(*)::int from realtime.messages where payload ->> 'job_type' = 'test_internal'), 0, 'a system job is told to nobody');

select tests.claim('w1', 2, array['test_open']);
select results_eq($$ select topic, payload ->> 'status', payload ->> 'seq' from tests.news() order by 1 $$,
  $$ select topic, 'processing', '1' from job, unnest(array['job_status:' || a, 'job_status:' || b,
    'user_jobs:' || tests.user_id('ann'), 'user_jobs:' || tests.user_id('ann')]) as topic order by 1 $$,
  'a change is told on the topics of the job and of its owner');

select public.update_job_progress(a, 10, 'ten', 1) from job;
select results_eq($$ select distinct (payload ->> 'progress_percent')::int, payload ->> 'progress_message', (payload ->> 'seq')::int from tests.news() $$,
  $$ values (10, 'ten', 2) $$, 'progress is told');
select public.update_job_progress(a, 10, 'ten', 1) from job;
select is((select count(*)::int from tests.news()), 0, 'what did not change is not told');
select public.save_job_checkpoint(a, 1, '{}') from job;
select is((select count(*)::int from tests.news()), 0, 'a checkpoint alone is not told');
update public.job_queue set lease_expires_at = now() from job where id = a;
select is((select count(*)::int from tests.news()), 0, 'a lease is not told');

select public.complete_job(a, '{"n": 1}', 1) from job;
select results_eq($$ select payload - 'updated_at' from job, tests.news() where topic = 'job_status:' || a $$,
  $$ select jsonb_build_object('job_id', a, 'user_id', tests.user_id('ann'), 'job_type', 'test_open', 'status', 'completed',
    'progress_percent', 100, 'progress_message', 'ten', 'error_code', null, 'error_message', null, 'seq', 3,
    'result', '{"n": 1}'::jsonb) from job $$, 'completion is told with the result');
select public.complete_job(b, jsonb_build_object('x', repeat('x', 32769)), 1) from job;
select is((select count(*)::int from tests.news() where payload ? 'result'), 0, 'a result over 32 KB is left out');

create temporary table family as select tests.start_parent(2) as parent;
select is_empty($$ select payload from tests.news(), family where (payload ->> 'job_id')::uuid <> parent $$,
  'children that begin are told by their parent');
select public.start_job((tests.child(parent, 'c1')).id, 'w1') from family;
select results_eq($$ select topic, payload ->> 'status' from tests.news() order by 1 $$,
  $$ select topic, 'processing' from family, unnest(array['job_status:' || (tests.child(parent, 'c1')).id, 'user_jobs:' || tests.user_id('ann')]) as topic order by 1 $$,
  'and from then on as any job');
select public.update_job_progress((tests.child(parent, 'c1')).id, 10, null, (tests.child(parent, 'c1')).fencing_token) from family;
select results_eq($$ select distinct payload ->> 'parent_job_id' from tests.news() $$, $$ select parent::text from family $$,
  'with the job they are a part of, so that a list can leave them out');

-- A clock a week behind finds no partition, as nobody would if none had been made for today.
set local client_min_messages = error;
set local time zone interval '-167:00' hour to minute;
select lives_ok($$ select public.create_job(tests.user_id('ann'), 'test_open', '{"untold": true}') $$, 'a job is created though it cannot be told');
set local time zone 'UTC';
select is((select count(*)::int from public.job_queue where params ? 'untold'), 1, 'and is there');
select is((select count(*)::int from tests.news()), 0, 'though nobody heard of it');

select tests.become_user('ann');
select lives_ok($$ select public.create_job(null, 'test_open') $$, 'a user''s own statement may tell');
select tests.become_postgres();
select is((select count(*)::int from tests.news()), 1, 'though users cannot write messages');

select is((select count(*)::int from pg_trigger where tgrelid = 'public.job_queue'::regclass and not tgisinternal and (tgtype & 1) = 1), 0,
  'no trigger on job_queue runs per row');
select is((select array_agg(c.relname::text order by c.relname) from pg_publication_rel join pg_publication p on p.oid = prpubid
  join pg_class c on c.oid = prrelid where pubname = 'supabase_realtime' and c.relname in ('job_queue', 'job_log')),
  array['job_log', 'job_queue'], 'both tables are published for postgres_changes');

select tests.side_tables_are_right();
select * from finish();
rollback;

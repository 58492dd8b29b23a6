begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(8);

select tests.create_user('ann');
delete from public.job_worker where true;
create temporary table before as select public.get_queue_health() as health;
grant select on before to public;
create temporary table job as select tests.enqueue('ann') as id;
update public.job_queue set scheduled_for = now() - interval '1 year' where id = (select id from job);

select tests.become_user('ann');
select throws_ok($$ select public.get_queue_health() $$, '42501', null, 'users do not see the health of the queue');

select tests.become_service();
select is((public.get_queue_health() ->> 'pending')::int, (health ->> 'pending')::int + 1, 'get_queue_health() counts pending jobs') from before;
select cmp_ok((public.get_queue_health() ->> 'oldest_pending_seconds')::int, '>=', 31536000, 'get_queue_health() tells how long work has waited');
select is((public.get_queue_health() ->> 'workers')::int, 0, 'get_queue_health() counts no workers when none lives');
select public.heartbeat('tests-w1', '[]', 4, 0);
select is((public.get_queue_health() ->> 'workers')::int, 1, 'get_queue_health() counts live workers');

select tests.become_postgres();
update public.job_type set is_paused = true where name = 'test_open';
select cmp_ok((public.get_queue_health() ->> 'oldest_pending_seconds')::int, '<', 31536000, 'a paused type is nobody''s delay');
update public.job_type set is_paused = false where name = 'test_open';
select tests.claim('w1', 1);
select is((public.get_queue_health() ->> 'processing')::int, (health ->> 'processing')::int + 1, 'get_queue_health() counts running jobs') from before;
select private.process_background_jobs();
select cmp_ok((public.get_queue_health() ->> 'last_tick_at')::timestamptz, '>=', now(), 'get_queue_health() tells the last tick');

select * from finish();
rollback;

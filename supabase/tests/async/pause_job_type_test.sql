begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(20);

select tests.create_user('ann');
delete from public.job_queue where true;
delete from public.job_worker where true;
delete from vault.secrets where name in ('project_url', 'automation_key');
select vault.create_secret('http://project.invalid', 'project_url'), vault.create_secret('sv_automation_test', 'automation_key');
create temporary table made (name text, id uuid);
grant all on made to public;
insert into made values ('running', tests.enqueue('ann')), ('waiting', tests.enqueue('ann', 'test_open', 6)), ('other', tests.enqueue('ann', 'test_other'));
select tests.claim('w1', 1, array['test_open']);

select tests.become_user('ann');
select throws_ok($$ select public.pause_job_type('test_open') $$, '42501', null, 'users cannot pause a type');
select throws_ok($$ select public.resume_job_type('test_open') $$, '42501', null, 'nor resume one');
select tests.become_anon();
select throws_ok($$ select public.pause_job_type('test_open') $$, '42501', null, 'anon cannot pause a type');
select throws_ok($$ select public.resume_job_type('test_open') $$, '42501', null, 'nor resume one');

select tests.become_service();
select is(tests.error_of($$ select public.pause_job_type('test_unknown') $$), 'UNKNOWN_JOB_TYPE', 'pause_job_type() knows the types');
select is(tests.error_of($$ select public.resume_job_type('test_unknown') $$), 'UNKNOWN_JOB_TYPE', 'and so does resume_job_type()');
select results_eq($$ select * from public.resume_job_type('test_open') $$, $$ values ('test_open', 'was_not_paused') $$, 'resume_job_type() of a type that runs changes nothing');
select results_eq($$ select * from public.pause_job_type('test_open') $$, $$ values ('test_open', 'paused') $$, 'pause_job_type() says what it did');
select results_eq($$ select * from public.pause_job_type('test_open') $$, $$ values ('test_open', 'was_paused') $$, 'also when it had nothing to do');
select is(public.get_queue_health() -> 'paused_types', '["test_open"]', 'get_queue_health() names paused types');

select is((select array_agg(job_type) from tests.claim('w1', 10)), array['test_other'], 'claim_jobs() starts others only');
select is(public.start_job(id, 'classic'), false, 'start_job() does not start one either') from made where name = 'waiting';
select ok(public.update_job_progress(id, 10, null, 1), 'what runs goes on') from made where name = 'running';
select tests.become_postgres();
select ok(private.oldest_due_at() is null, 'what waits is not due');
update public.job_queue set expires_at = now() - interval '1 second' where id = (select id from made where name = 'waiting');
select private.expire_pending_jobs();
select is((tests.job(id)).error_code, 'EXPIRED', 'but it expires') from made where name = 'waiting';

insert into made values ('new', tests.enqueue('ann'));
delete from net.http_request_queue where true;
select setval('private.doorbell_clock', 0), setval('private.doorbell_hush', 0);
select tests.become_service();
select results_eq($$ select * from public.resume_job_type('test_open') $$, $$ values ('test_open', 'resumed') $$, 'resume_job_type() says what it did');
select tests.become_postgres();
select is((select count(*)::int from net.http_request_queue), 1, 'and rings for what has waited');
select is(public.get_queue_health() -> 'paused_types', '[]', 'the type is paused no longer');
select is((select array_agg(id) from tests.claim('w1', 10)), array[id], 'claim_jobs() goes on with it') from made where name = 'new';

select tests.side_tables_are_right();
select * from finish();
rollback;

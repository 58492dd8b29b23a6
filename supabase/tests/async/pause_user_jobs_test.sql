begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(34);

select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
update private.job_setting set ageing_share = 0;
create temporary table made (name text, id uuid);
grant all on made to public;
insert into made values ('running', tests.enqueue('ann'));
select tests.claim('w1', 1);
insert into made values ('waiting', tests.enqueue('ann')), ('bob', tests.enqueue('bob'));
insert into made select 'later', job_id from private.find_or_create_job(tests.user_id('ann'), 'test_open', '{"later": true}', p_scheduled_for => now() + interval '1 hour');
-- A parent that waits for its children.
insert into made values ('parent', tests.enqueue('ann', 'test_other'));
update public.job_queue set held_by = 'children', turn = null where id = (select id from made where name = 'parent');
insert into public.job_queue (user_id, job_type, parent_job_id, turn)
select tests.user_id('ann'), 'test_open', id, n from made, generate_series(1, 2) as n where name = 'parent';
create function tests.held() returns int
language sql volatile security definer as $$ select count(*)::int from public.job_queue where held_by = 'user_pause' $$;
grant execute on function tests.held() to public;

select tests.become_user('ann');
select throws_ok($$ select public.pause_user_jobs(tests.user_id('ann')) $$, '42501', null, 'users cannot pause themselves');
select throws_ok($$ select public.resume_user_jobs(tests.user_id('ann')) $$, '42501', null, 'nor resume');
select tests.become_anon();
select throws_ok($$ select public.pause_user_jobs(tests.user_id('ann')) $$, '42501', null, 'anon cannot pause a user');
select throws_ok($$ select public.resume_user_jobs(tests.user_id('ann')) $$, '42501', null, 'nor resume one');

select tests.become_service();
select is(tests.error_of($$ select public.pause_user_jobs(gen_random_uuid()) $$), 'NOT_FOUND', 'pause_user_jobs() knows the users');
select results_eq($$ select * from public.resume_user_jobs(tests.user_id('ann')) $$, $$ values (tests.user_id('ann'), 'was_not_paused', 0) $$,
  'resume_user_jobs() of a user who is not paused changes nothing');
select results_eq($$ select * from public.pause_user_jobs(tests.user_id('ann'), 'a dispute') $$, $$ values (tests.user_id('ann'), 'paused', 4, 1) $$,
  'pause_user_jobs() puts aside what waits, children and jobs for later among it, and says what runs');
select results_eq($$ select outcome, held from public.pause_user_jobs(tests.user_id('ann')) $$, $$ values ('was_paused', 0) $$, 'a second pause finds nothing to do');
select is((tests.job(id)).held_by, 'children', 'a parent waits for its children, as before') from made where name = 'parent';
select ok(public.update_job_progress(id, 10, null, 1), 'what runs goes on') from made where name = 'running';
select is(public.start_job(id, 'classic'), false, 'start_job() does not start one of hers') from made where name = 'waiting';
select is((select array_agg(id) from tests.claim('w1', 10)), array[id], 'claim_jobs() starts only what is another''s') from made where name = 'bob';
select tests.become_postgres();
select is((select reason from private.job_pause where user_id = tests.user_id('ann')), 'a dispute', 'the reason is kept');
select ok(private.oldest_due_at() is null, 'nothing is due');
select is((public.get_queue_health() ->> 'paused_users')::int, 1, 'get_queue_health() counts paused users');

-- What comes later.
insert into made values ('new', tests.enqueue('ann'));
select is((tests.job(id)).held_by, null, 'a job created since the pause is in its lane') from made where name = 'new';
select is((select count(*)::int from tests.claim('w1', 10)), 0, 'where claim_jobs() does not take it');
select is((tests.job(id)).held_by, 'user_pause', 'but puts it aside') from made where name = 'new';
insert into made values ('newer', tests.enqueue('ann'));
select is(private.oldest_due_at(), null, 'nor is it due');
select private.process_background_jobs();
select is((tests.job(id)).held_by, 'user_pause', 'the tick puts such jobs aside, too') from made where name = 'newer';
select ok(worked_at >= ticked_at, 'which is work') from private.job_tick;
update public.job_queue set lease_expires_at = now() - interval '1 second' where id = (select id from made where name = 'running');
select is((select count(*)::int from tests.claim('w1', 10)), 0, 'a job she loses meanwhile is not taken again');
select is((tests.job(id)).held_by, 'user_pause', 'it waits like the others') from made where name = 'running';

update public.job_queue set expires_at = now() - interval '1 second' where id in (select id from made where name in ('newer', 'parent'));
select is((select array_agg(job_id) from public.expire_stale_jobs()), array[id], 'a job of a paused user expires; a parent does not while its children wait')
from made where name = 'newer';
select is((tests.job(id)).held_by, null, 'and nothing holds what has ended') from made where name = 'newer';

-- Going on.
select tests.become_service();
select is(tests.held(), 6, 'six jobs are put aside');
select results_eq($$ select * from public.resume_user_jobs(tests.user_id('ann')) $$, $$ values (tests.user_id('ann'), 'resumed', 6) $$, 'resume_user_jobs() releases them all');
select is(tests.held(), 0, 'none is left');
select is((tests.job(id)).turn, null, 'the job for later waits for its time') from made where name = 'later';
select is((tests.job(id)).held_by, 'children', 'and the parent for its children') from made where name = 'parent';
select tests.become_postgres();
select ok(private.oldest_due_at() is not null, 'the others are due');
insert into made values ('bob 2', tests.enqueue('bob'));
select ok(exists (select from tests.claim('w2', 2) as claimed, made where claimed.id = made.id and name = 'bob 2'), 'and take turns with another user''s');
select is((select count(*)::int from tests.claim('w2', 10)), 4, 'claim_jobs() takes the rest of them');

select tests.side_tables_are_right();
select * from finish();
rollback;

begin;
\ir ../helpers.psql
select plan(20);

select tests.create_user('ana'), tests.create_user('ben');

select private.write_audit(tests.user_id('ana'), 'account.connected', '{"platform": "youtube"}');
select results_eq($$ select user_id, actor_id, actor_role, action, details from public.audit_log $$,
  $$ values (tests.user_id('ana'), null::uuid, 'postgres', 'account.connected', '{"platform": "youtube"}'::jsonb) $$,
  'write_audit() notes whose account, what, and who did it');
select lives_ok($$ select private.write_audit(null, 'stack.checked', null) $$,
  'write_audit() notes acts that are about no account, and needs no details');
select throws_ok($$ select private.write_audit(tests.user_id('ana'), 'connected') $$, '23514', null,
  'an action has a subject and a verb');
select throws_ok($$ select private.write_audit(tests.user_id('ana'), 'a.b', '["x"]') $$, '23514', null,
  'details are an object');
select throws_ok($$ select private.write_audit(tests.user_id('ana'), 'a.b', jsonb_build_object('x', repeat('x', 9000))) $$,
  '23514', null, 'details are small');

-- What the service does for a user is that user's act; what a user does is theirs, whoever is named.
create function public.tests_act() returns void language sql volatile security definer set search_path = ''
as $$ select private.write_audit(auth.uid(), 'test.acted', '{}', (select id from public.users where id <> auth.uid() limit 1)) $$;
grant execute on function public.tests_act() to authenticated;
select tests.become_user('ben');
select lives_ok($$ select public.tests_act() $$, 'an act of a user is noted');
select tests.become_postgres();
select results_eq($$ select actor_id, actor_role from public.audit_log where action = 'test.acted' $$,
  $$ values (tests.user_id('ben'), 'authenticated') $$, 'write_audit() knows the user who acts');
select private.write_audit(tests.user_id('ben'), 'test.done_for', '{}', tests.user_id('ben'));
select results_eq($$ select actor_id, actor_role from public.audit_log where action = 'test.done_for' $$,
  $$ values (tests.user_id('ben'), 'postgres') $$, 'and the one it is done for');

select throws_ok($$ update public.audit_log set action = 'nothing.happened' where true $$, 'PT403', null,
  'not even the owner of the table changes the log');
select throws_ok($$ delete from public.audit_log where true $$, 'PT403', null, 'nor takes a line out');
select throws_ok($$ truncate public.audit_log $$, 'PT403', null, 'nor empties it');

select tests.become_service();
select isnt_empty($$ select from public.audit_log $$, 'the service reads the log');
select throws_ok($$ insert into public.audit_log (actor_role, action) values ('x', 'a.b') $$, '42501', null,
  'the service writes no line of its own');
select throws_ok($$ delete from public.audit_log where true $$, '42501', null, 'the service takes none out');

select tests.become_user('ana');
select results_eq($$ select action from public.audit_log $$, $$ values ('account.connected') $$,
  'an owner reads what was done to their account, and nothing else');
select throws_ok($$ update public.audit_log set details = '{}' where true $$, '42501', null,
  'an owner changes nothing of it');
select tests.become_anon();
select throws_ok($$ select from public.audit_log $$, '42501', null, 'anon reads nothing');

select tests.become_postgres();
insert into public.audit_log (user_id, actor_role, action, created_at)
values (null, 'x', 'test.ancient', now() - interval '3 years'), (null, 'x', 'test.old', now() - interval '15 months');
select is(private.cleanup_audit_log(), 1::bigint, 'cleanup_audit_log() removes what is older than two years');
select is(private.cleanup_audit_log(interval '1 day'), 1::bigint,
  'cleanup_audit_log() keeps a year, whatever it is asked for');

delete from auth.users where id = tests.user_id('ana');
select isnt_empty($$ select from public.audit_log where user_id = tests.user_id('ana') $$,
  'the log outlives the account');

select * from finish();
rollback;

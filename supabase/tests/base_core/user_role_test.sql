begin;
\ir ../helpers.psql
select plan(26);

select tests.create_user('ana'), tests.create_user('ben');
select results_eq($$ select role from public.user_role where user_id = tests.user_id('ana') $$, $$ values ('user') $$,
  'everybody who signs up is a user');
select is_empty($$ select from public.audit_log $$, 'which is not worth a line in the audit log');

select tests.become_service();
select ok(public.grant_role(tests.user_id('ana'), 'moderator'), 'grant_role() makes a user a moderator');
select ok(not public.grant_role(tests.user_id('ana'), 'moderator'), 'grant_role() says when they were one already');
select is(tests.error_of($$ select public.grant_role(tests.user_id('ana'), 'owner') $$), 'VALIDATION_ERROR',
  'grant_role() knows the roles');
select is(tests.error_of($$ select public.grant_role(tests.user_id('ana'), null) $$), 'VALIDATION_ERROR',
  'grant_role() needs a role');
select is(tests.error_of($$ select public.revoke_role(tests.user_id('ana'), 'user') $$), 'VALIDATION_ERROR',
  'nobody ceases to be a user');
select is(tests.error_of($$ select public.grant_role(gen_random_uuid(), 'admin') $$), 'NOT_FOUND',
  'grant_role() knows the users');
select ok(public.has_role(tests.user_id('ana'), 'moderator'), 'has_role() says that a moderator is one');
select ok(public.has_role(tests.user_id('ana'), 'user'), 'has_role() counts a role as those below it');
select ok(not public.has_role(tests.user_id('ana'), 'admin'), 'has_role() does not count it as those above');
select ok(not public.has_role(tests.user_id('ana'), 'owner'), 'has_role() is false for what is no role');
select ok(not public.has_role(null, 'user'), 'has_role() is false about nobody');
select throws_ok($$ insert into public.user_role (user_id, role) values (tests.user_id('ben'), 'admin') $$, '42501', null,
  'the service changes roles by the functions alone');

select tests.become_user('ana');
select ok(public.has_role(tests.user_id('ana'), 'moderator'), 'users learn their own role');
select ok(not public.has_role(tests.user_id('ben'), 'user'), 'users learn nothing about others');
select is((select count(*) from public.user_role), 2::bigint, 'an owner reads their roles and no other');
select throws_ok($$ insert into public.user_role (user_id, role) values (tests.user_id('ana'), 'admin') $$, '42501', null,
  'a user cannot make themselves an admin');
select throws_ok($$ update public.user_role set role = 'admin' where true $$, '42501', null, 'nor turn a role into another');
select throws_ok($$ select public.grant_role(tests.user_id('ana'), 'admin') $$, '42501', null, 'nor ask for it');
select throws_ok($$ select private.set_role(tests.user_id('ana'), 'admin', true) $$, '42501', null, 'nor by the back door');

select tests.become_anon();
select throws_ok($$ select public.has_role(tests.user_id('ana'), 'admin') $$, '42501', null, 'anon asks for nobody''s role');

select tests.become_service();
select ok(public.revoke_role(tests.user_id('ana'), 'moderator'), 'revoke_role() ends it');
select ok(not public.revoke_role(tests.user_id('ana'), 'moderator'), 'revoke_role() says when there was nothing to end');

select tests.become_postgres();
select results_eq(
  $$ select action, details ->> 'role', actor_role from public.audit_log order by action $$,
  $$ values ('role.granted', 'moderator', 'service_role'), ('role.revoked', 'moderator', 'service_role') $$,
  'every change of a role is in the audit log');
select throws_ok($$ insert into public.user_role (user_id, role) values (tests.user_id('ben'), 'king') $$, '23514', null,
  'the roles are known');

select * from finish();
rollback;

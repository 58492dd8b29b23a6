begin;
\ir ../helpers.psql
select plan(11);

select tests.create_user('ana'), tests.create_user('ben');
select tests.connect_account('ana');

select tests.become_user('ana');
select results_eq($$ select user_id, platform_name, status, scopes from public.platform_connection $$,
  $$ select tests.user_id('ana'), 'youtube', 'active', '{read}'::text[] $$,
  'an owner reads their connection');
select is_empty($$ select 1 from public.platform_connection as c where c::text ~ 'access-ana|refresh-ana' $$,
  'the row an owner reads holds no token');
select throws_ok($$ update public.platform_connection set status = 'active'
  where user_id = tests.user_id('ana') $$,
  '42501', null,
  'an owner cannot edit a connection');
select throws_ok($$ delete from public.platform_connection where user_id = tests.user_id('ana') $$,
  '42501', null,
  'an owner cannot delete a connection directly');
select throws_ok($$ select name from vault.secrets $$, '42501', null, 'an owner cannot look into Vault');

select tests.become_user('ben');
select is((select count(*) from public.platform_connection where user_id = tests.user_id('ana')), 0::bigint,
  'a stranger cannot read the connection');
select throws_ok($$ insert into public.platform_connection (user_id, platform_name, vault_secret_name)
  select id, 'youtube', 'x' from public.users $$, '42501', null, 'nobody makes a connection by hand');

select tests.become_anon();
select throws_ok($$ select id from public.platform_connection $$, '42501', null,
  'anon cannot read connections');

select tests.become_service();
select isnt_empty($$ select 1 from public.platform_connection where user_id = tests.user_id('ana') $$,
  'the connection the stranger did not see is there');

select tests.become_postgres();
select throws_ok($$ update public.platform_connection set status = 'broken'
  where user_id = tests.user_id('ana') $$,
  '23503', null,
  'a state must be a known one');
select throws_ok($$ update public.platform_connection set token_version = 0
  where user_id = tests.user_id('ana') $$,
  '23514', null,
  'a token version starts at one');

select * from finish();
rollback;

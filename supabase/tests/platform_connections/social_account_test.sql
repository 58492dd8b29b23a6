begin;
\ir ../helpers.psql
select plan(18);

select tests.create_user('ana'), tests.create_user('ben');
select tests.connect_account('ana'), tests.connect_account('ben');

select tests.become_user('ana');
select results_eq($$ select user_id, handle, follower_count from public.social_account $$,
  $$ select tests.user_id('ana'), '@ana', 10::bigint $$, 'an owner reads their account and no other');
select lives_ok($$ update public.social_account set sync_mode = 'manual', sync_interval = '1 hour',
  is_active = false where handle = '@ana' $$,
  'an owner changes the sync settings');
select throws_ok($$ update public.social_account set follower_count = 1000000 where handle = '@ana' $$,
  '42501', null,
  'an owner cannot set the follower count');
select throws_ok($$ update public.social_account set status = 'active' where handle = '@ana' $$,
  '42501', null,
  'an owner cannot lift a suspension');
select throws_ok($$ update public.social_account set user_id = tests.user_id('ben') where handle = '@ana' $$,
  '42501', null,
  'an owner cannot give an account away');
select throws_ok($$ delete from public.social_account where handle = '@ana' $$, '42501', null,
  'an owner cannot delete an account directly');
select throws_ok($$ update public.social_account set sync_interval = '1 minute' where handle = '@ana' $$,
  '23514', null,
  'an account is synced every 15 minutes at most');
select throws_ok($$ update public.social_account set sync_mode = 'always' where handle = '@ana' $$,
  '23514', null,
  'a sync mode must be a known one');

select tests.become_user('ben');
select is((select count(*) from public.social_account where handle = '@ana'), 0::bigint,
  'a stranger cannot read the account');
select is_empty($$ update public.social_account set is_active = true where handle = '@ana' returning 1 $$,
  'a stranger cannot change its settings');

select tests.become_anon();
select throws_ok($$ select id from public.social_account $$, '42501', null, 'anon cannot read accounts');
select throws_ok($$ update public.social_account set is_active = true where true $$, '42501', null,
  'anon cannot change settings');

select tests.become_service();
select is((select is_active from public.social_account where handle = '@ana'), false,
  'the account the stranger did not see is there, unharmed');

select tests.become_postgres();
update public.social_account set deleted_at = now() where handle = '@ana';
select tests.become_user('ana');
select is_empty($$ select 1 from public.social_account $$, 'an owner no longer sees an account they removed');
select is_empty($$ update public.social_account set is_active = true where handle = '@ana' returning 1 $$,
  'an owner cannot change an account they removed');

select tests.become_postgres();
select throws_ok($$ update public.social_account set connection_id = (select connection_id
  from public.social_account where handle = '@ana')
  where handle = '@ben' $$, '23503', null, 'an account cannot hang on another user''s connection');
select lives_ok($$ delete from public.platform_connection where user_id = tests.user_id('ana') $$,
  'a connection can be removed under its account');
select results_eq($$ select user_id, connection_id from public.social_account where handle = '@ana' $$,
  $$ select tests.user_id('ana'), null::uuid $$, 'an account outlives its connection');

select * from finish();
rollback;

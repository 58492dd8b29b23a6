begin;
\ir ../helpers.psql
select plan(18);

select tests.create_user('ana'), tests.create_user('ben');
select results_eq(
  $$ select auto_sync_enabled, auto_sync_interval, channels, locale from public.user_setting where user_id = tests.user_id('ana') $$,
  $$ values (true, interval '1 day', array['in_app', 'email'], 'en') $$, 'settings come with the profile');

select tests.become_user('ana');
select lives_ok($$ update public.user_setting set auto_sync_enabled = false, auto_sync_interval = '6 hours',
  channels = '{push}', locale = 'pt-BR' where user_id = tests.user_id('ana') $$, 'an owner changes their settings');
select results_eq($$ select auto_sync_enabled, channels, locale from public.user_setting $$,
  $$ values (false, array['push'], 'pt-BR') $$, 'an owner reads their settings and no other');
select lives_ok($$ update public.user_setting set channels = '{}', locale = 'zh-Hant-TW' where true $$,
  'no channel at all is a choice, too');
select throws_ok($$ update public.user_setting set auto_sync_interval = '1 minute' where true $$, '23514', null,
  'syncs are at least 15 minutes apart');
select throws_ok($$ update public.user_setting set channels = '{pigeon}' where true $$, '23514', null, 'channels are known');
select throws_ok($$ update public.user_setting set channels = '{push,null}' where true $$, '23514', null, 'no channel is null');
select throws_ok($$ update public.user_setting set channels = '{email,email}' where true $$, '23514', null,
  'no channel is named twice: nobody is told twice');
select throws_ok($$ update public.user_setting set locale = 'English' where true $$, '23514', null, 'a locale is a language tag');
select throws_ok($$ update public.user_setting set user_id = tests.user_id('ben') where true $$, '42501', null,
  'an owner cannot give their settings away');
select throws_ok($$ update public.user_setting set created_at = now() where true $$, '42501', null, 'nor write other columns');
select throws_ok($$ insert into public.user_setting (user_id) values (tests.user_id('ana')) $$, '42501', null, 'nor make more');
select throws_ok($$ delete from public.user_setting where true $$, '42501', null, 'nor delete them');

select tests.become_user('ben');
select is_empty($$ update public.user_setting set locale = 'de' where user_id = tests.user_id('ana') returning 1 $$,
  'a stranger changes nothing');
select is((select count(*) from public.user_setting), 1::bigint, 'and sees only their own');
select tests.become_anon();
select throws_ok($$ select from public.user_setting $$, '42501', null, 'anon reads no settings');

select tests.become_postgres();
select is((select locale from public.user_setting where user_id = tests.user_id('ana')), 'zh-Hant-TW', 'they are there, unharmed');
delete from auth.users where id = tests.user_id('ana');
select is_empty($$ select from public.user_setting where user_id = tests.user_id('ana') $$, 'settings go with the account');

select * from finish();
rollback;

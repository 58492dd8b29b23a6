begin;
\ir ../helpers.psql
select plan(14);

select results_eq($$ select name, is_enabled from public.platform order by name $$,
  $$ values ('facebook', true), ('instagram', true), ('tiktok', true), ('twitter', false), ('youtube', true) $$,
  'the five platforms are known and only youtube is enabled');
select results_eq($$ select name from public.account_status order by name $$,
  $$ values ('active'), ('disconnected'), ('inactive'), ('suspended') $$,
  'the states of an account are known');

select tests.become_anon();
select is((select count(*) from public.platform), 5::bigint, 'anon reads the platforms');
select is((select count(*) from public.account_status), 4::bigint, 'anon reads the states');
select throws_ok($$ update public.platform set is_enabled = true where true $$, '42501', null,
  'anon cannot enable a platform');
select throws_ok($$ delete from public.account_status where true $$, '42501', null,
  'anon cannot remove a state');

select tests.become_user('ana');
select is((select count(*) from public.platform), 5::bigint, 'a user reads the platforms');
select is((select count(*) from public.account_status), 4::bigint, 'a user reads the states');
select throws_ok($$ update public.platform set scopes = '{}' where true $$, '42501', null,
  'a user cannot change what we ask for');
select throws_ok($$ insert into public.platform (name, display_name) values ('mine', 'Mine') $$,
  '42501', null,
  'a user cannot add a platform');
select throws_ok($$ update public.account_status set description = '' where true $$, '42501', null,
  'a user cannot change a state');

select tests.become_service();
select lives_ok($$ update public.platform set is_enabled = true where name = 'twitter' $$,
  'the service enables a platform');
select throws_ok($$ delete from public.account_status where name = 'active' $$, '42501', null,
  'the service cannot remove a state');

select tests.become_postgres();
select throws_ok($$ insert into public.platform (name, display_name) values ('You Tube', '') $$,
  '23514', null,
  'a platform''s name is snake case');

select * from finish();
rollback;

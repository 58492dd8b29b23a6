begin;
\ir ../helpers.psql
select plan(42);

select tests.create_user('ana'), tests.create_user('ben');
create function tests.connect(p_name text, p_account jsonb, p_tokens jsonb,
  p_platform text default 'youtube') returns uuid
language sql volatile as $$
  select public.connect_platform_account(tests.user_id(p_name), p_platform, p_account, p_tokens, '{read}',
    now() + interval '1 hour')
$$;
create function tests.tokens_of(p_name text) returns jsonb language sql volatile as $$
  select s.decrypted_secret::jsonb from public.platform_connection as c
  join vault.decrypted_secrets as s on s.name = c.vault_secret_name where c.user_id = tests.user_id(p_name)
$$;
grant execute on all functions in schema tests to public;

select tests.become_service();
select lives_ok($$ select tests.connect('ana', '{"platform_account_id": "UC_x", "handle": "@ana",
  "display_name": "Ana", "follower_count": "1234"}',
  '{"access_token": "at-1", "refresh_token": "rt-1"}') $$, 'connect_platform_account() connects an account');
select results_eq($$ select platform_account_id, handle, display_name, follower_count, status,
  sync_mode from public.social_account where user_id = tests.user_id('ana') $$,
  $$ values ('UC_x', '@ana', 'Ana', 1234::bigint, 'active', 'auto') $$,
  'connect_platform_account() stores what the platform says, counts as numbers');
select tests.become_postgres();
select is(tests.tokens_of('ana'), '{"access_token": "at-1", "refresh_token": "rt-1"}'::jsonb,
  'connect_platform_account() puts the tokens in Vault');
select is((select onboarding_state from public.users where id = tests.user_id('ana')), 'platform_connected',
  'connect_platform_account() moves the onboarding on');

create temporary table before on commit drop as select id,
  connection_id from public.social_account where user_id = tests.user_id('ana');
select is(tests.connect('ana', '{"platform_account_id": "UC_x", "handle": "@ana2", "follower_count": -1}',
  '{"access_token": "at-2", "refresh_token": null}'),
  (select id from before), 'connect_platform_account() finds the account again on reconnect');
select results_eq($$ select id, connection_id, handle, follower_count from public.social_account
  where user_id = tests.user_id('ana') $$,
  $$ select id, connection_id, '@ana2', null::bigint from before $$,
  'a reconnect refreshes one row; a negative count is unknown');
select is(tests.tokens_of('ana'), '{"access_token": "at-2", "refresh_token": "rt-1"}'::jsonb,
  'a reconnect without a refresh token keeps the stored one');
select is((select token_version from public.platform_connection where user_id = tests.user_id('ana')), 2,
  'a reconnect grows the token version');
select tests.connect('ana', '{"platform_account_id": "UC_x"}',
  '{"access_token": "at-3", "refresh_token": "rt-3"}');
select is(tests.tokens_of('ana'), '{"access_token": "at-3", "refresh_token": "rt-3"}'::jsonb,
  'a reconnect with a refresh token replaces the stored one');
select is((select count(*)
  from vault.secrets as s join public.platform_connection as c on c.vault_secret_name = s.name
  where c.user_id = tests.user_id('ana')),
  1::bigint, 'however often an account is connected, there is one secret');

select is(tests.error_of($$ select tests.connect('ana', '{"platform_account_id": "UC_y"}',
  '{"access_token": "tests-at-y"}') $$),
  'ACCOUNT_LIMIT_REACHED', 'connect_platform_account() connects no more accounts than the plan allows');
select is_empty($$ select 1 from vault.decrypted_secrets where decrypted_secret like '%tests-at-y%' $$,
  'an account over the limit leaves no secret');
select throws_ok($$ select private.check_account_limit(tests.user_id('ana')) $$, 'PT403', null,
  'check_account_limit() refuses who has as many as the plan allows');
select lives_ok($$ select private.check_account_limit(tests.user_id('ben')) $$,
  'check_account_limit() lets pass who has fewer');
update public.subscription set tier = 'premium' where user_id = tests.user_id('ana');
select isnt(tests.connect('ana', '{"platform_account_id": "UC_y"}', '{"access_token": "at-y"}'),
  (select id from before),
  'another channel of the same user is another account');
select is((select count(*) from public.platform_connection where user_id = tests.user_id('ana')), 2::bigint,
  'each account has a connection of its own');

select is(tests.error_of($$ select tests.connect('ben', '{"platform_account_id": "UC_x"}',
  '{"access_token": "tests-at-ben"}') $$),
  'ACCOUNT_ALREADY_CONNECTED',
  'connect_platform_account() refuses an account that another user holds');
select is_empty($$ select 1 from public.platform_connection where user_id = tests.user_id('ben') $$,
  'a refused account leaves no connection');
select is_empty($$ select 1 from vault.decrypted_secrets where decrypted_secret like '%tests-at-ben%' $$,
  'a refused account leaves no secret');
select is((select onboarding_state from public.users where id = tests.user_id('ben')), 'registered',
  'a refused account leaves the onboarding where it was');

select results_eq($$ select action, count(*) from public.audit_log
    where user_id = tests.user_id('ana') and actor_id = user_id
    group by action order by action $$,
  $$ values ('account.connected', 2::bigint), ('account.renewed', 2) $$,
  'each account is noted once as connected, then as renewed, by its owner');
select results_eq($$ select kind, data ->> 'platform' from public.notification
    where user_id = tests.user_id('ana') and body like '@ana %' $$,
  $$ values ('account_connected', 'youtube') $$,
  'the owner is told of a new account');
select is_empty($$ select 1 from public.audit_log where user_id = tests.user_id('ben') $$,
  'a refused account is not noted as connected');
select is((select next_sync_at from public.social_account where id = (select id from before)), now(),
  'a connected account is due for its first sync');
update public.social_account set next_sync_at = now() + interval '1 hour' where id = (select id from before);
select tests.connect('ana', '{"platform_account_id": "UC_x"}', '{"access_token": "at-7"}');
select is((select next_sync_at from public.social_account where id = (select id from before)),
  now() + interval '1 hour', 'renewing a connection leaves the date of its next sync');

-- What does not work takes no place; connecting it again does.
update public.subscription set tier = 'free' where user_id = tests.user_id('ana');
select lives_ok($$ select tests.connect('ana', '{"platform_account_id": "UC_x"}', '{"access_token": "at-8"}') $$,
  'who has more than a smaller plan allows may still renew what there is');
update public.social_account set status = 'disconnected' where user_id = tests.user_id('ana')
  and platform_account_id = 'UC_y';
select is(tests.error_of($$ select tests.connect('ana', '{"platform_account_id": "UC_y"}',
  '{"access_token": "at-y"}') $$),
  'ACCOUNT_LIMIT_REACHED', 'an account that lost its grant counts when it is connected again');
update public.social_account set status = 'disconnected' where id = (select id from before);
select lives_ok($$ select tests.connect('ana', '{"platform_account_id": "UC_y"}', '{"access_token": "at-y"}') $$,
  'and takes the place of one that lost its grant');
select is(tests.error_of($$ select tests.connect('ana', '{"platform_account_id": "UC_x"}',
  '{"access_token": "at-9"}') $$),
  'ACCOUNT_LIMIT_REACHED', 'which then has none');
update public.social_account set deleted_at = now(), status = 'active' where user_id = tests.user_id('ana')
  and platform_account_id = 'UC_y';
select lives_ok($$ select tests.connect('ana', '{"platform_account_id": "UC_x"}', '{"access_token": "at-9"}') $$,
  'an account that was removed takes no place');

update public.subscription set tier = 'premium' where user_id = tests.user_id('ana');
update public.social_account set status = 'disconnected' where id = (select id from before);
select lives_ok($$ select tests.connect('ben', '{"platform_account_id": "UC_x"}',
  '{"access_token": "tests-at-ben"}') $$,
  'an account whose grant is gone can be claimed by who now holds it');
select is(tests.error_of($$ select tests.connect('ana', '{"platform_account_id": "UC_x"}',
  '{"access_token": "at-4"}') $$),
  'ACCOUNT_ALREADY_CONNECTED',
  'and then is no longer the first user''s');
update public.social_account set deleted_at = now() where user_id = tests.user_id('ben');
select is(tests.connect('ana', '{"platform_account_id": "UC_x"}', '{"access_token": "at-5"}'),
  (select id from before),
  'an account its holder removed can be claimed back, with its content');
select is((select status from public.social_account where id = (select id from before)), 'active',
  'and is active again');

update public.social_account set deleted_at = now(), status = 'suspended' where id = (select id from before);
select tests.connect('ana', '{"platform_account_id": "UC_x"}', '{"access_token": "at-6"}');
select results_eq($$ select deleted_at, status from public.social_account
  where id = (select id from before) $$,
  $$ values (null::timestamptz, 'suspended') $$,
  'reconnecting revives a removed account but does not lift a suspension');

select is(tests.error_of($$ select tests.connect('ana', '{"platform_account_id": "1"}',
  '{"access_token": "a"}', 'twitter') $$),
  'PLATFORM_DISABLED',
  'connect_platform_account() refuses a disabled platform');
select is(tests.error_of($$ select tests.connect('ana', '{"handle": "@x"}', '{"access_token": "a"}') $$),
  'VALIDATION_ERROR',
  'connect_platform_account() needs an account id');
select is(tests.error_of($$ select tests.connect('ana', '{"platform_account_id": "UC_z"}',
  '{"refresh_token": "a"}') $$),
  'VALIDATION_ERROR',
  'connect_platform_account() needs an access token');
select is(tests.error_of($$ select tests.connect('nobody', '{"platform_account_id": "UC_z"}',
  '{"access_token": "a"}') $$),
  'NOT_FOUND',
  'connect_platform_account() needs a user');

select tests.become_user('ana');
select throws_ok($$ select tests.connect('ana', '{"platform_account_id": "UC_z"}',
  '{"access_token": "a"}') $$,
  '42501', null,
  'a user cannot connect an account past the consent');
select tests.become_anon();
select throws_ok($$ select tests.connect('ana', '{"platform_account_id": "UC_z"}',
  '{"access_token": "a"}') $$,
  '42501', null,
  'anon cannot connect an account');

select tests.become_postgres();
select tests.create_user('zoe');
update public.users set onboarding_state = 'profile_completed', display_name = 'Zoe' where id = tests.user_id('zoe');
select tests.connect('zoe', '{"platform_account_id": "UC_zoe"}', '{"access_token": "a"}');
select is((select onboarding_state from public.users where id = tests.user_id('zoe')), 'completed',
  'who completed their profile before is done');

select * from finish();
rollback;

begin;
\ir ../helpers.psql
select plan(35);

select tests.create_user('ana'), tests.create_user('ben');
select tests.connect_account('ana');
create temporary table connection on commit drop as
  select connection_id as id from public.social_account where id = tests.account_id('ana');
grant select on connection to public;

-- get_connection_tokens
select tests.become_service();
select results_eq($$ select * from public.get_connection_tokens(tests.account_id('ana')) $$,
  $$ select id, 'youtube', 'access-ana', 'refresh-ana', now() + interval '1 hour', 1, 'active'
    from connection $$,
  'get_connection_tokens() gives tokens, expiry, version and state');
-- Vault holds other secrets, too; however the look-up is planned, they are not read as tokens.
select tests.become_postgres();
select vault.create_secret('not JSON', 'tests: somebody else''s');
set local enable_nestloop = off;
select lives_ok($$ select * from public.get_connection_tokens(tests.account_id('ana')) $$,
  'get_connection_tokens() opens no other secret');
reset enable_nestloop;
select tests.become_service();
select is_empty($$ select * from public.get_connection_tokens(gen_random_uuid()) $$,
  'get_connection_tokens() gives no row for an unknown account');
select tests.become_user('ana');
select throws_ok($$ select public.get_connection_tokens(tests.account_id('ana')) $$, '42501', null,
  'an owner cannot read their tokens');
select throws_ok($$ select private.get_connection_tokens(tests.account_id('ana')) $$, '42501', null,
  'nor through the private function');
select tests.become_anon();
select throws_ok($$ select public.get_connection_tokens(tests.account_id('ana')) $$, '42501', null,
  'anon cannot read tokens');

-- store_refreshed_tokens
select tests.become_service();
select is(public.store_refreshed_tokens((select id
  from connection), 1, 'access-2', null, now() + interval '2 hours'), true,
  'store_refreshed_tokens() stores against the version that was read');
select results_eq($$ select access_token, refresh_token, token_expires_at, token_version
  from public.get_connection_tokens(tests.account_id('ana')) $$,
  $$ values ('access-2', 'refresh-ana', now() + interval '2 hours', 2) $$,
  'a refresh without a refresh token keeps the stored one');
select is(public.store_refreshed_tokens((select id
  from connection), 1, 'access-late', 'refresh-late', now()), false,
  'store_refreshed_tokens() refuses a refresh that came second');
select is((select access_token from public.get_connection_tokens(tests.account_id('ana'))), 'access-2',
  'and keeps the first one''s tokens');
select is(public.store_refreshed_tokens((select id
  from connection), 2, 'access-3', 'refresh-3', now() + interval '1 hour'), true,
  'the next refresh is against the next version');
select is((select refresh_token from public.get_connection_tokens(tests.account_id('ana'))), 'refresh-3',
  'a rotated refresh token replaces the stored one');
select is(public.store_refreshed_tokens(gen_random_uuid(), 1, 'a', 'r', now()), false,
  'store_refreshed_tokens() refuses an unknown connection');
select tests.become_user('ana');
select throws_ok($$ select public.store_refreshed_tokens((select id from connection), 3, 'a', 'r', now()) $$,
  '42501', null,
  'an owner cannot plant tokens');
select tests.become_anon();
select throws_ok($$ select public.store_refreshed_tokens((select id from connection), 3, 'a', 'r', now()) $$,
  '42501', null,
  'anon cannot plant tokens');

-- mark_connection_revoked
select throws_ok($$ select public.mark_connection_revoked((select id from connection), 'x') $$, '42501', null,
  'anon cannot end a connection');
select tests.become_user('ben');
select throws_ok($$ select public.mark_connection_revoked((select id from connection), 'x') $$, '42501', null,
  'a stranger cannot end a connection');
select tests.become_service();
select public.mark_connection_revoked((select id from connection), 'invalid_grant', 2);
select is((select status from public.platform_connection where id = (select id from connection)), 'active',
  'mark_connection_revoked() spares tokens that were renewed after the refusal');
select public.mark_connection_revoked((select id from connection), repeat('x', 2000));
select results_eq($$ select status, char_length(last_refresh_error), token_expires_at
  from public.platform_connection where id = (select id from connection) $$,
  $$ values ('disconnected', 500, null::timestamptz) $$,
  'mark_connection_revoked() ends the connection and keeps a short reason');
select is((select status from public.social_account where id = tests.account_id('ana')), 'disconnected',
  'mark_connection_revoked() ends the account too');
select public.mark_connection_revoked((select id from connection), 'again');
select results_eq($$ select last_refresh_error from public.platform_connection where id = (select id from connection) $$,
  $$ values (repeat('x', 500)) $$, 'a connection ends once');
select results_eq($$ select kind, data ->> 'platform' from public.notification
    where user_id = tests.user_id('ana') and kind <> 'account_connected' $$,
  $$ values ('connection_revoked', 'youtube') $$, 'and its owner is told once');
select results_eq($$ select details ->> 'social_account_id', details ->> 'platform' from public.audit_log
    where user_id = tests.user_id('ana') and action = 'connection.revoked' $$,
  $$ values (tests.account_id('ana')::text, 'youtube') $$, 'and it is noted once');
select tests.become_postgres();
select is(private.end_connection((select id from connection), null, 'x') is null, true,
  'end_connection() finds nothing to end in a connection that has ended');
select tests.become_service();
select results_eq($$ select access_token, refresh_token, status
  from public.get_connection_tokens(tests.account_id('ana')) $$,
  $$ values (null::text, null::text, 'disconnected') $$, 'a revoked connection has no tokens');
select is(public.store_refreshed_tokens((select id from connection), 3, 'a', 'r', now()), false,
  'a refresh cannot bring a revoked connection back');

select is(tests.connect_account('ana'), tests.account_id('ana'), 'consent brings a revoked connection back');
select results_eq($$ select connection_id, access_token, refresh_token, status
  from public.get_connection_tokens(tests.account_id('ana')) $$,
  $$ select id, 'access-ana', 'refresh-ana', 'active' from connection $$,
  'with new tokens, as the same connection');

-- removal
select tests.become_postgres();
update public.social_account set deleted_at = now() where id = tests.account_id('ana');
select is_empty($$ select * from public.get_connection_tokens(tests.account_id('ana')) $$,
  'get_connection_tokens() gives no row for a removed account');

create temporary table secret on commit drop as
  select s.id from vault.secrets as s join public.platform_connection as c on c.vault_secret_name = s.name where c.user_id = tests.user_id('ana');
select is((select count(*) from secret), 1::bigint, 'there is a secret before the connection goes');
delete from public.platform_connection where id = (select id from connection);
select is((select count(*) from vault.secrets where id = (select id from secret)), 1::bigint,
  'a deleted connection leaves it to the job that ends the grant');
delete from private.orphaned_grant where connection_id = (select id from connection);
select is((select count(*) from vault.secrets where id = (select id from secret)), 0::bigint,
  'which takes it along');

select tests.connect_account('ben');
create temporary table bens_secret on commit drop as
  select s.id from vault.secrets as s join public.platform_connection as c on c.vault_secret_name = s.name where c.user_id = tests.user_id('ben');
select is((select count(*) from bens_secret), 1::bigint, 'there is a secret before the user goes');
delete from auth.users where id = tests.user_id('ben');
delete from private.orphaned_grant;
select is((select count(*) from vault.secrets where id = (select id from bens_secret)), 0::bigint,
  'the secrets of a deleted user go with their grants');
select is((select count(*) from public.social_account where user_id = tests.user_id('ben')), 0::bigint,
  'and their accounts');

select * from finish();
rollback;

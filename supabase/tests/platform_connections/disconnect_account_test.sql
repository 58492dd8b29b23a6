begin;
\ir ../helpers.psql
select plan(27);

select tests.create_user('ana'), tests.create_user('ben');
select tests.connect_account('ana'), tests.connect_account('ben');
create temporary table account on commit drop as
  select id, connection_id from public.social_account where user_id = tests.user_id('ana');
create temporary table secret on commit drop as
  select stored.id from vault.secrets as stored
  join public.platform_connection as connection on connection.vault_secret_name = stored.name
  where connection.user_id = tests.user_id('ana');
grant select on account, secret to public;
create function tests.disconnect(p_name text, p_version int, p_is_revoked boolean default true)
returns boolean language sql volatile as $$
  select public.disconnect_account(tests.user_id(p_name), (select id from account), p_version, p_is_revoked)
$$;
grant execute on all functions in schema tests to public;

-- Two jobs of the account, one that has to do with neither it nor its owner.
insert into public.job_type (name, category, description)
values ('sync_tests', 'platform_sync', ''), ('tag_tests', 'ai_analysis', '');
create temporary table job on commit drop as
  select 'sync' as name, public.create_job(tests.user_id('ana'), 'sync_tests',
    jsonb_build_object('social_account_id', (select id from account))) as id
  union all
  select 'analysis', public.create_job(tests.user_id('ana'), 'tag_tests',
    jsonb_build_object('social_account_id', (select id from account)))
  union all
  select 'other sync', public.create_job(tests.user_id('ben'), 'sync_tests',
    jsonb_build_object('social_account_id', tests.account_id('ben')));
grant select on job to public;

select tests.become_service();
select is(tests.error_of($$ select tests.disconnect('ben', 1) $$), 'SOCIAL_ACCOUNT_NOT_FOUND',
  'disconnect_account() does not know a stranger''s account');
select is(tests.error_of($$ select public.disconnect_account(tests.user_id('ana'), gen_random_uuid(), 1) $$),
  'SOCIAL_ACCOUNT_NOT_FOUND', 'disconnect_account() does not know an account that is not there');
select is(tests.error_of($$ select public.disconnect_account(null, (select id from account), 1) $$),
  'SOCIAL_ACCOUNT_NOT_FOUND', 'disconnect_account() does nothing for nobody');
select is(tests.disconnect('ana', 2), false, 'disconnect_account() leaves an account that was connected anew');
select is(tests.disconnect('ana', null), false, 'and one whose tokens nobody has looked at');
select is((select status from public.social_account where id = (select id from account)), 'active',
  'which then is as it was');

select tests.become_postgres();
select is((select count(*) from vault.secrets where id = (select id from secret)), 1::bigint,
  'there are tokens before');
select is(tests.disconnect('ana', 1), true, 'disconnect_account() removes an account');
select results_eq($$ select status, deleted_at, next_sync_at, connection_id from public.social_account
    where id = (select id from account) $$,
  $$ select 'disconnected', now(), null::timestamptz, connection_id from account $$,
  'the account is marked as removed, and not due any more');
select results_eq($$ select status, token_expires_at, last_refresh_error from public.platform_connection
    where id = (select connection_id from account) $$,
  $$ values ('disconnected', null::timestamptz, null::text) $$, 'the connection has ended, without a fault');
select is((select count(*) from vault.secrets where id = (select id from secret)), 0::bigint,
  'the tokens are gone');
select results_eq($$ select job.name, queued.status from job join public.job_queue as queued using (id)
    order by job.name $$,
  $$ values ('analysis', 'pending'), ('other sync', 'pending'), ('sync', 'cancelled') $$,
  'its syncs are cancelled, other work and other people''s syncs are not');
select results_eq($$ select actor_id, details ->> 'platform', details ->> 'revoked' from public.audit_log
    where user_id = tests.user_id('ana') and action = 'account.disconnected' $$,
  $$ values (tests.user_id('ana'), 'youtube', 'true') $$, 'it is noted, and who did it');
select is_empty($$ select 1 from public.notification
    where user_id = tests.user_id('ana') and kind = 'connection_revoked' $$,
  'its owner, who did it, is not told that a connection was lost');

select tests.become_service();
select is(tests.error_of($$ select tests.disconnect('ana', 1) $$), 'SOCIAL_ACCOUNT_NOT_FOUND',
  'an account is removed once');
select public.mark_connection_revoked((select connection_id from account), 'invalid_grant');
select is_empty($$ select 1 from public.audit_log
    where user_id = tests.user_id('ana') and action = 'connection.revoked' $$,
  'a refusal that comes later is no news');
select is(public.store_refreshed_tokens((select connection_id from account), 1, 'a', 'r', now()), false,
  'a refresh that comes later brings nothing back');

select is(tests.connect_account('ana'), (select id from account), 'connecting again finds the account');
select results_eq($$ select status, deleted_at, next_sync_at from public.social_account
    where id = (select id from account) $$,
  $$ values ('active', null::timestamptz, now()) $$, 'which is due again');
select is((select access_token from public.get_connection_tokens((select id from account))), 'access-ana',
  'and has tokens');

-- Without a grant there is nothing to compare.
select public.mark_connection_revoked((select connection_id from account), 'invalid_grant');
select is(tests.disconnect('ana', 2, true), true, 'an account that lost its grant can be removed');
select tests.connect_account('ana');
delete from public.platform_connection where id = (select connection_id from account);
select is(tests.disconnect('ana', null), true, 'so can one that has no connection at all');

select tests.become_postgres();
select tests.connect_account('ana');
update public.social_account set status = 'suspended' where id = (select id from account);
select public.disconnect_account(tests.user_id('ana'), (select id from account), 1);
select is((select status from public.social_account where id = (select id from account)), 'suspended',
  'removing an account does not lift its suspension');

select tests.become_user('ana');
select throws_ok($$ select tests.disconnect('ana', 1) $$, '42501', null,
  'a user cannot remove an account past its platform');
select throws_ok($$ select private.cancel_account_syncs(tests.user_id('ben'), tests.account_id('ben')) $$, '42501', null,
  'a user cannot cancel somebody''s syncs');
select tests.become_user('ben');
select throws_ok($$ select tests.disconnect('ana', 1) $$, '42501', null, 'a stranger cannot remove an account');
select tests.become_anon();
select throws_ok($$ select tests.disconnect('ana', 1) $$, '42501', null, 'anon cannot remove an account');

select * from finish();
rollback;

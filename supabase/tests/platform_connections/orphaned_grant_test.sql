begin;
\ir ../helpers.psql
select plan(29);

select tests.create_user(name) from unnest(array['ana', 'ben', 'cleo', 'dan']) as name;
select tests.connect_account(name) from unnest(array['ana', 'ben', 'cleo', 'dan']) as name;
create temporary table connection on commit drop as
  select id, split_part(email, '@', 1) as name, vault_secret_name
  from public.platform_connection
  join (select id as user_id, email from auth.users) as owner using (user_id)
  where email like '%@tests.invalid';
grant select on connection to public;

create function tests.connection(p_name text) returns uuid language sql stable as $$
  select id from connection where name = p_name
$$;
create function tests.revokes(p_name text) returns setof public.job_queue language sql stable as $$
  select * from public.job_queue
  where job_type = 'grant_revoke' and params ->> 'connection_id' = tests.connection(p_name)::text
$$;
create function tests.has_secret(p_name text) returns boolean language sql stable as $$
  select exists (select from vault.secrets where name = (select vault_secret_name from connection where connection.name = p_name))
$$;
grant execute on all functions in schema tests to public;

-- A user
select is(tests.has_secret('ana'), true, 'there are tokens before the user goes');
delete from auth.users where id = tests.user_id('ana');
select is_empty($$ select from public.platform_connection where id = tests.connection('ana') $$,
  'a deleted user takes their connections along');
select results_eq($$ select user_id, status, params from tests.revokes('ana') $$,
  $$ values (null::uuid, 'pending', jsonb_build_object('connection_id', tests.connection('ana'))) $$,
  'and leaves one job of the system''s, which names nobody and holds no token');
select results_eq($$ select platform_name, platform_account_ids from private.orphaned_grant
    where connection_id = tests.connection('ana') $$,
  $$ values ('youtube', '{UC_ana}'::text[]) $$, 'and a note of what it was a grant for');
select tests.become_service();
select results_eq($$ select * from public.get_orphaned_grant(tests.connection('ana')) $$,
  $$ values ('youtube', 'access-ana', 'refresh-ana') $$, 'get_orphaned_grant() gives the tokens to end it with');
select public.forget_orphaned_grant(tests.connection('ana'));
select public.forget_orphaned_grant(tests.connection('ana'));
select is_empty($$ select * from public.get_orphaned_grant(tests.connection('ana')) $$,
  'forget_orphaned_grant() forgets it, once or twice');
select tests.become_postgres();
select is(tests.has_secret('ana'), false, 'with its tokens');

-- A connection
delete from public.platform_connection where id = tests.connection('ben');
select is((select count(*) from tests.revokes('ben')), 1::bigint, 'a deleted connection leaves a job as well');
select is(tests.has_secret('ben'), true, 'and its tokens');
delete from auth.users where id = tests.user_id('ben');
select is((select count(*) from tests.revokes('ben')), 1::bigint, 'which its user''s end does not double');

-- One that has ended
select public.mark_connection_revoked(tests.connection('cleo'), 'invalid_grant');
delete from auth.users where id = tests.user_id('cleo');
select is((select count(*) from tests.revokes('cleo')), 0::bigint, 'a grant that has ended leaves no job');
select is_empty($$ select from private.orphaned_grant where connection_id = tests.connection('cleo') $$, 'and no note');
select is(tests.has_secret('cleo'), false, 'and no tokens');

-- A refresh that is under way
select is(public.claim_token_lease(tests.connection('dan'), 1, gen_random_uuid()), 'claimed', 'somebody renews');
create temporary table lease on commit drop as
  select expires_at from private.token_lease where connection_id = tests.connection('dan');
delete from auth.users where id = tests.user_id('dan');
select is((select scheduled_for from tests.revokes('dan')), (select expires_at from lease),
  'whoever renews the tokens this moment is waited for');
select tests.become_service();
select is(public.store_refreshed_tokens(tests.connection('dan'), 1, 'access-2', 'refresh-2', now()), false,
  'store_refreshed_tokens() brings a deleted connection not back');
select results_eq($$ select access_token, refresh_token from public.get_orphaned_grant(tests.connection('dan')) $$,
  $$ values ('access-2', 'refresh-2') $$, 'but the grant is ended with what it got');
select is(public.store_refreshed_tokens(tests.connection('dan'), 1, 'access-late', 'refresh-late', now()), false,
  'a refresh that came second');
select is((select access_token from public.get_orphaned_grant(tests.connection('dan'))), 'access-2',
  'changes nothing there either');

-- The same account connected anew
select tests.become_postgres();
select tests.create_user('dora'), tests.create_user('dana');
select tests.connect_account('dora');
select tests.become_service();
select isnt_empty($$ select * from public.get_orphaned_grant(tests.connection('dan')) $$,
  'another account keeps no grant alive');
select tests.connect_account('dana', p_account => 'UC_dan');
select is_empty($$ select * from public.get_orphaned_grant(tests.connection('dan')) $$,
  'the same one does: platforms take back the new grant with the old one');

-- What nobody could end
select tests.become_postgres();
select private.cleanup_oauth_states();
select is(tests.has_secret('dan'), true, 'the tokens of a grant that is not ended yet are kept');
update private.orphaned_grant set created_at = now() - interval '49 hours'
where connection_id = tests.connection('dan');
select private.cleanup_oauth_states();
select is(tests.has_secret('dan'), false, 'for two days');
select is_empty($$ select from private.orphaned_grant where connection_id = tests.connection('dan') $$,
  'after which they are dropped, with the note of them');

-- Whose business it is
select tests.become_user('dana');
select throws_ok($$ select * from public.get_orphaned_grant(tests.connection('ben')) $$, '42501', null,
  'a user reads no orphaned grant');
select throws_ok($$ select public.forget_orphaned_grant(tests.connection('ben')) $$, '42501', null,
  'nor has one forgotten');
select is(tests.error_of($$ select public.create_job(tests.user_id('dana'), 'grant_revoke') $$), 'FORBIDDEN',
  'nor has one ended');
select tests.become_anon();
select throws_ok($$ select * from public.get_orphaned_grant(tests.connection('ben')) $$, '42501', null,
  'anon reads none');
select throws_ok($$ select public.forget_orphaned_grant(tests.connection('ben')) $$, '42501', null,
  'nor has one forgotten');

select * from finish();
rollback;

begin;
\ir ../helpers.psql
select plan(22);

select tests.create_user('ana');
select tests.connect_account('ana');
create temporary table connection on commit drop as
  select connection_id as id from public.social_account where id = tests.account_id('ana');
grant select on connection to public;
create function tests.claim(p_version int, p_holder text) returns text language sql volatile as $$
  select public.claim_token_lease((select id from connection), p_version, md5(p_holder)::uuid)
$$;
create function tests.release(p_holder text) returns void language sql volatile as $$
  select public.release_token_lease((select id from connection), md5(p_holder)::uuid)
$$;
create function tests.leases() returns bigint language sql volatile security definer as $$
  select count(*) from private.token_lease
$$;
grant execute on all functions in schema tests to public;

select tests.become_service();
select is(tests.claim(1, 'one'), 'claimed', 'claim_token_lease() gives the tokens to who comes first');
select is(tests.claim(1, 'two'), 'busy', 'claim_token_lease() keeps them from who comes second');
select is(tests.claim(1, 'one'), 'busy', 'also from the same one, who may not know of its first try');
select tests.release('two');
select is(tests.claim(1, 'two'), 'busy', 'release_token_lease() leaves what somebody else holds');
select tests.release('one');
select is(tests.claim(1, 'two'), 'claimed', 'release_token_lease() makes way for the next one');
select is(tests.claim(2, 'three'), 'stale', 'claim_token_lease() knows no tokens that are not there yet');
select is(public.claim_token_lease(gen_random_uuid(), 1, gen_random_uuid()), 'stale',
  'claim_token_lease() knows no connection that is not there');

select is(public.store_refreshed_tokens((select id from connection), 1, 'access-2', 'refresh-2', now()), true,
  'the holder stores what it got');
select is(tests.leases(), 0::bigint, 'which ends the lease');
select is(tests.claim(1, 'three'), 'stale', 'claim_token_lease() gives nobody the tokens of before');
select is(tests.claim(2, 'three'), 'claimed', 'and the new ones to who has read them');

select tests.become_postgres();
select cmp_ok((select expires_at from private.token_lease), '>', clock_timestamp() + interval '50 seconds',
  'a lease is longer than the provider, the database and its last answer are waited for');
update private.token_lease set expires_at = clock_timestamp();
select tests.become_service();
select is(tests.claim(2, 'four'), 'claimed', 'a lease runs out: who died with it is in nobody''s way');
select tests.release('three');
select is(tests.leases(), 1::bigint, 'who comes back from the dead releases nothing');

select tests.connect_account('ana');
select is(tests.leases(), 0::bigint, 'connecting anew ends the lease of the tokens before');
select is(tests.claim(3, 'five'), 'claimed', 'and its tokens are free');
select public.mark_connection_revoked((select id from connection), 'invalid_grant', 3);
select is(tests.leases(), 0::bigint, 'so does the end of the connection');
select is(tests.claim(3, 'six'), 'stale', 'claim_token_lease() gives no tokens of a connection that has ended');

select tests.become_user('ana');
select throws_ok($$ select tests.claim(1, 'ana') $$, '42501', null, 'a user cannot claim, not even their own');
select throws_ok($$ select tests.release('one') $$, '42501', null, 'a user cannot release');
select tests.become_anon();
select throws_ok($$ select tests.claim(1, 'anon') $$, '42501', null, 'anon cannot claim');
select throws_ok($$ select tests.release('one') $$, '42501', null, 'anon cannot release');

select * from finish();
rollback;

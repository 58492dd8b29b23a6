begin;
\ir ../helpers.psql
\ir syncs.psql
select plan(27);

create function tests.total(p_name text) returns bigint language sql volatile security definer as $$
  select total_followers from public.users where id = tests.user_id(p_name)
$$;
create function tests.tell(p_facts jsonb, p_account text default 'ana', p_token bigint default null) returns void language sql volatile as $$
  select public.update_account_facts((select id from tests.held), coalesce(p_token, (select fencing_token from tests.held)),
    tests.account_id(p_account), p_facts)
$$;
grant execute on all functions in schema tests to public;

select is(tests.total('ana'), 10::bigint, 'who connects an account brings its followers');
update public.subscription set tier = 'premium' where user_id = tests.user_id('ana');
select tests.connect_account('ana', 'instagram', 'ig_ana');
select is(tests.total('ana'), 20::bigint, 'the accounts add up');

select tests.hold_sync('ana');
select tests.become_service();
select tests.tell('{"handle": "@new", "display_name": "New", "avatar_url": "https://x.invalid/a.jpg", "follower_count": "1234"}');
select results_eq($$ select handle, display_name, avatar_url, follower_count from public.social_account where id = tests.account_id('ana') $$,
  $$ values ('@new', 'New', 'https://x.invalid/a.jpg', 1234::bigint) $$, 'update_account_facts() stores what the platform says');
select is(tests.total('ana'), 1244::bigint, 'and the total follows');
select tests.tell('{"follower_count": null}');
select results_eq($$ select handle, follower_count from public.social_account where id = tests.account_id('ana') $$,
  $$ values ('@new', null::bigint) $$, 'hidden followers are unknown; what is not said stays');
select is(tests.total('ana'), 10::bigint, 'and count as none');
select is(tests.error_of($$ select tests.tell('{"follower_count": 1}', 'ben') $$), 'SOCIAL_ACCOUNT_NOT_FOUND', 'a job tells nothing of another user''s account');
select is(tests.error_of($$ select tests.tell('{"follower_count": 1}', p_token => 0) $$), 'LEASE_LOST', 'nor does who no longer holds it');
select tests.become_user('ana');
select throws_ok($$ select tests.tell('{"follower_count": 1000000}') $$, '42501', null, 'an owner cannot make followers up');
select throws_ok($$ select public.update_total_followers(tests.user_id('ana')) $$, '42501', null, 'nor the total');
select throws_ok($$ update public.users set total_followers = 1000000 where true $$, '42501', null, 'not even directly');
select tests.become_anon();
select throws_ok($$ select tests.tell('{"follower_count": 1}') $$, '42501', null, 'anon cannot');

-- The system's job
select tests.become_postgres();
select isnt(tests.hold_sync('ana', 'follower_sync'), null, 'a follower_sync is held');
select tests.become_service();
select is(tests.error_of($$ select tests.tell('{"follower_count": 50}') $$), null, 'a system job tells of its account');
select is(tests.total('ana'), 60::bigint, 'and the total follows');
select is(tests.error_of($$ select tests.tell('{"follower_count": 50}', 'ben') $$), 'SOCIAL_ACCOUNT_NOT_FOUND', 'and of no other');

select tests.become_postgres();
update public.social_account set deleted_at = now() where platform_account_id = 'ig_ana';
select is(tests.total('ana'), 50::bigint, 'an account that goes takes its followers along');
update public.users set total_followers = 0 where id = tests.user_id('ana');
select tests.become_service();
select is(public.update_total_followers(tests.user_id('ana')), 50::bigint, 'update_total_followers() adds up again');
select is(tests.total('ana'), 50::bigint, 'and stores the sum');
select is(public.update_total_followers(gen_random_uuid()), 0::bigint, 'of nobody it is nothing');

-- The schedule
select tests.become_postgres();
delete from public.job_queue where job_type = 'follower_sync';
update public.social_account set facts_updated_at = now();
select is(private.enqueue_follower_syncs(), 0, 'whose followers were asked for lately is not asked again');
update public.social_account set facts_updated_at = now() - interval '7 hours' where id in (tests.account_id('ana'), tests.account_id('ben'));
select is(private.enqueue_follower_syncs(), 2, 'enqueue_follower_syncs() asks for the others');
select is(private.enqueue_follower_syncs(), 0, 'once');
select results_eq($$ select params from public.job_queue where job_type = 'follower_sync' order by params ->> 'social_account_id' $$,
  $$ select jsonb_build_object('social_account_id', id) from unnest(array[tests.account_id('ana'), tests.account_id('ben')]) as id order by id $$,
  'by a job for each account');
select ok((select bool_and(user_id is null and scheduled_for between now() and now() + interval '5 hours') from public.job_queue where job_type = 'follower_sync'),
  'of the system''s, spread over the hours');
delete from public.job_queue where job_type = 'follower_sync';
update public.platform_connection set status = 'disconnected' where user_id = tests.user_id('ana');
update public.social_account set is_active = false where id = tests.account_id('ben');
select is(private.enqueue_follower_syncs(), 0, 'an account without a connection, or paused, is left alone');
delete from auth.users where id = tests.user_id('ana');
select is(tests.total('ana'), null, 'and a user who goes leaves no sum behind');

select * from finish();
rollback;

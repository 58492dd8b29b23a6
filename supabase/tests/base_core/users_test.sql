begin;
\ir ../helpers.psql
select plan(20);

select tests.create_user('ana', '{"display_name": "Ana"}'), tests.create_user('ben');
update public.users set is_public = true where id = tests.user_id('ana');

select tests.become_user('ana');
select results_eq($$ select id, display_name from public.users $$,
  $$ select tests.user_id('ana'), 'Ana' $$, 'an owner reads their profile and no other');
select lives_ok($$ update public.users set display_name = 'Ana B.', bio = 'I film.',
  avatar_url = 'https://img.invalid/b.png',
  category = 'music', is_public = false, notification_preferences = '{"email": false}',
    push_token = 't' where id = tests.user_id('ana') $$,
  'an owner edits what is theirs to edit');
select is((select bio from public.users), 'I film.', 'the edit was stored');

select throws_ok($$ update public.users set total_followers = 1000000 where id = tests.user_id('ana') $$,
  '42501', null,
  'an owner cannot set their follower total');
select throws_ok($$ update public.users set profile_slug = 'admin' where id = tests.user_id('ana') $$,
  '42501', null,
  'an owner cannot take a slug directly');
select throws_ok($$ update public.users set onboarding_state = 'completed' where id = tests.user_id('ana') $$,
  '42501', null,
  'an owner cannot skip onboarding');
select throws_ok($$ update public.users set id = tests.user_id('ben') where id = tests.user_id('ana') $$,
  '42501', null,
  'an owner cannot give their profile away');
select throws_ok($$ delete from public.users where id = tests.user_id('ana') $$, '42501', null,
  'an owner cannot delete the profile without the account');
select throws_ok($$ insert into public.users (id, profile_slug) values (gen_random_uuid(), 'extra') $$,
  '42501', null,
  'an owner cannot make another profile');

select throws_ok($$ update public.users set avatar_url = 'javascript:alert(1)'
  where id = tests.user_id('ana') $$,
  '23514', null,
  'an avatar must be a web address');
select throws_ok($$ update public.users set notification_preferences = '[]'
  where id = tests.user_id('ana') $$,
  '23514', null,
  'preferences must be an object');
select throws_ok($$ update public.users set display_name = null where id = tests.user_id('ana') $$,
  '23502', null,
  'a display name may be empty but not null');

select tests.become_user('ben');
select is((select count(*) from public.users where id = tests.user_id('ana')), 0::bigint,
  'a stranger cannot read the profile');
select is_empty($$ update public.users set bio = 'hacked' where id = tests.user_id('ana') returning 1 $$,
  'a stranger cannot edit the profile');

select tests.become_anon();
select throws_ok($$ select id from public.users $$, '42501', null, 'anon cannot read profiles');
select throws_ok($$ update public.users set bio = 'hacked' where true $$, '42501', null,
  'anon cannot edit profiles');

select tests.become_service();
select isnt_empty($$ select 1 from public.users where id = tests.user_id('ana') $$,
  'the service reads profiles');

select tests.become_postgres();
select is((select bio from public.users where id = tests.user_id('ana')), 'I film.',
  'the profile nobody else saw is there, unharmed');
select throws_ok($$ update public.users set profile_slug = 'Not A Slug' where id = tests.user_id('ana') $$,
  '23514', null,
  'a slug must fit a URL');
update public.users set updated_at = now() - interval '1 day' where id = tests.user_id('ana');
select is((select updated_at from public.users where id = tests.user_id('ana')), now(),
  'every change stamps updated_at');

select * from finish();
rollback;

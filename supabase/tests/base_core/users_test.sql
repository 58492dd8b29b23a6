begin;
\ir ../helpers.psql
select plan(59);

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
select throws_ok(format($$ update public.users set avatar_url = %L where id = tests.user_id('ana') $$, address), '23514', null,
  'an avatar is not at ' || address)
from unnest(array[
  'http://img.example.com/a.png', 'ftp://img.example.com/a', '//img.example.com/a', 'https://', 'https:///a', 'https://img',
  'https://user:secret@img.example.com/a', 'https://img.example.com@evil.example.com/', 'https://img.example.com:8443/',
  'https://127.0.0.1/a', 'https://2130706433/', 'https://0x7f.0x0.0x0.0x1/', 'https://0177.0.0.1/', 'https://127.1/', 'https://[::1]/',
  'https://[::ffff:169.254.169.254]/', 'https://169.254.169.254/latest/meta-data', 'https://10.0.0.5/', 'https://１２７.０.０.１/', 'https://%31%32%37.0.0.1/',
  'https://localhost/', 'https://a.localhost/', 'https://printer.local/', 'https://metadata.google.internal/', 'https://127.0.0.1.nip.io/',
  'https://LOCALTEST.ME/', 'https://img.example.com\\@localhost/', 'https://img.example.com/a b', e'https://img.example.com/a\nb',
  'https://-img.example.com/', 'https://img..example.com/', 'data:image/png;base64,AAAA', 'https://img.example.com/' || repeat('x', 2048)]) as address;
select lives_ok(format($$ update public.users set avatar_url = %L where id = tests.user_id('ana') $$, address), 'an avatar may be at ' || address)
from unnest(array['https://img.example.com', 'HTTPS://Lh3.GoogleUserContent.com/a-/x=s96-c?sz=1#y', 'https://xn--bcher-kva.xn--p1ai/ä.png']) as address;
select lives_ok($$ update public.users set display_name = e'  A\u202en\u200ba ', bio = e'one\n\n\n\ntwo', category = ' ', avatar_url = ''
  where id = tests.user_id('ana') $$, 'what an owner writes is tidied');
select results_eq($$ select display_name, bio, category, avatar_url from public.users $$,
  $$ values ('Ana', e'one\n\ntwo', null::text, null::text) $$, 'so that what is stored is what is seen');
select lives_ok($$ update public.users set bio = 'I film.' where id = tests.user_id('ana') $$, 'and written anew');
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

begin;
\ir ../helpers.psql
select plan(16);

select lives_ok($$ select tests.create_user('ana', '{"display_name": "  Zoë Quíntana ",
  "avatar_url": "https://img.invalid/a.png"}') $$,
  'create_profile() lets a sign-up through');
select results_eq(
  $$ select display_name, avatar_url, profile_slug, is_public, onboarding_state from public.users
    where id = tests.user_id('ana') $$,
  $$ values ('Zoë Quíntana', 'https://img.invalid/a.png', 'zoe-quintana', false, 'registered') $$,
  'create_profile() takes name and avatar from the metadata and starts as a private profile');

select tests.create_user('ana2', '{"full_name": "Zoe Quintana!"}');
select is((select profile_slug from public.users where id = tests.user_id('ana2')),
  'zoe-quintana-' || right(tests.user_id('ana2')::text, 8),
  'create_profile() adds digits of the user id when the slug is taken');

select tests.create_user('ana3', '{"name": "zoe quintana"}');
select isnt((select profile_slug from public.users where id = tests.user_id('ana3')), null,
  'create_profile() finds a slug for a third user of the same name');

select tests.create_user('nameless');
select is((select profile_slug from public.users where id = tests.user_id('nameless')),
  'creator-' || right(tests.user_id('nameless')::text, 8),
  'create_profile() calls a user without a name creator-<digits>');

select tests.create_user('tokyo', '{"display_name": "東京 🎬"}');
select results_eq(
  $$ select display_name, profile_slug like 'creator-%' from public.users
    where id = tests.user_id('tokyo') $$,
  $$ values ('東京 🎬', true) $$,
  'create_profile() keeps a name in another script and gives it a plain slug');

select tests.create_user('long', jsonb_build_object('display_name', repeat('x', 5000), 'avatar_url',
  'https://' || repeat('y', 5000)));
select results_eq(
  $$ select char_length(display_name), avatar_url, char_length(profile_slug) from public.users
    where id = tests.user_id('long') $$,
  $$ values (100, null::text, 40) $$,
  'create_profile() shortens an endless name and drops an endless avatar address');

select tests.create_user('script', '{"display_name": {"nested": ["<b>"]},
  "avatar_url": "javascript:alert(1)"}');
select is((select avatar_url from public.users where id = tests.user_id('script')), null,
  'create_profile() drops an avatar address that is not http');

select tests.create_user('odd', '[1, 2]');
select is((select display_name from public.users where id = tests.user_id('odd')), '',
  'create_profile() survives metadata that is not an object');

insert into auth.users (id, email) values (tests.user_id('none'), 'none@tests.invalid');
select isnt((select profile_slug from public.users where id = tests.user_id('none')), null,
  'create_profile() survives missing metadata');

select is(private.generate_profile_slug('Jørgen Łukasz Straße', tests.user_id('x')), 'jorgen-lukasz-strasse',
  'generate_profile_slug() folds letters that do not decompose');
select is(private.generate_profile_slug('--Tech & Co.--', tests.user_id('x')), 'tech-co',
  'generate_profile_slug() joins what is left with single hyphens');
select is(private.generate_profile_slug(null, tests.user_id('x')), private.generate_profile_slug('',
  tests.user_id('x')),
  'generate_profile_slug() treats null as empty');
select matches(private.generate_profile_slug(repeat('ab ', 300), tests.user_id('x')),
  '^[a-z0-9]+(-[a-z0-9]+)*$',
  'generate_profile_slug() cuts a long name without leaving a hyphen at the end');

select is((select count(*) from public.users where id = tests.user_id('ana')), 1::bigint,
  'the profile is there before the account goes');
delete from auth.users where id = tests.user_id('ana');
select is((select count(*) from public.users where id = tests.user_id('ana')), 0::bigint,
  'the profile goes with the account');

select * from finish();
rollback;

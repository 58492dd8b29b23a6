begin;
\ir ../helpers.psql
select plan(26);

select tests.create_user('ana', '{"display_name": "First Name"}'), tests.create_user('ben'), tests.create_user('cleo'), tests.create_user('dora');
update public.users set is_public = false where id = tests.user_id('ana');

select tests.become_service();
select results_eq(
  $$ select * from public.complete_profile(tests.user_id('ana'), '  Ana  Beispiel ', e'I film.\n\n\n\nA lot.', 'music', 'https://img.example.com/a.png') $$,
  $$ values ('ana-beispiel', false, 'profile_completed') $$,
  'complete_profile() chooses the slug by the name the user gives');
select results_eq($$ select display_name, bio, category, avatar_url from public.users where id = tests.user_id('ana') $$,
  $$ values ('Ana Beispiel', e'I film.\n\nA lot.', 'music', 'https://img.example.com/a.png') $$, 'and keeps what they say of themselves');
select results_eq($$ select * from public.complete_profile(tests.user_id('ana'), 'Another Name') $$,
  $$ values ('ana-beispiel', false, 'profile_completed') $$, 'the second time it keeps the slug');
select results_eq($$ select display_name, bio, category from public.users where id = tests.user_id('ana') $$,
  $$ values ('Another Name', e'I film.\n\nA lot.', 'music') $$, 'and whatever is not said anew');
select is((select bio from public.users where id = tests.user_id('ana')) is null, false, 'a bio is there');
select public.complete_profile(tests.user_id('ana'), 'Another Name', '');
select is((select bio from public.users where id = tests.user_id('ana')), null, 'until it is emptied');

select is((select profile_slug from public.complete_profile(tests.user_id('ben'), 'Ana Beispiel')),
  'ana-beispiel-' || right(tests.user_id('ben')::text, 8), 'a slug that is taken gets digits');
select is((select profile_slug from public.complete_profile(tests.user_id('cleo'), '王小明', p_latin_name => 'Wang Xiaoming')), 'wang-xiaoming',
  'a name that needs a dictionary is read by whoever has one');

update public.users set onboarding_state = 'platform_connected' where id = tests.user_id('dora');
select results_eq($$ select profile_slug, onboarding_state from public.complete_profile(tests.user_id('dora'), 'Dora') $$,
  $$ values ('dora', 'completed') $$, 'who connected a platform first gets the slug of their name all the same');

select is(tests.error_of($$ select public.complete_profile(tests.user_id('ana'), e' \u200b ') $$), 'VALIDATION_ERROR', 'a profile needs a name');
select is(tests.error_of($$ select public.complete_profile(tests.user_id('ana'), null) $$), 'VALIDATION_ERROR', 'no name is none');
select is(tests.error_of($$ select public.complete_profile(gen_random_uuid(), 'Nobody') $$), 'NOT_FOUND', 'and a user');

create function pg_temp.field_of(p_arguments text) returns text language plpgsql volatile as $$
declare
  detail text;
begin
  execute format('select public.complete_profile(tests.user_id(''ana''), %s)', p_arguments);
  return 'none';
exception when others then
  get stacked diagnostics detail = pg_exception_detail;
  return detail::jsonb ->> 'field';
end
$$;
select is(pg_temp.field_of($$ repeat('x', 101) $$), 'display_name', 'a name that is too long is said to be wrong');
select is(pg_temp.field_of($$ 'A', repeat('x', 2001) $$), 'bio', 'so is a bio');
select is(pg_temp.field_of($$ 'A', null, repeat('x', 101) $$), 'category', 'so is a category');
select is(pg_temp.field_of($$ 'A', null, null, 'https://127.0.0.1/' $$), 'avatar_url', 'so is an avatar');

select results_eq($$ select user_id, actor_id, action, details from public.audit_log where user_id = tests.user_id('ana') $$,
  $$ values (tests.user_id('ana'), tests.user_id('ana'), 'profile.completed', '{"onboarding_state": "profile_completed"}'::jsonb) $$, 'completing is in the audit log as the user''s act, once, without what they said of themselves');

-- Stable
select tests.become_user('ana');
select lives_ok($$ update public.users set display_name = 'Completely Different' where id = tests.user_id('ana') $$, 'an owner renames themselves');
select is((select profile_slug from public.users), 'ana-beispiel', 'and keeps their address');
select throws_ok($$ update public.users set display_name = e'\u200b \n' where id = tests.user_id('ana') $$, '23514', null, 'but is never without a name again');
select throws_ok($$ select public.complete_profile(tests.user_id('ana'), 'Ana') $$, '42501', null, 'users do not call it');
select throws_ok($$ select private.complete_profile(tests.user_id('ana'), 'Ana', null, null, null, null) $$, '42501', null, 'nor what is behind it');
select tests.become_anon();
select throws_ok($$ select public.complete_profile(tests.user_id('ana'), 'Ana') $$, '42501', null, 'nor does anon');

-- A name that somebody has given up is free, and one's own is never taken.
select tests.become_postgres();
select tests.create_user('emil', '{"display_name": "Emil"}');
select is((select profile_slug from public.users where id = tests.user_id('emil')), 'emil', 'sign-up chooses by what Auth knows');
select is((select profile_slug from public.complete_profile(tests.user_id('emil'), 'Emil')), 'emil', 'who keeps the name keeps the slug');
select is((select profile_slug from public.users where id = tests.user_id('ben')), 'ana-beispiel-' || right(tests.user_id('ben')::text, 8),
  'nobody else''s has changed');

select * from finish();
rollback;

begin;
\ir ../helpers.psql
select plan(6);

select tests.create_user('ana'), tests.create_user('ben');
select tests.connect_account('ana'), tests.connect_account('ben');
select private.save_content(tests.account_id('ana'), '[{"platform_content_id": "v1", "content_type": "post"}]');

select is(tests.error_of($$ delete from public.social_account where id = tests.account_id('ana') $$),
  'CONFLICT',
  'an account with content cannot be deleted');
select isnt_empty($$ select 1 from public.social_account where id = tests.account_id('ana') $$,
  'it is still there');
select is(tests.error_of($$ delete from public.social_account where id = tests.account_id('ben') $$),
  null,
  'an account without content can be deleted');
select is(tests.error_of($$ update public.social_account set deleted_at = now()
  where id = tests.account_id('ana') $$),
  null,
  'an account with content can be removed softly');

select isnt_empty($$ select 1 from public.content_item where user_id = tests.user_id('ana') $$,
  'there is content before the user goes');
delete from auth.users where id = tests.user_id('ana');
select is_empty($$ select 1 from public.content_item where user_id = tests.user_id('ana') $$,
  'a deleted user takes accounts and content along');

select * from finish();
rollback;

begin;
\ir ../helpers.psql
select plan(5);

select results_eq($$ select name from public.content_type order by name $$,
  $$ values ('carousel'), ('image'), ('long_video'), ('post'), ('reel'), ('short_video'), ('story') $$,
  'the kinds of content are known');

select tests.become_anon();
select is((select count(*) from public.content_type), 7::bigint, 'anon reads the kinds');
select throws_ok($$ delete from public.content_type where true $$, '42501', null,
  'anon cannot remove a kind');

select tests.become_user('ana');
select is((select count(*) from public.content_type), 7::bigint, 'a user reads the kinds');
select throws_ok($$ update public.content_type set description = '' where true $$, '42501', null,
  'a user cannot change a kind');

select * from finish();
rollback;

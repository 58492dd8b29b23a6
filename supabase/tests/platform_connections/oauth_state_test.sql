begin;
\ir ../helpers.psql
select plan(17);

select tests.create_user('ana');
create function tests.hash(p_state text) returns text language sql immutable
  as $$ select encode(sha256(convert_to(p_state, 'UTF8')), 'hex') $$;
grant execute on function tests.hash(text) to public;

select tests.become_service();
select lives_ok($$ select public.create_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('s1'),
  'verifier', 'https://api.invalid/cb', '/done') $$,
  'create_oauth_state() remembers an authorization');
select is(tests.error_of($$ select public.create_oauth_state(tests.user_id('ana'), 'tiktok',
  tests.hash('s2'), 'v', 'u') $$),
  'PLATFORM_DISABLED',
  'create_oauth_state() refuses a disabled platform');
select is(tests.error_of($$ select public.create_oauth_state(tests.user_id('ana'), 'myspace',
  tests.hash('s2'), 'v', 'u') $$),
  'PLATFORM_DISABLED',
  'create_oauth_state() refuses an unknown platform');
select throws_ok($$ select public.create_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('s1'),
  'v', 'u') $$,
  '23505', null,
  'create_oauth_state() refuses a state that is in use');
select throws_ok($$ select public.create_oauth_state(tests.user_id('ana'), 'youtube', 'short', 'v', 'u') $$,
  '23514', null,
  'create_oauth_state() refuses what cannot be a hash');

select is(tests.error_of($$ select public.consume_oauth_state('tiktok', tests.hash('s1')) $$),
  'OAUTH_STATE_INVALID',
  'consume_oauth_state() refuses a state of another platform');
select results_eq($$ select * from public.consume_oauth_state('youtube', tests.hash('s1')) $$,
  $$ select tests.user_id('ana'), 'verifier', 'https://api.invalid/cb', '/done' $$,
  'consume_oauth_state() gives what was remembered');
select is(tests.error_of($$ select public.consume_oauth_state('youtube', tests.hash('s1')) $$),
  'OAUTH_STATE_INVALID',
  'consume_oauth_state() gives it once');
select is(tests.error_of($$ select public.consume_oauth_state('youtube', null) $$), 'OAUTH_STATE_INVALID',
  'consume_oauth_state() refuses a missing state');

select lives_ok($$ select public.create_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('old'),
  'v', 'u'),
  public.create_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('fresh'), 'v', 'u') $$,
  'one user may have several under way');
select tests.become_postgres();
update private.oauth_state set expires_at = now() - interval '1 second' where state_hash = tests.hash('old');
select is(tests.error_of($$ select public.consume_oauth_state('youtube', tests.hash('old')) $$),
  'OAUTH_STATE_INVALID',
  'consume_oauth_state() refuses a state that has expired');
select is((select expires_at from private.oauth_state
  where state_hash = tests.hash('fresh')), now() + interval '10 minutes',
  'a state is good for ten minutes');
select ok(private.cleanup_oauth_states() >= 1, 'cleanup_oauth_states() says how many it dropped');
select results_eq($$ select state_hash from private.oauth_state where user_id = tests.user_id('ana') $$,
  $$ select tests.hash('fresh') $$,
  'cleanup_oauth_states() keeps those that are still good');

select tests.become_user('ana');
select throws_ok($$ select public.create_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('s3'),
  'v', 'u') $$,
  '42501', null,
  'a user cannot start an authorization past the function');
select throws_ok($$ select public.consume_oauth_state('youtube', tests.hash('fresh')) $$, '42501', null,
  'a user cannot take a state');
select tests.become_anon();
select throws_ok($$ select public.consume_oauth_state('youtube', tests.hash('fresh')) $$, '42501', null,
  'anon cannot take a state');

select * from finish();
rollback;

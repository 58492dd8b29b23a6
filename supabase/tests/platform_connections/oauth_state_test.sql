begin;
\ir ../helpers.psql
select plan(26);

select tests.create_user('ana');
select tests.create_user('eve');
create function tests.hash(p_state text) returns text language sql immutable
  as $$ select encode(sha256(convert_to(p_state, 'UTF8')), 'hex') $$;
grant execute on function tests.hash(text) to public;

select tests.become_service();
select lives_ok($$ select public.create_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('s1'),
  'verifier', 'https://api.invalid/cb', '/done') $$,
  'create_oauth_state() remembers an authorization');
select is(tests.error_of($$ select public.create_oauth_state(tests.user_id('ana'), 'twitter',
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

select results_eq($$ select * from public.get_oauth_redirect('youtube', tests.hash('s1')) $$,
  $$ select '/done' $$,
  'get_oauth_redirect() says where the authorization goes on');
select is_empty($$ select * from public.get_oauth_redirect('tiktok', tests.hash('s1')) $$,
  'get_oauth_redirect() does not know a state of another platform');
select is_empty($$ select * from public.get_oauth_redirect('youtube', tests.hash('made up')) $$,
  'get_oauth_redirect() does not know a state that was not given out');

select is(tests.error_of($$
    select public.consume_oauth_state(tests.user_id('ana'), 'tiktok', tests.hash('s1')) $$),
  'OAUTH_STATE_INVALID',
  'consume_oauth_state() refuses a state of another platform');
select is(tests.error_of($$
    select public.consume_oauth_state(tests.user_id('eve'), 'youtube', tests.hash('s1')) $$),
  'OAUTH_STATE_INVALID',
  'consume_oauth_state() refuses who did not start the authorization');
select is(tests.error_of($$ select public.consume_oauth_state(null, 'youtube', tests.hash('s1')) $$),
  'OAUTH_STATE_INVALID',
  'consume_oauth_state() refuses nobody in particular');
select results_eq($$
    select * from public.consume_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('s1')) $$,
  $$ select 'verifier', 'https://api.invalid/cb' $$,
  'consume_oauth_state() gives who started what was remembered, whatever others tried');
select is(tests.error_of($$
    select public.consume_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('s1')) $$),
  'OAUTH_STATE_INVALID',
  'consume_oauth_state() gives it once');
select is_empty($$ select * from public.get_oauth_redirect('youtube', tests.hash('s1')) $$,
  'get_oauth_redirect() does not know a state that was used');
select is(tests.error_of($$ select public.consume_oauth_state(tests.user_id('ana'), 'youtube', null) $$),
  'OAUTH_STATE_INVALID',
  'consume_oauth_state() refuses a missing state');

select lives_ok($$ select public.create_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('old'),
  'v', 'u'),
  public.create_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('fresh'), 'v', 'u') $$,
  'one user may have several under way');
select tests.become_postgres();
update private.oauth_state set expires_at = now() - interval '1 second' where state_hash = tests.hash('old');
select is(tests.error_of($$
    select public.consume_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('old')) $$),
  'OAUTH_STATE_INVALID',
  'consume_oauth_state() refuses a state that has expired');
select results_eq($$
    select given.state, page.redirect_to
    from (values ('old'), ('fresh')) as given (state),
      lateral public.get_oauth_redirect('youtube', tests.hash(given.state)) as page $$,
  $$ values ('fresh', null::text) $$,
  'get_oauth_redirect() does not know a state that has expired, and no page is one answer');
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
select throws_ok($$
    select public.consume_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('fresh')) $$, '42501', null,
  'a user cannot take a state');
select throws_ok($$ select public.get_oauth_redirect('youtube', tests.hash('fresh')) $$, '42501', null,
  'a user cannot ask where a state leads');
select tests.become_anon();
select throws_ok($$
    select public.consume_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('fresh')) $$, '42501', null,
  'anon cannot take a state');
select throws_ok($$ select public.get_oauth_redirect('youtube', tests.hash('fresh')) $$, '42501', null,
  'anon cannot ask where a state leads');

select * from finish();
rollback;

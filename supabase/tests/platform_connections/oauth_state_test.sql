begin;
\ir ../helpers.psql
select plan(35);

select tests.create_user('ana');
select tests.create_user('eve');
create function tests.hash(p_state text) returns text language sql immutable
  as $$ select encode(sha256(convert_to(p_state, 'UTF8')), 'hex') $$;
create function tests.take(p_name text, p_state text, p_platform text default 'youtube',
  p_redirect_uri text default 'https://api.invalid/cb')
returns text language sql volatile as $$
  select tests.error_of(format('select public.consume_oauth_state(%L, %L, %L, %L)',
    tests.user_id(p_name), p_platform, tests.hash(p_state), p_redirect_uri))
$$;
grant execute on function tests.hash(text), tests.take(text, text, text, text) to public;

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
select is(tests.error_of($$ select public.create_oauth_state(gen_random_uuid(), 'youtube', tests.hash('s2'), 'v', 'u') $$),
  'NOT_FOUND', 'create_oauth_state() refuses a user who is gone');
select throws_ok($$ select public.create_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('s1'),
  'v', 'u') $$,
  '23505', null,
  'create_oauth_state() refuses a state that is in use');
select throws_ok($$ select public.create_oauth_state(tests.user_id('ana'), 'youtube', 'short', 'v', 'u') $$,
  '23514', null,
  'create_oauth_state() refuses what cannot be a hash');

select results_eq($$ select * from public.get_oauth_redirect('youtube', tests.hash('s1'), 'https://api.invalid/cb') $$,
  $$ select '/done', null::text $$,
  'get_oauth_redirect() says where the authorization goes on');
select results_eq($$ select * from public.get_oauth_redirect('tiktok', tests.hash('s1'), 'https://api.invalid/cb') $$,
  $$ select '/done', 'OAUTH_PLATFORM_MISMATCH' $$,
  'get_oauth_redirect() refuses a state of another platform');
select results_eq($$ select refusal from public.get_oauth_redirect('youtube', tests.hash('s1'), 'https://evil.invalid/cb') $$,
  $$ select 'OAUTH_REDIRECT_MISMATCH' $$,
  'get_oauth_redirect() refuses a state that came back elsewhere');
select is_empty($$ select * from public.get_oauth_redirect('youtube', tests.hash('made up'), 'https://api.invalid/cb') $$,
  'get_oauth_redirect() does not know a state that was not given out');

-- Whatever others try, and wherever the owner tries it, nothing is spoilt.
select is(tests.take('ana', 's1', 'tiktok'), 'OAUTH_PLATFORM_MISMATCH',
  'consume_oauth_state() refuses a state of another platform');
select is(tests.take('ana', 's1', null), 'OAUTH_PLATFORM_MISMATCH',
  'consume_oauth_state() refuses a state of no platform');
select is(tests.take('ana', 's1', 'youtube', 'https://evil.invalid/cb'), 'OAUTH_REDIRECT_MISMATCH',
  'consume_oauth_state() refuses a state that came back elsewhere');
select is(tests.take('ana', 's1', 'youtube', null), 'OAUTH_REDIRECT_MISMATCH',
  'consume_oauth_state() refuses a state that came back nowhere');
select is(tests.take('eve', 's1'), 'OAUTH_STATE_FOREIGN',
  'consume_oauth_state() refuses who did not start the authorization');
select is(tests.error_of($$
    select public.consume_oauth_state(null, 'youtube', tests.hash('s1'), 'https://api.invalid/cb') $$),
  'OAUTH_STATE_FOREIGN',
  'consume_oauth_state() refuses nobody in particular');
select is(tests.take('ana', 'made up'), 'OAUTH_STATE_INVALID',
  'consume_oauth_state() refuses a state that was not given out');
select is(tests.error_of($$
    select public.consume_oauth_state(tests.user_id('ana'), 'youtube', null, 'https://api.invalid/cb') $$),
  'OAUTH_STATE_INVALID',
  'consume_oauth_state() refuses a missing state');
select results_eq($$ select * from public.consume_oauth_state(
    tests.user_id('ana'), 'youtube', tests.hash('s1'), 'https://api.invalid/cb') $$,
  $$ select 'verifier', 'https://api.invalid/cb' $$,
  'consume_oauth_state() gives who started what was remembered, whatever was tried before');
select is(tests.take('ana', 's1'), 'OAUTH_STATE_USED', 'consume_oauth_state() gives it once');
select is(tests.take('eve', 's1'), 'OAUTH_STATE_FOREIGN', 'and tells a stranger no more than before');
select results_eq($$ select * from public.get_oauth_redirect('youtube', tests.hash('s1'), 'https://api.invalid/cb') $$,
  $$ select '/done', 'OAUTH_STATE_USED' $$,
  'get_oauth_redirect() refuses a state that was used');

select lives_ok($$ select public.create_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('old'),
  'v', 'https://api.invalid/cb'),
  public.create_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('fresh'), 'v', 'https://api.invalid/cb') $$,
  'one user may have several under way');
select tests.become_postgres();
select results_eq($$ select code_verifier, used_at from private.oauth_state where state_hash = tests.hash('s1') $$,
  $$ values (null::text, now()) $$,
  'a used state is kept without its verifier');
select is((select expires_at from private.oauth_state
  where state_hash = tests.hash('fresh')), now() + interval '10 minutes',
  'a state is good for ten minutes');
update private.oauth_state set expires_at = now() where state_hash = tests.hash('old');
select is(tests.take('ana', 'old'), 'OAUTH_STATE_EXPIRED',
  'consume_oauth_state() refuses a state that has expired');
select results_eq($$
    select given.state, page.redirect_to, page.refusal
    from (values ('old'), ('fresh')) as given (state),
      lateral public.get_oauth_redirect('youtube', tests.hash(given.state), 'https://api.invalid/cb') as page $$,
  $$ values ('old', null::text, 'OAUTH_STATE_EXPIRED'), ('fresh', null, null) $$,
  'get_oauth_redirect() refuses a state that has expired, and no page is one answer');
select private.cleanup_oauth_states();
select is((select count(*) from private.oauth_state where user_id = tests.user_id('ana')), 3::bigint,
  'cleanup_oauth_states() keeps for a day what it tells too late a user apart by');
update private.oauth_state set expires_at = now() - interval '25 hours' where state_hash <> tests.hash('fresh');
select ok(private.cleanup_oauth_states() >= 2, 'cleanup_oauth_states() says how many it dropped');
select results_eq($$ select state_hash from private.oauth_state where user_id = tests.user_id('ana') $$,
  $$ select tests.hash('fresh') $$,
  'cleanup_oauth_states() keeps those that are still good');

select tests.become_user('ana');
select throws_ok($$ select public.create_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('s3'),
  'v', 'u') $$,
  '42501', null,
  'a user cannot start an authorization past the function');
select throws_ok($$
    select public.consume_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('fresh'), 'u') $$, '42501', null,
  'a user cannot take a state');
select throws_ok($$ select public.get_oauth_redirect('youtube', tests.hash('fresh'), 'u') $$, '42501', null,
  'a user cannot ask where a state leads');
select tests.become_anon();
select throws_ok($$
    select public.consume_oauth_state(tests.user_id('ana'), 'youtube', tests.hash('fresh'), 'u') $$, '42501', null,
  'anon cannot take a state');
select throws_ok($$ select public.get_oauth_redirect('youtube', tests.hash('fresh'), 'u') $$, '42501', null,
  'anon cannot ask where a state leads');

select * from finish();
rollback;

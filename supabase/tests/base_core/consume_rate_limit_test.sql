begin;
\ir ../helpers.psql
select plan(18);

insert into private.rate_limit (function_name, caller, max_requests, per)
values ('tests-tight', 'user', 2, '1 hour'), ('tests-closed', 'user', 0, '1 hour');

select tests.become_service();
select results_eq($$ select allowed, max_requests, remaining, reset_at
  from public.consume_rate_limit('tests-tight', 'user', 'a') $$,
  $$ values (true, 2, 1, now() + interval '1 hour') $$, 'consume_rate_limit() counts the first request');
select results_eq($$ select allowed, remaining from public.consume_rate_limit('tests-tight', 'user', 'a') $$,
  $$ values (true, 0) $$, 'consume_rate_limit() lets the last unit through');
select results_eq($$ select allowed, remaining from public.consume_rate_limit('tests-tight', 'user', 'a') $$,
  $$ values (false, 0) $$, 'consume_rate_limit() refuses the request after the last unit');
select results_eq($$ select allowed, remaining from public.consume_rate_limit('tests-tight', 'user', 'b') $$,
  $$ values (true, 1) $$, 'consume_rate_limit() counts every caller alone');
select results_eq($$ select allowed, remaining from public.consume_rate_limit('tests-other', 'user', 'a') $$,
  $$ values (true, 99) $$, 'consume_rate_limit() allows a user 100 requests an hour by default');
select results_eq($$ select allowed, remaining, reset_at
  from public.consume_rate_limit('tests-other', 'ip', '203.0.113.1') $$,
  $$ values (true, 19, now() + interval '1 hour') $$,
  'consume_rate_limit() allows an address 20 requests an hour by default');
select results_eq($$ select allowed from public.consume_rate_limit('tests-closed', 'user', 'a') $$,
  $$ values (false) $$, 'a limit of zero closes a function');
select ok((select max_requests from public.consume_rate_limit('job-status', 'user', 'a')) >= 3600,
  'job-status may be polled every second');
select is(tests.error_of($$ select public.consume_rate_limit('tests-other', 'planet', 'a') $$),
  'VALIDATION_ERROR',
  'consume_rate_limit() refuses a kind of caller that has no limit');
select lives_ok($$ select public.consume_rate_limit('tests-other', 'ip', repeat('x', 100000)) $$,
  'consume_rate_limit() takes a key of any length');

select tests.become_postgres();
update private.rate_limit_counter set window_ends_at = now() - interval '1 second'
where function_name = 'tests-tight' and key_hash = sha256('a');
select results_eq($$ select allowed, remaining, reset_at
  from public.consume_rate_limit('tests-tight', 'user', 'a') $$,
  $$ values (true, 1, now() + interval '1 hour') $$,
  'consume_rate_limit() starts a new window when the old one is over');

update private.rate_limit_counter set request_count = 2147483647
where function_name = 'tests-tight' and key_hash = sha256('a');
select results_eq($$ select allowed, remaining from public.consume_rate_limit('tests-tight', 'user', 'a') $$,
  $$ values (false, 0) $$, 'consume_rate_limit() does not overflow under a flood');

select is_empty($$ select 1 from private.rate_limit_counter
  where position(convert_to('203.0.113.1', 'UTF8') in key_hash) > 0 $$,
  'no address is kept');

update private.rate_limit_counter set window_ends_at = now() - interval '1 second'
  where function_name = 'tests-tight';
select isnt_empty($$ select 1 from private.rate_limit_counter where function_name = 'tests-tight' $$,
  'there are old counters');
select ok(private.cleanup_rate_limits() >= 2, 'cleanup_rate_limits() says how many it dropped');
select results_eq($$ select distinct function_name from private.rate_limit_counter
  where function_name like 'tests-%' order by 1 $$,
  $$ values ('tests-closed'), ('tests-other') $$, 'cleanup_rate_limits() keeps windows that are open');

select tests.become_user('ana');
select throws_ok($$ select public.consume_rate_limit('tests-tight', 'user', 'a') $$, '42501', null,
  'a user cannot use up anybody''s limit');
select tests.become_anon();
select throws_ok($$ select public.consume_rate_limit('tests-tight', 'user', 'a') $$, '42501', null,
  'anon cannot use up anybody''s limit');

select * from finish();
rollback;

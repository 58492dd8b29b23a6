begin;
\ir ../helpers.psql
select plan(16);

select tests.become_service();
select is(public.get_cached('tests:a'), null, 'get_cached() finds nothing where nothing is');
select lives_ok($$ select public.set_cached('tests:a', '{"n": 1}', '1 hour') $$, 'set_cached() keeps a value');
select is(public.get_cached('tests:a'), '{"n": 1}'::jsonb, 'get_cached() finds it');
select public.set_cached('tests:a', '{"n": 2}', '1 hour');
select is(public.get_cached('tests:a'), '{"n": 2}'::jsonb, 'set_cached() replaces what was there');
select is(tests.error_of(format($$ select public.set_cached(%s) $$, arguments)), 'VALIDATION_ERROR', 'set_cached() refuses ' || arguments)
from unnest(array[$$null, '1', '1 hour'$$, $$'', '1', '1 hour'$$, $$'k', null, '1 hour'$$, $$'k', '1', null$$, $$'k', '1', '-1 hour'$$]) as arguments;
select public.set_cached(key, '1', '1 hour') from unnest(array['tests:b', 'tests%', 'test']) as key;
select is(public.delete_cached('tests:'), 2::bigint, 'delete_cached() drops what begins so');
select is(public.get_cached('tests%'), '1'::jsonb, 'and takes no character for a pattern');

select tests.become_postgres();
update private.cache_store set expires_at = now() where key = 'tests%';
select is(private.get_cached('tests%'), null, 'what has expired is not found');
select ok(private.cleanup_cache_store() >= 1, 'cleanup_cache_store() drops it');
select isnt_empty($$ select from private.cache_store where key = 'test' $$, 'and keeps what may still be used');

select tests.become_user('ana');
select throws_ok($$ select public.get_cached('test') $$, '42501', null, 'users cannot look into the cache');
select throws_ok($$ select private.delete_cached('') $$, '42501', null, 'nor empty it');

select * from finish();
rollback;

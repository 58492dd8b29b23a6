begin;
\ir ../helpers.psql
select plan(37);

select tests.create_user('ana'), tests.create_user('ben');
create function tests.used(p_name text) returns int[] language sql stable security definer as $$
  select array[syncs_used, ai_analyses_used, seo_submissions_used] from public.subscription
  where user_id = tests.user_id(p_name)
$$;
grant execute on function tests.used(text) to public;

select tests.become_service();
select ok(public.consume_quota(tests.user_id('ana'), 'syncs'), 'consume_quota() takes a unit');
select is(tests.used('ana'), '{1,0,0}', 'and counts it');
select ok(public.consume_quota(tests.user_id('ana'), 'syncs', 9), 'consume_quota() takes many, up to the last');
select ok(not public.consume_quota(tests.user_id('ana'), 'syncs'), 'consume_quota() says when none is left');
select is(tests.used('ana'), '{10,0,0}', 'and then counts nothing');
select ok(public.consume_quota(tests.user_id('ana'), 'ai_analyses', 20), 'one quota that is used up leaves the others');
select ok(not public.consume_quota(tests.user_id('ana'), 'ai_analyses', 6), 'consume_quota() takes all it was asked for or nothing');
select is(tests.used('ana'), '{10,20,0}', 'nothing it was');
select ok(not public.consume_quota(tests.user_id('ana'), 'seo_submissions'), 'the free tier has no SEO submissions');
select ok(not public.consume_quota(gen_random_uuid(), 'syncs'), 'nobody has no quota');
select is(tests.used('ben'), '{0,0,0}', 'nobody else was charged');

select ok(not public.check_quota(tests.user_id('ana'), 'syncs'), 'check_quota() says that none is left');
select ok(public.check_quota(tests.user_id('ana'), 'ai_analyses'), 'check_quota() says that some are');
select ok(not public.check_quota(tests.user_id('ana'), 'seo_submissions'), 'check_quota() says that there never were any');
select ok(not public.check_quota(gen_random_uuid(), 'syncs'), 'check_quota() is false about nobody');
select is(tests.used('ana'), '{10,20,0}', 'check_quota() takes nothing');

select is(public.increment_quota(tests.user_id('ana'), 'syncs', 2), 12, 'increment_quota() counts also beyond the limit');
select is(public.increment_quota(tests.user_id('ana'), 'seo_submissions'), 1, 'increment_quota() counts one');
select is(public.decrement_quota(tests.user_id('ana'), 'syncs', 3), 9, 'decrement_quota() gives back');
select ok(public.consume_quota(tests.user_id('ana'), 'syncs'), 'what was given back can be taken');
select is(public.decrement_quota(tests.user_id('ana'), 'seo_submissions', 5), 0, 'decrement_quota() ends at zero');
select is(tests.error_of($$ select public.increment_quota(gen_random_uuid(), 'syncs') $$), 'NOT_FOUND',
  'increment_quota() does not count for nobody');

select is(tests.error_of($$ select public.consume_quota(tests.user_id('ana'), 'coffee') $$), 'VALIDATION_ERROR', 'quotas are known');
select is(tests.error_of($$ select public.check_quota(tests.user_id('ana'), null) $$), 'VALIDATION_ERROR', 'also to check_quota()');
select is(tests.error_of(format($$ select public.consume_quota(tests.user_id('ana'), 'syncs', %s) $$, amount)), 'VALIDATION_ERROR',
  'an amount is a number of units: not ' || amount)
from unnest(array['0', '-1', 'null', '2000000000']) as amount;

-- A larger tier, a smaller one, a new limit: each counts from the next request on.
select tests.become_postgres();
update public.subscription set tier = 'premium' where user_id = tests.user_id('ana');
select ok(private.consume_quota(tests.user_id('ana'), 'syncs', 900), 'a larger tier has more');
update public.subscription set tier = 'free' where user_id = tests.user_id('ana');
select ok(not private.consume_quota(tests.user_id('ana'), 'syncs', 1), 'a smaller one has less than was used');
update public.subscription_tier set max_syncs = 2000 where name = 'free';
select ok(private.consume_quota(tests.user_id('ana'), 'syncs', 1), 'limits are rows');
update public.subscription_tier set max_syncs = 10 where name = 'free';

-- For users
select tests.become_user('ben');
select ok(public.check_quota(tests.user_id('ana'), 'syncs'), 'check_quota() answers users about themselves, whatever id they pass');
select throws_ok($$ select public.consume_quota(tests.user_id('ben'), 'syncs') $$, '42501', null, 'users consume nothing');
select throws_ok($$ select public.decrement_quota(tests.user_id('ben'), 'syncs') $$, '42501', null, 'users give themselves nothing');
select throws_ok($$ select private.adjust_quota(tests.user_id('ben'), 'syncs', -1) $$, '42501', null, 'nor by the back door');
select throws_ok($$ select public.increment_quota(tests.user_id('ana'), 'syncs') $$, '42501', null, 'nor use up somebody else''s');
select tests.become_anon();
select throws_ok($$ select public.check_quota(tests.user_id('ana'), 'syncs') $$, '42501', null, 'anon asks for nobody');

select * from finish();
rollback;

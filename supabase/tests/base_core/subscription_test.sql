begin;
\ir ../helpers.psql
select plan(36);

select results_eq($$ select name, max_social_accounts, max_syncs, max_ai_analyses, max_seo_submissions
    from public.subscription_tier order by price_cents $$,
  $$ values ('free', 1, 10, 25, 0), ('basic', 3, 100, 250, 50), ('premium', 10, 1000, 2500, 200) $$,
  'the tiers and their limits');
select set_eq($$ select name from public.subscription_status $$, $$ values ('active'), ('trialing'), ('past_due'), ('canceled') $$,
  'the states of a subscription are known');

select tests.create_user('ana'), tests.create_user('ben');
select results_eq($$ select tier, status, cycle_start, syncs_used, ai_analyses_used, seo_submissions_used, paid_until
    from public.subscription where user_id = tests.user_id('ana') $$,
  $$ values ('free', 'active', now(), 0, 0, 0, null::timestamptz) $$, 'a free subscription comes with the profile');
select is((select cycle_end from public.subscription where user_id = tests.user_id('ana')),
  (now() at time zone 'UTC' + interval '1 month') at time zone 'UTC', 'its cycle is a month');

select tests.become_user('ana');
select is((select count(*) from public.subscription), 1::bigint, 'an owner reads their subscription and no other');
select throws_ok($$ update public.subscription set tier = 'premium' where true $$, '42501', null, 'an owner cannot set their tier');
select throws_ok($$ update public.subscription set syncs_used = 0 where true $$, '42501', null, 'nor what they used');
select throws_ok($$ update public.subscription set cycle_end = now() where true $$, '42501', null, 'nor their cycle');
select throws_ok($$ insert into public.subscription (user_id, cycle_end, anchor_day) values (tests.user_id('ana'), now(), 1) $$,
  '42501', null, 'nor make another');
select throws_ok($$ delete from public.subscription where true $$, '42501', null, 'nor be rid of it');
select throws_ok($$ update public.subscription_tier set max_syncs = 1000000 where true $$, '42501', null, 'a user changes no tier');
select throws_ok($$ update public.subscription_status set description = '' where true $$, '42501', null, 'nor a status');
select throws_ok($$ select private.current_tier(tests.user_id('ben')) $$, '42501', null, 'nor learns the tier of somebody else');

select tests.become_anon();
select throws_ok($$ select from public.subscription $$, '42501', null, 'anon reads no subscription');
select is((select count(*) from public.subscription_tier), 3::bigint, 'anon reads the tiers: they are the price list');
select is((select count(*) from public.subscription_status), 4::bigint, 'anon reads the states');

-- The tier that counts

select tests.become_postgres();
create function tests.tier_when(p_change text) returns text language plpgsql volatile as $$
begin
  execute 'update public.subscription set ' || p_change || ' where user_id = tests.user_id(''ana'')';
  return (select name from private.current_tier(tests.user_id('ana')));
end
$$;
select is(tests.tier_when($$ tier = 'premium' $$), 'premium', 'current_tier() is what the subscription says');
select is(private.account_limit(tests.user_id('ana')), 10, 'account_limit() is that of the tier');
select is(tests.tier_when($$ paid_until = now() + interval '1 day' $$), 'premium', 'a paid tier counts while it is paid');
select is(tests.tier_when($$ paid_until = now() - interval '2 days' $$), 'premium',
  'and for three days more, until the news of a renewal must be here');
select is(tests.tier_when($$ paid_until = now() - interval '3 days' $$), 'free', 'then it is the free one');
select is(tests.tier_when($$ paid_until = now() + interval '1 day', status = 'past_due' $$), 'premium',
  'while a payment is tried again the tier counts');
select is(tests.tier_when($$ status = 'trialing' $$), 'premium', 'a trial counts');
select is(tests.tier_when($$ status = 'canceled' $$), 'free', 'a canceled one does not');
select is(private.account_limit(tests.user_id('ana')), 1, 'account_limit() follows');
select is((select name from private.current_tier(gen_random_uuid())), 'free', 'who has no subscription is free');

select throws_ok($$ update public.subscription set syncs_used = -1 where true $$, '23514', null, 'use is not negative');
select throws_ok($$ update public.subscription set tier = 'gold' where true $$, '23503', null, 'a tier is one of those there are');
select throws_ok($$ update public.subscription set cycle_end = cycle_start where true $$, '23514', null, 'a cycle has a length');
select throws_ok($$ update public.subscription set cycle_end = 'infinity' where true $$, '23514', null, 'and an end');
select throws_ok($$ delete from public.subscription_tier where name = 'free' $$, '23503', null, 'a tier that somebody has stays');

-- Cycles

create function tests.ends(p_from text, p_day int, p_months int) returns text language sql as $$
  select string_agg(to_char(private.cycle_end_after(p_from::timestamptz, p_day, n) at time zone 'UTC', 'MM-DD HH24:MI'), ' ' order by n)
  from generate_series(1, p_months) as n
$$;
select is(tests.ends('2027-01-31 22:30Z', 31, 4), '02-28 22:30 03-31 22:30 04-30 22:30 05-31 22:30',
  'cycles that begin on the 31st end on the last day of a shorter month, and on the 31st again');
select is(tests.ends('2028-01-30 00:00Z', 30, 2), '02-29 00:00 03-30 00:00', 'also in a leap year');
select is(tests.ends('2027-02-28 12:00Z', 31, 1), '03-31 12:00', 'from a short month the anchor is found again');
select is(tests.ends('2027-03-15 12:00Z', 31, 2), '04-15 12:00 05-15 12:00', 'an end on another day brings its own anchor');
set local timezone = 'America/New_York';
select is(tests.ends('2027-01-31 22:30Z', 31, 2), '02-28 22:30 03-31 22:30', 'whatever the time zone of the session');

select * from finish();
rollback;

begin;
\ir ../helpers.psql
select plan(21);

insert into public.platform (name, display_name) values ('tests', 'Of this test');
insert into private.provider_quota (platform, bucket, limit_units, time_zone) values ('tests', 'default', 10, 'America/Los_Angeles');
create function tests.reserve(p_units int, p_bucket text default 'default') returns boolean language sql volatile as $$
  select allowed from public.reserve_provider_quota('tests', p_bucket, p_units)
$$;
create function tests.used() returns int language sql volatile security definer as $$
  select used from private.provider_quota where platform = 'tests' and bucket = 'default'
$$;
create function tests.pacific_midnight() returns timestamptz language sql stable as $$
  select (date_trunc('day', now() at time zone 'America/Los_Angeles') + interval '1 day') at time zone 'America/Los_Angeles'
$$;
grant execute on all functions in schema tests to public;

select is((select limit_units from private.provider_quota where platform = 'youtube' and bucket = 'default'), 10000,
  'YouTube''s daily units are known');
select tests.become_service();
select is(tests.reserve(4), true, 'reserve_provider_quota() gives units');
select is(tests.used(), 4, 'and counts them');
select is(tests.reserve(7), false, 'it gives no more than there are');
select is(tests.used(), 4, 'and then takes none');
select is(tests.reserve(6), true, 'it gives the last one');
select is(tests.reserve(1), false, 'and none after it');
select is((select resets_at from public.reserve_provider_quota('tests', 'default', 1)), tests.pacific_midnight(),
  'and says when the platform''s day ends');
select tests.become_postgres();
update private.provider_quota set day = day - 1 where platform = 'tests';
select tests.become_service();
select is(tests.reserve(10), true, 'a new day has all units again');
select is(tests.used(), 10, 'and counts from nothing');

select is(tests.reserve(1000000, 'unheard of'), true, 'a counter without a limit only counts');
select is(tests.error_of($$ select tests.reserve(-1) $$), 'VALIDATION_ERROR', 'nothing is given back by taking less than nothing');
select is(tests.error_of($$ select public.reserve_provider_quota('nowhere', 'default', 1) $$), 'PLATFORM_DISABLED', 'a platform is a known one');

select is(public.report_provider_quota_exhausted('tests', 'unheard of'), (current_date + 1)::timestamp at time zone 'UTC',
  'report_provider_quota_exhausted() stops everybody until the platform''s next day');
select is(tests.reserve(1, 'unheard of'), false, 'with or without a limit');
select is(public.report_provider_quota_exhausted('tests', 'soon', now() + interval '5 minutes'), now() + interval '5 minutes',
  'or until the time that the platform says');
select is(public.report_provider_quota_exhausted('tests', 'soon', now() + interval '1 year'), now() + interval '2 days',
  'as far as that can be');
select is((select resets_at from public.reserve_provider_quota('tests', 'soon', 1)), now() + interval '2 days', 'which is when to ask again');
select tests.become_postgres();
update private.provider_quota set exhausted_until = now() - interval '1 second' where platform = 'tests' and bucket = 'soon';
select is(tests.reserve(1, 'soon'), true, 'and then there are units again');

select tests.become_user('ana');
select throws_ok($$ select public.reserve_provider_quota('youtube', 'default', 10000) $$, '42501', null, 'no user uses up everybody''s units');
select tests.become_anon();
select throws_ok($$ select public.report_provider_quota_exhausted('youtube', 'default') $$, '42501', null, 'or says that they are');

select * from finish();
rollback;

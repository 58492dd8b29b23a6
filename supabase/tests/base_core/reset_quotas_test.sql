begin;
\ir ../helpers.psql
select plan(27);

-- Whoever else is in this database has their cycle before them.
select private.reset_quotas(1000000);
select tests.create_user('ana'), tests.create_user('ben'), tests.create_user('cleo'), tests.create_user('dan');

create function tests.age_cycle(p_name text, p_ended_ago interval) returns void language sql volatile as $$
  update public.subscription
  set cycle_end = now() - p_ended_ago, cycle_start = now() - p_ended_ago - interval '1 month',
    anchor_day = extract(day from (now() - p_ended_ago) at time zone 'UTC')
  where user_id = tests.user_id(p_name)
$$;
create view tests.own as select * from public.subscription where user_id in (select tests.user_id(name) from unnest(array['ana', 'ben', 'cleo', 'dan']) as name);

select private.consume_quota(tests.user_id('ana'), 'syncs', 10), private.consume_quota(tests.user_id('ana'), 'ai_analyses', 3);
select private.consume_quota(tests.user_id('ben'), 'syncs', 4);
select tests.age_cycle('ana', interval '1 hour');
create table tests.old as select * from tests.own;

select is(private.reset_quotas(), 1, 'reset_quotas() closes the cycle that has ended');
select is(private.reset_quotas(), 0, 'reset_quotas() can be repeated');
select results_eq(
  $$ select user_id, cycle_start, cycle_end, tier, syncs_used, max_syncs, ai_analyses_used, max_ai_analyses, seo_submissions_used, max_seo_submissions
     from public.quota_usage_history $$,
  $$ select user_id, cycle_start, cycle_end, 'free', 10, 10, 3, 25, 0, 0 from tests.old where user_id = tests.user_id('ana') $$,
  'what was used and could have been is kept');
select results_eq(
  $$ select syncs_used, ai_analyses_used, cycle_start from tests.own where user_id = tests.user_id('ana') $$,
  $$ select 0, 0, cycle_end from tests.old where user_id = tests.user_id('ana') $$,
  'the next cycle begins at zero, where the last one ended');
select ok((select cycle_end > now() from tests.own where user_id = tests.user_id('ana')), 'and it is the current one');
select results_eq($$ select * from tests.own where user_id = tests.user_id('ben') $$,
  $$ select * from tests.old where user_id = tests.user_id('ben') $$, 'whose cycle goes on is left alone');
select ok(private.consume_quota(tests.user_id('ana'), 'syncs', 10), 'all of it is there again');
select results_eq($$ select user_id, kind, data from public.notification $$,
  $$ values (tests.user_id('ana'), 'quota_reset', '{"quotas": ["syncs"]}'::jsonb) $$,
  'who had used something up is told, and nobody else');

-- Missed months
select private.consume_quota(tests.user_id('cleo'), 'syncs', 7);
select tests.age_cycle('cleo', interval '5 months 3 days');
select is(private.reset_quotas(), 1, 'reset_quotas() catches up');
select is((select array_agg(syncs_used order by cycle_start) from public.quota_usage_history where user_id = tests.user_id('cleo')),
  '{7,0,0,0,0,0}', 'every missed month has its line');
select is_empty($$
  select cycle_end, next_start
  from (
    select cycle_end, lead(cycle_start) over (order by cycle_start) as next_start
    from (
      select cycle_start, cycle_end from public.quota_usage_history where user_id = tests.user_id('cleo')
      union all
      select cycle_start, cycle_end from tests.own where user_id = tests.user_id('cleo')
    ) as cycle
  ) as pair
  where next_start <> cycle_end
$$, 'cycles follow each other without a gap');
select ok((select now() >= cycle_start and now() < cycle_end from tests.own where user_id = tests.user_id('cleo')),
  'the cycle that runs holds the present');

-- A run that died after it had written history, and before the counters: cannot be, but if it were
select tests.age_cycle('dan', interval '1 day');
select private.consume_quota(tests.user_id('dan'), 'syncs', 2);
select is((select syncs_used from tests.own where user_id = tests.user_id('dan')), 2,
  'consume_quota() counts in the cycle that runs');
select is((select count(*) from public.quota_usage_history where user_id = tests.user_id('dan')), 1::bigint,
  'who comes first closes the cycle: nobody waits for the timetable');
select ok(private.check_quota(tests.user_id('dan'), 'syncs'), 'check_quota() knows, too');
select tests.age_cycle('dan', interval '1 day');
update public.subscription set syncs_used = 10 where user_id = tests.user_id('dan');
select ok(private.check_quota(tests.user_id('dan'), 'syncs'), 'check_quota() does not count what an ended cycle used');
select is(private.adjust_quota(tests.user_id('dan'), 'syncs', -1), 0, 'what is given back after the end is of no use to the next cycle');
select lives_ok($$ select private.reset_quotas() $$, 'a line that is there already is left as it is');

-- Paid: the end comes from elsewhere
update public.subscription set tier = 'premium', paid_until = now() - interval '1 hour',
  cycle_start = now() - interval '31 days', cycle_end = now() - interval '1 hour', anchor_day = 31, syncs_used = 300
where user_id = tests.user_id('ben');
select is(private.reset_quotas(), 1, 'a paid cycle ends likewise');
select results_eq($$ select tier, syncs_used, max_syncs from public.quota_usage_history where user_id = tests.user_id('ben') $$,
  $$ values ('premium', 300, 1000) $$, 'with the limits it had');
select is((select cycle_end from tests.own where user_id = tests.user_id('ben')),
  ((now() - interval '1 hour') at time zone 'UTC' + interval '1 month') at time zone 'UTC', 'and the next is a month from there');

-- Batches
select tests.age_cycle(name, interval '1 day') from unnest(array['ana', 'ben', 'cleo']) as name;
delete from public.quota_usage_history;
select is(private.reset_quotas(2), 2, 'reset_quotas() does as many as it is told');
select is(private.reset_quotas(2), 1, 'and the others the next time');

-- Rights
select tests.become_user('ana');
select ok((select count(*) > 0 and count(*) = count(*) filter (where user_id = tests.user_id('ana')) from public.quota_usage_history),
  'an owner reads their history and no other');
select throws_ok($$ delete from public.quota_usage_history where true $$, '42501', null, 'and changes nothing of it');
select tests.become_anon();
select throws_ok($$ select from public.quota_usage_history $$, '42501', null, 'anon reads none');
select tests.become_service();
select throws_ok($$ update public.quota_usage_history set syncs_used = 0 where true $$, '42501', null, 'the past is written once');

select * from finish();
rollback;

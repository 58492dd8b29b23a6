begin;
\ir ../helpers.psql
select plan(25);

select tests.create_user('ana'), tests.create_user('ben');
select tests.connect_account('ana'), tests.connect_account('ben');
create function tests.due_in(p_name text) returns interval language sql stable security definer as $$
  select next_sync_at - now() from public.social_account where id = tests.account_id(p_name)
$$;
grant execute on function tests.due_in(text) to public;
-- As a sync leaves it: of a month, three hours ago.
create function tests.synced(p_name text) returns void language sql volatile security definer as $$
  update public.social_account set sync_interval = '30 days' where id = tests.account_id(p_name);
  update public.social_account set last_synced_at = now() - interval '3 hours', next_sync_at = now() + interval '29 days'
  where id = tests.account_id(p_name);
$$;

select tests.synced('ana'), tests.synced('ben');
select tests.become_user('ana');
update public.social_account set sync_interval = '6 hours' where true;
select ok(tests.due_in('ana') between interval '2 hours 40 minutes' and interval '3 hours 20 minutes',
  'a shorter interval counts from the last sync on, not from the next');
update public.social_account set sync_interval = '1 hour' where true;
select is(tests.due_in('ana'), interval '0', 'what would have been due by then is due now');
update public.social_account set sync_interval = '10 days' where true;
select ok(tests.due_in('ana') between interval '9 days' and interval '11 days', 'a longer one counts, too');
select is(tests.due_in('ben'), interval '29 days', 'nobody else''s account is moved');

-- A sync by hand of an account that is not synced by itself leaves no date behind.
update public.social_account set sync_mode = 'manual' where true;
select tests.become_postgres();
update public.social_account set next_sync_at = null where id = tests.account_id('ana');
select tests.become_user('ana');
update public.social_account set sync_interval = '1 day' where true;
select is(tests.due_in('ana'), null, 'an account that is synced by hand is not due');
update public.social_account set sync_mode = 'auto' where true;
select ok(tests.due_in('ana') between interval '19 hours' and interval '23 hours', 'one that is synced by itself again is due again');
update public.social_account set is_active = false where true;
select tests.become_postgres();
update public.social_account set next_sync_at = null where id = tests.account_id('ana');
select tests.become_user('ana');
update public.social_account set is_active = true where true;
select ok(tests.due_in('ana') between interval '19 hours' and interval '23 hours', 'so is one that was paused');
select tests.become_postgres();
update public.social_account set is_active = false, next_sync_at = null, last_synced_at = null where id = tests.account_id('ana');
select tests.become_user('ana');
update public.social_account set is_active = true where true;
select is(tests.due_in('ana'), interval '0', 'one that was never synced is due at once');

-- The owner's interval counts where an account has none of its own.
select tests.become_postgres();
select tests.synced('ana');
select tests.become_user('ana');
update public.user_setting set auto_sync_interval = '12 hours' where true;
select is(tests.due_in('ana'), interval '29 days', 'the owner''s interval moves no account that has its own');
update public.social_account set sync_interval = null where true;
select ok(tests.due_in('ana') between interval '8 hours' and interval '10 hours', 'without its own, the owner''s counts');
update public.user_setting set auto_sync_interval = '4 hours' where true;
select ok(tests.due_in('ana') between interval '40 minutes' and interval '80 minutes', 'and when that changes, the account is moved');
update public.user_setting set auto_sync_enabled = false where true;
select tests.become_postgres();
update public.social_account set next_sync_at = now() + interval '20 days' where id = tests.account_id('ana');
select tests.become_user('ana');
update public.user_setting set auto_sync_interval = '5 hours' where true;
select is(tests.due_in('ana'), interval '20 days', 'while syncs are switched off no account is moved');
update public.user_setting set auto_sync_enabled = true where true;
select ok(tests.due_in('ana') between interval '1 hour 40 minutes' and interval '2 hours 20 minutes',
  'switched on again, accounts are due as their interval says');
update public.user_setting set locale = 'de' where true;
select is(tests.due_in('ben'), interval '29 days', 'nobody else''s accounts are moved');

select tests.become_postgres();
update public.social_account set status = 'suspended', next_sync_at = null where id = tests.account_id('ana');
select tests.become_user('ana');
update public.social_account set sync_interval = '1 hour' where true;
update public.user_setting set auto_sync_interval = '1 hour' where true;
select is(tests.due_in('ana'), null, 'a suspended account does not become due by its settings');

-- Who has used up the plan's syncs waits for the next cycle, or for a larger plan.
update public.user_setting set auto_sync_interval = '4 hours' where true;
select tests.become_postgres();
update public.social_account set status = 'active', sync_interval = null where id = tests.account_id('ana');
update public.social_account set next_sync_at = now() + interval '20 days' where id = tests.account_id('ana');
update public.subscription set syncs_used = syncs_used + 1 where user_id = tests.user_id('ana');
select is(tests.due_in('ana'), interval '20 days', 'what is used of a plan moves no account');
update public.subscription set tier = 'premium' where user_id = tests.user_id('ana');
select ok(tests.due_in('ana') between interval '40 minutes' and interval '80 minutes',
  'who gets a larger plan does not wait for the next cycle');
update public.social_account set next_sync_at = now() + interval '20 days' where id = tests.account_id('ana');
update public.user_setting set auto_sync_enabled = false where user_id = tests.user_id('ana');
update public.subscription set paid_until = now() + interval '1 month' where user_id = tests.user_id('ana');
select is(tests.due_in('ana'), interval '20 days', 'nor does a plan where syncs are switched off');
select is(tests.due_in('ben'), interval '29 days', 'nor anybody else''s');

-- An account that was connected anew while it was suspended has no date.
update public.user_setting set auto_sync_enabled = true where user_id = tests.user_id('ana');
update public.social_account set status = 'suspended' where id = tests.account_id('ana');
select tests.connect_account('ana');
select is(tests.due_in('ana'), null, 'what is suspended is not due, connected anew or not');
update public.social_account set status = 'active' where id = tests.account_id('ana');
select ok(tests.due_in('ana') between interval '40 minutes' and interval '80 minutes', 'when the suspension is lifted, it is due again');

select tests.become_user('ana');
-- Intervals are compared as if a month had 30 days, and added by the calendar.
select throws_ok($$ update public.social_account set sync_interval = '-1000 months 30010 days' where true $$, '23514', null,
  'an interval that ends before it begins is none, whatever it looks like');
select throws_ok($$ update public.user_setting set auto_sync_interval = '-1000 months 30010 days' where true $$, '23514', null,
  'nor is such a setting');
select throws_ok($$ update public.social_account set sync_interval = '-1 day 25 hours' where true $$, '23514', null,
  'nor is one of days and hours');
select lives_ok($$ update public.social_account set sync_interval = '1 month' where true $$, 'a month is an interval');

select * from finish();
rollback;

begin;
\ir ../helpers.psql
select plan(28);

-- Nobody else is due.
update public.social_account set next_sync_at = null;
update public.platform set is_enabled = true;
update private.provider_quota set exhausted_until = null;
create table tests.person (name text);
insert into tests.person select unnest(array['due', 'later', 'manual', 'paused', 'suspended', 'off', 'revoked', 'removed', 'spent', 'busy', 'known']);
select tests.create_user(name) from tests.person;
select tests.connect_account(name) from tests.person;
update public.social_account set next_sync_at = now() - interval '1 minute' where user_id in (select tests.user_id(name) from tests.person);

create function tests.due_again(p_name text) returns interval language sql volatile as $$
  select next_sync_at - now() from public.social_account where id = tests.account_id(p_name)
$$;
create function tests.jobs(p_name text) returns bigint language sql volatile as $$
  select count(*) from public.job_queue where user_id = tests.user_id(p_name) and job_type like 'sync_%'
$$;
create function tests.account(p_name text) returns uuid language sql volatile as $$ select tests.account_id(p_name) $$;

update public.social_account set next_sync_at = now() + interval '1 minute' where id = tests.account('later');
update public.social_account set sync_mode = 'manual' where id = tests.account('manual');
update public.social_account set is_active = false where id = tests.account('paused');
update public.social_account set status = 'suspended' where id = tests.account('suspended');
update public.user_setting set auto_sync_enabled = false where user_id = tests.user_id('off');
update public.platform_connection set status = 'disconnected' where user_id = tests.user_id('revoked');
update public.social_account set deleted_at = now() where id = tests.account('removed');
update public.subscription set syncs_used = 1000000 where user_id = tests.user_id('spent');
update private.job_setting set max_active_jobs_per_user = 2;
select public.create_job(tests.user_id('busy'), 'self_test'), public.create_job(tests.user_id('busy'), 'self_test');
select private.find_or_create_job(tests.user_id('known'), 'sync_youtube', jsonb_build_object('social_account_id', tests.account('known')));
-- Its sync was asked for long ago and waits still.
update public.job_queue set created_at = now() - interval '3 days', requested_at = now() - interval '3 days' where user_id = tests.user_id('known');
update public.user_setting set auto_sync_interval = '6 hours' where user_id = tests.user_id('due');

select is(private.enqueue_due_syncs(), 1, 'enqueue_due_syncs() enqueues the account that is due');
select results_eq($$ select user_id, job_type, params from public.job_queue where user_id = tests.user_id('due') $$,
  $$ select tests.user_id('due'), 'sync_youtube', jsonb_build_object('social_account_id', tests.account('due')) $$,
  'as its owner would have');
select ok((select scheduled_for between now() and now() + interval '4 minutes' from public.job_queue where user_id = tests.user_id('due')),
  'spread over the time to the next run');
select ok(tests.due_again('due') between interval '5 hours 42 minutes' and interval '6 hours 18 minutes',
  'it is due again after its owner''s interval, give or take');
select is(tests.jobs(name), 0::bigint, name || ': not enqueued') from tests.person where name not in ('due', 'known') order by name;
select is(tests.due_again('later'), interval '1 minute', 'who is not due stays as they are');
select ok(tests.due_again('off') > interval '20 hours', 'who does not want syncs is looked at again later');
select ok(tests.due_again('revoked') > interval '20 hours', 'so is who has no connection');
select ok(tests.due_again('spent') > interval '20 hours', 'and who has used up the quota');
select ok(now() + tests.due_again('spent') >= (select cycle_end from public.subscription where user_id = tests.user_id('spent')),
  'when there is some again');
select ok(tests.due_again('busy') between interval '15 minutes' and interval '30 minutes', 'who has too many jobs is due again soon');
select is(tests.jobs('known'), 1::bigint, 'a sync that is under way is joined, however old it is');

-- Everybody's quota at the platform, and one bad account.
update public.social_account set next_sync_at = now() - interval '1 minute' where id in (tests.account('due'), tests.account('known'));
delete from public.job_queue where user_id in (tests.user_id('due'), tests.user_id('known'));
select public.report_provider_quota_exhausted('youtube', 'default', now() + interval '3 hours');
select is(private.enqueue_due_syncs(), 0, 'while the platform''s quota is used up nobody is enqueued');
select ok(tests.due_again('due') between interval '3 hours' and interval '4 hours', 'and all are due when there is some again');
update private.provider_quota set exhausted_until = null;

update public.social_account set next_sync_at = now() - interval '1 minute' where id in (tests.account('due'), tests.account('known'));
create function tests.refuse() returns trigger language plpgsql as $$
begin
  if new.user_id = tests.user_id('due') then raise exception 'a fault'; end if;
  return new;
end $$;
create trigger tests_refuse before insert on public.job_queue for each row execute function tests.refuse();
set local client_min_messages = error;
select is(private.enqueue_due_syncs(), 1, 'one bad account stops no other');
reset client_min_messages;
select ok(tests.due_again('due') > interval '1 hour', 'and is tried again when it is due again');

update public.social_account set next_sync_at = now() - interval '1 minute' where id in (tests.account('due'), tests.account('known'));
drop trigger tests_refuse on public.job_queue;
update public.social_account set next_sync_at = now() - interval '2 minutes' where id = tests.account('due');
select is(private.enqueue_due_syncs(1), 1, 'a run takes as many as it may');

-- What is planned already.
update public.social_account set next_sync_at = now() - interval '1 minute' where id in (tests.account('due'), tests.account('known'));
delete from public.job_queue where user_id in (tests.user_id('due'), tests.user_id('known'));
select private.find_or_create_job(tests.user_id(name), 'sync_youtube', jsonb_build_object('social_account_id', tests.account(name)),
  p_scheduled_for => now() + wait) from (values ('due', interval '10 minutes'), ('known', '1 microsecond')) as planned (name, wait);
select is(private.enqueue_due_syncs(), 0, 'a sync that is planned is joined, too');
select is((select scheduled_for from public.job_queue where user_id = tests.user_id('known')), now() + interval '1 microsecond', 'and not put off');
select ok((select scheduled_for between now() and now() + interval '4 minutes' from public.job_queue where user_id = tests.user_id('due')),
  'but brought forward, were it to come later');

select * from finish();
rollback;

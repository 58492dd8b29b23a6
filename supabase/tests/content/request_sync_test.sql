begin;
\ir ../helpers.psql
select plan(26);

select tests.create_user('ana'), tests.create_user('ben'), tests.create_user('eve');
select tests.connect_account('ana'), tests.connect_account('ben');

select tests.become_user('ana');
create temporary table asked on commit drop as select * from public.request_sync('youtube');
select results_eq($$ select status, outcome from asked $$, $$ values ('pending', 'created') $$,
  'request_sync() enqueues a sync of the only account');
select results_eq($$ select job_id, outcome from public.request_sync('youtube') $$,
  $$ select job_id, 'joined' from asked $$,
  'request_sync() joins the sync that is under way');
select results_eq($$ select job_id, outcome from public.request_sync('youtube', tests.account_id('ana')) $$,
  $$ select job_id, 'joined' from asked $$, 'naming the only account is the same request');
select results_eq($$ select job_id, outcome from public.request_sync('youtube', null, 50) $$,
  $$ select job_id, 'joined' from asked $$,
  'another number of results is no second sync of the same account');
select results_eq($$ select user_id, job_type, params from public.job_queue
  where id = (select job_id from asked) $$,
  $$ select tests.user_id('ana'), 'sync_youtube',
    jsonb_build_object('social_account_id', tests.account_id('ana')) $$,
  'the job is the caller''s and names the account');

select tests.become_postgres();
update public.job_queue set scheduled_for = now() + interval '4 minutes', turn = null where id = (select job_id from asked);
select tests.become_user('ana');
select results_eq($$ select job_id, outcome from public.request_sync('youtube') $$, $$ select job_id, 'joined' from asked $$,
  'a sync that is only scheduled is joined, too');
select tests.become_postgres();
select ok((select scheduled_for <= now() from public.job_queue where id = (select job_id from asked)),
  'and begins at once: whoever asks is not spread over minutes');
select is((select count(*)::int from public.claim_jobs('tests-worker', 10, array['sync_youtube']) where id = (select job_id from asked)), 1,
  'the next claim has it');
select public.yield_jobs(jsonb_build_array(jsonb_build_object('job_id', id, 'fencing_token', fencing_token, 'delay_ms', 60000)))
from public.job_queue where id = (select job_id from asked);
select tests.become_user('ana');
select public.request_sync('youtube');
select ok((select scheduled_for > now() from public.job_queue where id = (select job_id from asked)),
  'one that the platform has put off waits on');

select is(tests.error_of($$ select public.request_sync('youtube', tests.account_id('ben')) $$),
  'SOCIAL_ACCOUNT_NOT_FOUND',
  'request_sync() does not know another user''s account');
select is(tests.error_of($$ select public.request_sync('youtube', gen_random_uuid()) $$),
  'SOCIAL_ACCOUNT_NOT_FOUND',
  'request_sync() refuses an unknown account');
select is(tests.error_of($$ select public.request_sync('twitter') $$), 'PLATFORM_DISABLED',
  'request_sync() refuses a disabled platform');
select is(tests.error_of($$ select public.request_sync(null) $$), 'PLATFORM_DISABLED',
  'request_sync() needs a platform');
select is(tests.error_of($$ select public.request_sync('youtube', null, 0) $$), 'VALIDATION_ERROR',
  'request_sync() refuses to fetch nothing');
select is(tests.error_of($$ select public.request_sync('youtube', null, 20001) $$), 'VALIDATION_ERROR',
  'request_sync() refuses more than the endpoint does');
select is(tests.error_of($$ select public.create_job(tests.user_id('ana'), 'sync_youtube') $$), 'FORBIDDEN',
  'a user cannot create the job past request_sync()');

select tests.become_user('eve');
select is(tests.error_of($$ select public.request_sync('youtube') $$), 'SOCIAL_ACCOUNT_NOT_FOUND',
  'request_sync() refuses a user without an account');
select tests.become_anon();
select throws_ok($$ select public.request_sync('youtube') $$, '42501', null, 'anon cannot ask for a sync');

select tests.become_postgres();
update public.subscription set tier = 'basic' where user_id = tests.user_id('ana');
create temporary table second on commit drop as select tests.connect_account('ana', 'youtube',
  'UC_second') as id;
grant select on second to public;
select tests.become_user('ana');
select is(tests.error_of($$ select public.request_sync('youtube') $$), 'SOCIAL_ACCOUNT_AMBIGUOUS',
  'request_sync() asks which of two accounts');
select tests.become_postgres();
select public.mark_connection_revoked(connection_id, 'invalid_grant') from public.social_account
  where id = (select id from second);
select tests.become_user('ana');
select is(tests.error_of($$ select public.request_sync('youtube') $$), null,
  'an account whose grant is gone is no choice');
select is(tests.error_of($$ select public.request_sync('youtube', (select id from second)) $$),
  'CONNECTION_REVOKED',
  'request_sync() asks to connect again');

update public.social_account set is_active = false where id = tests.account_id('ana');
select is(tests.error_of($$ select public.request_sync('youtube', tests.account_id('ana')) $$),
  'CONFLICT',
  'request_sync() refuses a paused account');
update public.social_account set is_active = true where id = tests.account_id('ana');
select tests.become_postgres();
update public.social_account set status = 'suspended' where id = tests.account_id('ana');
select tests.become_user('ana');
select is(tests.error_of($$ select public.request_sync('youtube', tests.account_id('ana')) $$),
  'CONFLICT',
  'request_sync() refuses a suspended account');
select tests.become_postgres();
update public.social_account set status = 'active', deleted_at = now() where id = tests.account_id('ana');
select tests.become_user('ana');
select is(tests.error_of($$ select public.request_sync('youtube', tests.account_id('ana')) $$),
  'SOCIAL_ACCOUNT_NOT_FOUND',
  'request_sync() refuses a removed account');

select tests.become_postgres();
insert into private.rate_limit (function_name, caller, max_requests) values ('sync-youtube', 'user', 1)
  on conflict (function_name, caller) do update set max_requests = 1;
select tests.become_user('ben');
select is(tests.error_of($$ select public.request_sync('youtube') $$), null, 'a request within the limit passes');
select is(tests.error_of($$ select public.request_sync('youtube') $$), 'RATE_LIMITED',
  'request_sync() is limited per user, also past the edge function');

select * from finish();
rollback;

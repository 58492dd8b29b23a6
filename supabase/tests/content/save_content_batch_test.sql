begin;
\ir ../helpers.psql
select plan(20);

select tests.create_user('ana'), tests.create_user('ben');
select tests.connect_account('ana'), tests.connect_account('ben');
select tests.become_user('ana');
create temporary table asked on commit drop as select * from public.request_sync('youtube');
grant select on asked to public;

select tests.become_postgres();
-- Only this job: the queue of the database the tests run on may hold others.
update public.job_queue set scheduled_for = now() + interval '1 day', turn = null
  where id <> (select job_id from asked) and status = 'pending';
create temporary table claimed on commit drop as
  select id, fencing_token from public.claim_jobs('tests-worker', 10, '{sync_youtube}')
    where id = (select job_id from asked);
grant select on claimed to public;
select is((select count(*) from claimed), 1::bigint, 'the job is held by a worker');

create function tests.save(p_items jsonb, p_checkpoint jsonb default '{"fetched": 1}',
  p_token bigint default null, p_account text default 'ana', p_percent int default null)
returns int[] language sql volatile as $$
  select array[new_count, updated_count, unchanged_count] from public.save_content_batch(
    (select id from claimed), coalesce(p_token, (select fencing_token from claimed)),
    tests.account_id(p_account),
    p_items, p_checkpoint, p_percent, 'Saving')
$$;
create function tests.job() returns public.job_queue language sql volatile as $$
  select * from public.job_queue where id = (select id from claimed)
$$;
grant execute on all functions in schema tests to public;

select tests.become_service();
select is(tests.save('[{"platform_content_id": "v1", "content_type": "post"}, {"platform_content_id": "v2",
  "content_type": "post"}]',
  '{"fetched": 2, "page_token": "p2", "new": 99}', null, 'ana', 40), '{2,0,0}',
  'save_content_batch() stores a batch and returns the totals');
select is((tests.job()).checkpoint, '{"fetched": 2, "page_token": "p2", "new": 2, "updated": 0,
  "unchanged": 0}'::jsonb,
  'save_content_batch() writes the checkpoint with counts of its own, whatever the caller says');
select results_eq($$ select progress_percent::int, progress_message from tests.job() $$,
  $$ values (40, 'Saving') $$,
  'save_content_batch() reports progress');
select is(tests.save('[{"platform_content_id": "v1", "content_type": "post"}, {"platform_content_id": "v2",
  "content_type": "post", "title": "x"},
  {"platform_content_id": "v3", "content_type": "post"}]', '{"fetched": 5}', null, 'ana', 80), '{3,1,1}',
  'save_content_batch() adds to the totals of earlier batches');
select is((tests.job()).checkpoint, '{"fetched": 5, "new": 3, "updated": 1, "unchanged": 1}'::jsonb,
  'the rest of the checkpoint is replaced');
select is(tests.save('[]', null), '{3,1,1}', 'save_content_batch() takes an empty batch and no checkpoint');
select results_eq($$ select last_synced_at, abs(extract(epoch from next_sync_at - now() - interval '1 day')) <= 4320
  from public.social_account where id = tests.account_id('ana') $$,
  $$ values (now(), true) $$, 'save_content_batch() notes when the account was synced');

select is(tests.error_of($$ select tests.save('[{"platform_content_id": "late", "content_type": "post"}]',
  '{}', (select fencing_token - 1 from claimed)) $$),
  'LEASE_LOST',
  'save_content_batch() refuses an older holder of the job');
select is(tests.error_of($$ select public.save_content_batch((select id
  from claimed), null, tests.account_id('ana'), '[]', '{}', null, null) $$),
  'LEASE_LOST',
  'save_content_batch() refuses a write without a token');
select is(tests.error_of($$ select public.save_content_batch(gen_random_uuid(), 1, tests.account_id('ana'),
  '[]', '{}', null, null) $$),
  'LEASE_LOST',
  'save_content_batch() refuses an unknown job');
select is(tests.error_of($$ select tests.save('[{"platform_content_id": "late", "content_type": "post"}]',
  '{}', null, 'ben') $$),
  'SOCIAL_ACCOUNT_NOT_FOUND',
  'save_content_batch() refuses an account of another user than the job''s');
select is(tests.error_of($$ select tests.save('[{"platform_content_id": "late", "content_type": "post"},
  {}]') $$),
  'VALIDATION_ERROR',
  'save_content_batch() stores nothing of a batch that is not valid');

select tests.become_user('ana');
select throws_ok($$ select tests.save('[]') $$, '42501', null, 'an owner cannot save content past a sync');
select tests.become_anon();
select throws_ok($$ select tests.save('[]') $$, '42501', null, 'anon cannot save content');

select tests.become_user('ana');
select is(public.cancel_job((select id from claimed)), true, 'the owner cancels the running sync');
select tests.become_service();
select is(tests.error_of($$ select tests.save('[{"platform_content_id": "late",
  "content_type": "post"}]') $$),
  'LEASE_LOST',
  'save_content_batch() refuses the late writes of a cancelled job');
select is((select count(*) from public.content_item where platform_content_id = 'late'), 0::bigint,
  'nothing late was stored');
select is((select count(*) from public.content_item
  where social_account_id = tests.account_id('ana')), 3::bigint,
  'what was saved before stays');
select is((tests.job()).checkpoint ->> 'new', '3', 'and so does the checkpoint');

select * from finish();
rollback;

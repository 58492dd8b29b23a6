begin;
\ir ../helpers.psql
select plan(19);

-- Connections of other tests and of a seed stay out of the count.
update public.platform_connection set status = 'disconnected' where status = 'active';
select tests.create_user('ana'), tests.create_user('ben'), tests.create_user('cem'), tests.create_user('dee'),
  tests.create_user('eli'), tests.create_user('fay');
select tests.connect_account(name) from unnest('{ana,ben,cem,dee}'::text[]) as name;
select tests.connect_account(name, 'instagram') from unnest('{eli,fay}'::text[]) as name;
create function tests.expires(p_name text, p_expires_at timestamptz) returns void language sql volatile as $$
  update public.platform_connection set token_expires_at = p_expires_at where user_id = tests.user_id(p_name)
$$;
create function tests.refreshes() returns table (name text, job public.job_queue) language sql volatile as $$
  select substr(account.platform_account_id, 4), job
  from public.job_queue as job
  join public.social_account as account on account.id::text = job.params ->> 'social_account_id'
  where job.job_type = 'token_refresh'
$$;
select tests.expires('ana', now() + interval '23 hours'), tests.expires('ben', now() - interval '1 hour'),
  tests.expires('cem', now() + interval '25 hours'), tests.expires('dee', null),
  tests.expires('eli', now() + interval '19 days'), tests.expires('fay', now() + interval '21 days');

select tests.become_service();
select is(public.enqueue_token_refreshes(), 3, 'enqueue_token_refreshes() says how many jobs are new');
select tests.become_postgres();
select set_eq($$ select name from tests.refreshes() $$, $$ values ('ana'), ('ben'), ('eli') $$,
  'it takes what ends soon, as soon is meant at the platform, and nothing that does not end');
select results_eq($$ select (job).user_id, (job).job_priority::int, (job).params ->> 'token_version'
    from tests.refreshes() where name = 'ana' $$,
  $$ values (null::uuid, 6, '1') $$, 'the jobs are the system''s, and about the tokens of now');
select ok(bool_and((job).scheduled_for between now() and now() + interval '5 hours'),
  'they are spread over five hours') from tests.refreshes();
select is(private.count_active_jobs(tests.user_id('ana')), 0, 'and take none of the owner''s places');
select is(public.enqueue_token_refreshes(), 0, 'a connection has one job at a time');
select ok((select (job).params::text || coalesce((job).checkpoint::text, '') from tests.refreshes() where name = 'ana')
  not like '%access-%', 'no token stands in a job');

-- Ended connections, accounts that were removed.
update public.job_queue set dedupe_key = gen_random_uuid()::text where job_type = 'token_refresh';
update public.social_account set deleted_at = now() where user_id = tests.user_id('ana');
select public.mark_connection_revoked(connection_id, 'x') from public.social_account
where user_id = tests.user_id('ben');
select is(public.enqueue_token_refreshes(), 1, 'what was removed or has ended is left alone');

-- The spread.
select is(private.token_refresh_due_at('00000000-0000-0000-0000-000000000001', now() + interval '10 hours'),
  private.token_refresh_due_at('00000000-0000-0000-0000-000000000001', now() + interval '20 hours'),
  'a connection has its place in the five hours');
select cmp_ok(max(private.token_refresh_due_at(gen_random_uuid(), now() + interval '1 hour')), '<=',
  now() + interval '30 minutes', 'tokens that end before have half an hour left')
from generate_series(1, 200);
select is(private.token_refresh_due_at(gen_random_uuid(), now() + interval '10 minutes'), now(),
  'what ends within that is refreshed at once');
select cmp_ok(max(private.token_refresh_due_at(gen_random_uuid(), now() + interval '10 hours')), '<=',
  now() + interval '5 hours', 'the rest comes before the next round') from generate_series(1, 200);
select cmp_ok(count(distinct date_trunc('hour', private.token_refresh_due_at(
    gen_random_uuid(), now() + interval '10 hours'))), '>=', 5::bigint,
  'and is spread over all of them') from generate_series(1, 200);

-- More than a batch, many of which end in the same moment.
update public.platform_connection set status = 'disconnected' where status = 'active';
update public.social_account set connection_id = null where connection_id is not null;
insert into public.platform_connection (id, user_id, platform_name, vault_secret_name, token_expires_at)
select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, tests.user_id('cem'), 'youtube', 'tests ' || n,
  now() + (n % 2) * interval '1 hour'
from generate_series(1, 2100) as n;
insert into public.social_account (user_id, connection_id, platform_name, platform_account_id)
select user_id, id, 'youtube', 'many-' || id from public.platform_connection where vault_secret_name like 'tests %';
select is(public.enqueue_token_refreshes(), 2100, 'every connection is reached, however many batches they are');
select is(public.enqueue_token_refreshes(), 0, 'and none twice');

select results_eq($$ select schedule from private.timetable where command like '%enqueue_token_refreshes%' $$,
  $$ values ('13 */6 * * *') $$, 'it runs every six hours');

select tests.become_user('ana');
select throws_ok($$ select public.enqueue_token_refreshes() $$, '42501', null, 'a user cannot enqueue refreshes');
select is_empty($$ select 1 from public.job_queue where job_type = 'token_refresh' $$,
  'a user does not see the jobs');
select tests.become_anon();
select throws_ok($$ select public.enqueue_token_refreshes() $$, '42501', null, 'anon cannot enqueue refreshes');

select * from finish();
rollback;

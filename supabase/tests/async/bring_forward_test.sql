begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(46);

select tests.create_user('ann'), tests.create_user('bob');
delete from public.job_queue where true;
delete from public.job_worker where true;
select setval('private.doorbell_hush', 0);
create temporary table made (name text primary key, id uuid);
grant all on made to public;
create function tests.id(p_name text) returns uuid
language sql volatile security definer as $$ select id from made where name = p_name $$;
-- What the product plans, as the schedules do; of this name to all questions below.
create function tests.plan_job(p_name text, p_user text, p_after interval default '1 hour', p_type text default 'test_open') returns void
language sql volatile security definer as $$
  insert into made select p_name, job_id from private.find_or_create_job(
    tests.user_id(p_user), p_type, jsonb_build_object('q', p_name), p_scheduled_for => now() + p_after)
$$;
-- How long it waits yet; null when it stands in line.
create function tests.wait_of(p_name text) returns interval
language sql volatile security definer as $$
  select case when turn is null then scheduled_for - now() end from public.job_queue where id = tests.id(p_name)
$$;
create function tests.ask(p_name text) returns text
language sql volatile as $$
  select outcome || case when job_id = tests.id(p_name) then '' else ' another' end
  from public.find_or_create_job(null, 'test_open', jsonb_build_object('q', p_name))
$$;
create function tests.rings() returns bigint language sql volatile security definer as $$ select count(*) from net.http_request_queue $$;
grant execute on all functions in schema tests to public;

-- One that nobody has begun.
select tests.plan_job('ahead', 'ann', '0'), tests.plan_job('planned', 'ann'), tests.plan_job('next', 'ann');
select tests.become_user('ann');
create temporary table asked on commit drop as
  select * from public.find_or_create_job(null, 'test_open', '{"q": "planned"}');
select results_eq($$ select job_id, status, outcome from asked $$, $$ select tests.id('planned'), 'pending', 'joined' $$,
  'who asks for a job that is planned for later joins it');
select is(tests.wait_of('planned'), null, 'and it waits no longer');
select results_eq($$ select scheduled_for, expires_at, turn from tests.job(tests.id('planned')) $$,
  $$ select now(), now() + interval '24 hours', turn + 1 from tests.job(tests.id('ahead')) $$,
  'it stands where a job of its owner would that had just been created, and expires as one');
select is((select turn - (tests.job(tests.id('planned'))).turn from tests.job(public.create_job(null, 'test_open'))), 1::bigint,
  'the next one stands behind it');
select tests.become_postgres();
select results_eq($$ select topic, (payload ->> 'seq')::int from realtime.messages
    where payload ->> 'job_id' = tests.id('planned')::text and payload ->> 'seq' = '1' order by topic $$,
  $$ values ('job_status:' || tests.id('planned'), 1), ('user_jobs:' || tests.user_id('ann'), 1) $$, 'its owner is told');
select tests.become_user('ann');
select is(tests.ask('planned'), 'joined', 'asked for again it is joined');
select is((tests.job(tests.id('planned'))).seq, 1::bigint, 'and that is all');
select tests.become_postgres();
select is(tests.wait_of('next'), interval '1 hour', 'what nobody asks for waits on');
select set_has($$ select id from tests.claim('w1', 2) $$, $$ select tests.id('planned') $$, 'a claim has it at its turn');

-- What rings.
delete from vault.secrets where name in ('project_url', 'automation_key');
select vault.create_secret('http://project.invalid/', 'project_url'), vault.create_secret('sv_automation_test', 'automation_key');
create function tests.rings_for(p_name text) returns bigint language plpgsql volatile as $$
declare
  v_before constant bigint := tests.rings();
begin
  perform setval('private.doorbell_clock', 0), setval('private.doorbell_hush', 0);
  perform private.find_or_create_job(tests.user_id('bob'), 'test_open', jsonb_build_object('q', p_name));
  return tests.rings() - v_before;
end
$$;
select tests.plan_job('rings', 'bob'), tests.plan_job('paused', 'bob');
select is(tests.rings_for('rings'), 1::bigint, 'the doorbell rings for it');
update public.job_type set is_paused = true where name = 'test_open';
select is(tests.rings_for('paused'), 0::bigint, 'but not for one of a paused type');
select is(tests.wait_of('paused'), null, 'which stands in line');
select is_empty($$ select * from tests.claim('w1', 10) $$, 'until the pause ends');
update public.job_type set is_paused = false where name = 'test_open';
delete from public.job_queue where true;
delete from made;

-- Other times than now.
select tests.plan_job('earlier', 'ann', '1 hour'), tests.plan_job('earlier still', 'ann', '1 minute');
create function tests.ask_for(p_name text, p_after interval) returns text language sql volatile as $$
  select outcome || ' ' || extract(epoch from scheduled_for - now())::int || coalesce(' in line at ' || turn, '')
  from private.find_or_create_job(tests.user_id('ann'), 'test_open', jsonb_build_object('q', p_name), p_scheduled_for => now() + p_after) as asked,
    lateral (select (tests.job(asked.job_id)).*) as job
$$;
select is(tests.ask_for('earlier', '10 minutes'), 'joined 600', 'asked for at an earlier time it waits until then');
select is((tests.job(tests.id('earlier'))).expires_at, now() + interval '24 hours 10 minutes', 'and expires as much earlier');
select is(tests.ask_for('earlier', '30 minutes'), 'joined 600', 'asked for at a later one it is not put off');
select is(tests.ask_for('earlier still', '1 minute'), 'joined 60', 'nor moved by who asks for the same');
select is((tests.job(tests.id('earlier still'))).seq, 0::bigint, 'which is no news');
select matches(tests.ask_for('earlier', '-1 minute'), '^joined 0 in line at \d+$', 'a time that has gone is now');

select job_id from public.create_jobs(jsonb_build_array(jsonb_build_object(
  'job_type', 'test_open', 'params', '{"q": "never"}'::jsonb, 'user_id', tests.user_id('ann'), 'scheduled_for', 'infinity')));
select matches(tests.ask_for('never', '0'), '^joined 0 in line at \d+$', 'one that would never come is brought forward, too');

-- Whose it is, and how it is asked for.
select tests.plan_job('hers', 'ann'), tests.plan_job('old', 'ann'), tests.plan_job('apart', 'ann'), tests.plan_job('superseded', 'ann');
update public.job_queue set requested_at = now() - interval '6 minutes' where id = tests.id('old');
select tests.become_user('bob');
select is((select outcome from public.find_or_create_job(tests.user_id('ann'), 'test_open', '{"q": "hers"}')), 'created',
  'a stranger who names its owner gets a job of their own');
select tests.become_user('ann');
select is(tests.wait_of('hers'), interval '1 hour', 'and brings nothing forward');
select is(tests.ask('old'), 'created another', 'one that is older than the window is not joined');
select is(tests.wait_of('old'), interval '1 hour', 'and goes on as planned');
select is((select outcome from public.find_or_create_job(null, 'test_open', '{"q": "apart"}', '0')), 'created', 'nor is it by who joins nothing');
select is(tests.wait_of('apart'), interval '1 hour', 'and goes on, too');
select is((select outcome from public.find_or_create_job(null, 'test_open', '{"q": "superseded"}', p_supersede => true)), 'created',
  'who supersedes it has a new one');
select is((tests.job(tests.id('superseded'))).status, 'cancelled', 'in its place');
select tests.become_postgres();
insert into made values ('urgent', (select job_id from private.find_or_create_job(
  null, 'test_open', '{"q": "urgent"}', p_priority => 7, p_scheduled_for => now() + interval '1 hour')));
select results_eq($$ select outcome, tests.wait_of('urgent'), (tests.job(job_id)).job_priority
    from private.find_or_create_job(null, 'test_open', '{"q": "urgent"}', p_priority => 1) $$,
  $$ values ('joined', null::interval, 7::smallint) $$, 'so does a job of the system, at the priority that it has');
delete from public.job_queue where true;
delete from made;

-- What has begun waits for something else, and so does what somebody holds.
select tests.plan_job('fails', 'ann', '0'), tests.plan_job('yields', 'ann', '0'), tests.plan_job('retried', 'ann', '0'), tests.plan_job('held', 'bob');
select tests.claim('w1', 10);
select public.fail_job(tests.id('fails'), 'later', 'PROVIDER_ERROR', true, interval '1 hour', tests.token(tests.id('fails')));
select public.yield_jobs(jsonb_build_array(jsonb_build_object(
  'job_id', tests.id('yields'), 'fencing_token', tests.token(tests.id('yields')), 'delay_ms', 3600000)));
select public.fail_job(tests.id('retried'), 'no', 'PROVIDER_REJECTED', false, null, tests.token(tests.id('retried')));
select private.retry_jobs(array[tests.id('retried')], array[now() + interval '1 hour']);
select tests.become_user('ann');
select is(tests.ask(name) || ', waits ' || tests.wait_of(name), 'joined, waits 01:00:00', what)
from (values ('fails', 'a backoff is not cut short'), ('yields', 'nor what a handler has put off'), ('retried', 'nor the spread of an operator''s retries'))
  as begun (name, what);
select tests.become_service();
select public.pause_user_jobs(tests.user_id('bob'));
select tests.become_user('bob');
select is(tests.ask('held'), 'joined', 'one of a paused user is joined');
select tests.become_postgres();
select results_eq($$ select held_by, turn, scheduled_for from tests.job(tests.id('held')) $$, $$ values ('user_pause', null::bigint, now()) $$,
  'and held, as before');
select public.resume_user_jobs(tests.user_id('bob'));
select is(tests.wait_of('held'), null, 'until the pause ends, and no longer');
select tests.side_tables_are_right();

-- Many in one call.
delete from public.job_queue where true;
delete from made;
select tests.plan_job('a', 'ann'), tests.plan_job('b', 'ann'), tests.plan_job('c', 'ann'), tests.plan_job('old', 'ann'), tests.plan_job('of bob', 'bob');
insert into made select 's' || n, (private.find_or_create_job(null, 'test_internal', jsonb_build_object('q', 's' || n),
  p_scheduled_for => now() + interval '1 hour')).job_id from generate_series(1, 3) as n;
update public.job_queue set requested_at = now() - interval '6 minutes' where id = tests.id('old');
create function tests.request(p_name text, p_user text, p_more jsonb default '{}') returns jsonb language sql volatile as $$
  select jsonb_build_object('job_type', case when p_user is null then 'test_internal' else 'test_open' end,
    'params', jsonb_build_object('q', p_name), 'user_id', tests.user_id(p_user)) || p_more
$$;
create temporary table answer as select * from public.create_jobs(jsonb_build_array(
  tests.request('a', 'ann'), tests.request('b', 'ann', '{"delay_ms": 60000}'), tests.request('c', 'ann', '{"delay_ms": 7200000}'),
  tests.request('old', 'ann'), tests.request('new', 'ann'), tests.request('of bob', 'bob', '{"delay_ms": 60000}'), tests.request('of bob', 'bob'),
  tests.request('s1', null), tests.request('s2', null), tests.request('s3', null, '{"dedupe": false}')));
select results_eq($$ select outcome from answer order by ordinal $$,
  $$ values ('joined'), ('joined'), ('joined'), ('created'), ('created'), ('joined'), ('joined'), ('joined'), ('joined'), ('created') $$,
  'create_jobs() joins what is planned');
select is(tests.wait_of(name), wait, 'and brings forward: ' || name) from (values ('a', null::interval), ('b', '1 minute'), ('c', '1 hour'),
  ('old', '1 hour'), ('of bob', null)) as planned (name, wait);
select results_eq($$ select name, tests.wait_of(name), (tests.job(id)).turn - min((tests.job(id)).turn) over () from made where name like 's_' order by 1 $$,
  $$ values ('s1', null::interval, 0::bigint), ('s2', null, 1), ('s3', '1 hour', null) $$, 'one behind the other');
select results_eq($$ select (tests.job(job_id)).turn - (tests.job(tests.id('a'))).turn from answer where ordinal in (4, 5) order by ordinal $$,
  $$ values (1::bigint), (2) $$, 'what it creates stands behind that');
select results_eq($$ select count(*), count(distinct id) from tests.claim('w1', 10) $$, $$ values (7::bigint, 7::bigint) $$, 'a claim has them');

select tests.side_tables_are_right('the side tables say what the jobs say, also after many');
select * from finish();
rollback;

-- Log lines of jobs whose start is not written. Whose lines are kept beside a claim, a cancellation and a completion
-- that come at the same moment is asked in deferred_logs_test.ts.
begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(18);

select tests.create_user('ann'), tests.create_user('bob');
truncate public.job_queue;
update private.job_setting set ageing_share = 0;
create temporary table taken (place bigint generated always as identity, id uuid, fencing_token bigint);
create function tests.take(p_count int, p_started_at timestamptz default clock_timestamp() + interval '1 minute') returns int
language plpgsql volatile
as $$
begin
  insert into taken (id, fencing_token)
  select id, fencing_token from private.take_jobs('w', p_count, '{test_open}', true);
  -- A test is one transaction, which may be old already.
  update private.job_lease set started_at = p_started_at
  where lease_id = (select max(fencing_token) - 1000000000000 from taken);
  return (select count(*) from public.job_queue where status = 'pending' and id in (select id from taken));
end
$$;
create function tests.nth(p_place int) returns uuid
language sql stable as $$ select id from taken where place = p_place $$;
create function tests.say(p_place int, p_message text, p_token_of int default null) returns boolean
language sql volatile
as $$
  select public.add_job_log(tests.nth(p_place), 'info', p_message,
    p_fencing_token => (select fencing_token from taken where place = coalesce(p_token_of, p_place)))
$$;
create function tests.statuses() returns table (status text, jobs int)
language sql volatile as $$ select status, count(*)::int from public.job_queue group by 1 order by 1 $$;

select count(tests.enqueue('ann')) from generate_series(1, 9);
select is(tests.take(3), 3, 'three, whose start is not written');
select ok(tests.say(1, 'one'), 'may log all the same');
select results_eq($$ select * from tests.statuses() $$, $$ values ('pending', 9) $$, 'which writes no start: they may be over in a moment');
select tests.side_tables_are_right();
grant select on taken to authenticated;
select tests.become_user('ann');
select results_eq($$ select message from public.get_job_logs((select id from taken where place = 1)) $$, $$ values ('one') $$, 'its owner reads the line');
select tests.become_user('bob');
select throws_ok($$ select message from public.get_job_logs((select id from taken where place = 1)) $$, 'PT404', null, 'and nobody else');
select tests.become_postgres();

select is(tests.take(3), 6, 'three more, in a lease of their own');
select is(tests.say(2, 'no', p_token_of => 5), false, 'whose token is no other job''s');
select is(public.add_job_log(id, 'info', 'no', p_fencing_token => (select fencing_token from taken where place = 1)), false,
    'nor of one that waits')
  from public.job_queue where id not in (select id from taken) limit 1;
select is(public.add_job_log(tests.nth(2), 'info', 'no'), false, 'nothing is written without a token');
select is(public.cancel_job(tests.nth(2)), true, 'one is cancelled');
select is(tests.say(2, 'no'), false, 'and says no more');
select is(private.complete_by_id(array[id], array[fencing_token], null), '{}', 'one ends') from taken where place = 3;
select ok(tests.say(3, 'bye'), 'and may still say so');
select tests.side_tables_are_right();

-- What has run for a while is to be seen running.
update private.job_lease set started_at = clock_timestamp() - interval '250 milliseconds'
where lease_id = (select fencing_token - 1000000000000 from taken where place = 1);
select is(public.add_job_logs(jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', fencing_token, 'message', 'on'))), 2,
  'lines of both leases at once') from taken where place in (1, 4);
select results_eq($$ select place from taken join public.job_queue as job using (id) where status = 'processing' $$, $$ values (1::bigint) $$,
  'write the start of the one that has lasted');
select results_eq($$ select place, message from taken join public.job_log as line on line.job_id = taken.id order by line.id $$,
  $$ values (1::bigint, 'one'), (3, 'bye'), (1, 'on'), (4, 'on') $$, 'all that was accepted is there, and nothing else');

select * from finish();
rollback;

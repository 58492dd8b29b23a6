begin;
-- First, and in the tick's order: whoever meets what empties tables, or changes them, in the middle could deadlock.
lock table private.job_lease, private.job_waiting in access exclusive mode;
\ir ../helpers.psql
\ir jobs.psql
select plan(20);

select tests.create_user('ann');
create view tests.counted as select job_type, status, jobs from private.count_all_jobs() where job_type like 'test_%';
create view tests.found as select job_type, status, count(*) as jobs from public.job_queue where job_type like 'test_%' group by 1, 2;
create view tests.rolled_up as select job_type, status, jobs from private.job_count where job_type like 'test_%' and jobs <> 0;
create function tests.changes() returns int
language sql volatile
as $$ select count(*)::int from private.job_count_change where job_type like 'test_%' $$;

select is_empty('table tests.counted', 'there are no jobs');
insert into public.job_queue (user_id, job_type) select tests.user_id('ann'), 'test_open' from generate_series(1, 500);
select is(tests.changes(), 1, 'a statement that makes 500 jobs appends one change');
select results_eq('table tests.counted', $$ values ('test_open', 'pending', 500::bigint) $$, 'they count at once');
select tests.claim('w1', 200);
select is(tests.changes(), 3, 'a claim appends one change for each of two statuses');
select results_eq('table tests.counted order by 1, 2', 'table tests.found order by 1, 2', 'claimed jobs count as running');
select public.update_job_progress(id, 10, 'on', fencing_token) from public.job_queue where status = 'processing' and job_type = 'test_open' limit 5;
select is(tests.changes(), 3, 'progress appends nothing');

select cmp_ok(private.roll_up_job_counts(), '>=', 3, 'roll_up_job_counts() says how many changes it added up');
select is(tests.changes(), 0, 'none is left');
select results_eq('table tests.rolled_up order by 1, 2', 'table tests.found order by 1, 2', 'the counters hold what they said');
select is(private.roll_up_job_counts(), 0, 'a second roll-up finds nothing');

select public.complete_jobs(jsonb_agg(jsonb_build_object('job_id', id, 'fencing_token', fencing_token)))
from public.job_queue where status = 'processing' and job_type = 'test_open';
select public.cancel_job(id) from public.job_queue where status = 'pending' and job_type = 'test_open' limit 10;
select results_eq('table tests.counted order by 1, 2', 'table tests.found order by 1, 2', 'counters and changes together are the truth');
select is(private.roll_up_job_counts(1), 1, 'a roll-up takes no more than its limit');
select results_eq('table tests.counted order by 1, 2', 'table tests.found order by 1, 2', 'and loses nothing of the rest');

insert into public.job_queue (user_id, job_type, dedupe_key) values (tests.user_id('ann'), 'test_open', 'once');
insert into public.job_queue (user_id, job_type, dedupe_key) values (tests.user_id('ann'), 'test_open', 'once') on conflict do nothing;
update public.job_type set name = 'test_renamed' where name = 'test_open';
select results_eq('table tests.counted order by 1, 2', 'table tests.found order by 1, 2', 'jobs of a type that was renamed count under its new name');
delete from public.job_queue where job_type = 'test_renamed' and status = 'completed';
select results_eq('table tests.counted order by 1, 2', 'table tests.found order by 1, 2', 'deleted jobs do not count');
delete from auth.users where id = tests.user_id('ann');
select is_empty('table tests.counted', 'nor do those of a user who has gone');

select tests.create_user('bob');
alter table public.job_queue disable trigger user;
insert into public.job_queue (user_id, job_type) select tests.user_id('bob'), 'test_other' from generate_series(1, 3);
alter table public.job_queue enable trigger user;
select is_empty('table tests.counted', 'jobs loaded without triggers are not counted');
select private.recount_jobs();
select results_eq('table tests.counted', 'table tests.found', 'recount_jobs() counts them');
truncate public.job_queue;
select is_empty('select from private.count_all_jobs()', 'an emptied queue counts nothing');

select tests.side_tables_are_right();
select * from finish();
rollback;

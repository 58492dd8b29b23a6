begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(8);

create function tests.version_of(p_id uuid) returns text language sql immutable as $$ select substr(p_id::text, 15, 1) $$;
create function tests.millisecond_of(p_id uuid) returns bigint language sql immutable
as $$ select ('x' || lpad(left(replace(p_id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint $$;
create function tests.now_ms() returns bigint language sql volatile as $$ select (extract(epoch from clock_timestamp()) * 1000)::bigint $$;

create temporary table made as
select n, tests.now_ms() as before, private.time_ordered_id() as id, tests.now_ms() as after from generate_series(1, 2000) as n;
select is_empty($$ select id from made where tests.version_of(id) <> '7' $$, 'time_ordered_id() makes ids of version 7');
select is_empty($$ select id from made where substr(id::text, 20, 1) not in ('8', '9', 'a', 'b') $$, 'of the variant of RFC 9562');
select is_empty($$ select id from made where tests.millisecond_of(id) not between before and after $$, 'that begin with the millisecond they were made in');
select is_empty($$ select one.id from made as one join made as other on other.n = one.n + 1 and other.id < one.id and other.before > one.after $$,
  'and grow from one millisecond to the next');
select is((select count(distinct id)::int from made), 2000, 'no two of them are the same');

-- The default of the queue, which is the same written out.
select tests.create_user('ann');
create temporary table job as select tests.now_ms() as before, tests.enqueue('ann') as id, tests.now_ms() as after;
select is(tests.version_of(id), '7', 'a job has such an id') from job;
select ok(tests.millisecond_of(id) between before and after, 'which says when it was made') from job;
insert into public.job_queue (job_type) select 'test_internal' from generate_series(1, 2000);
select is((select count(distinct id)::int from public.job_queue where job_type = 'test_internal' and tests.version_of(id) = '7'), 2000, 'and so has every job of a statement, its own');

select * from finish();
rollback;

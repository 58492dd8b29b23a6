begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(12);

select tests.create_user('ann');
create function tests.put(p_count int, p_priority int, p_type text, p_waited interval) returns void
language sql volatile as $$
  insert into public.job_queue (user_id, job_type, job_priority, scheduled_for, turn)
  select tests.user_id('ann'), p_type, p_priority, now() - p_waited, n from generate_series(1, p_count) as n
$$;
-- What a claim takes, by priority, as 'priority × jobs'; undone, so that every claim meets the same queue.
create function tests.share(p_batch_size int) returns text[]
language plpgsql volatile as $$
declare
  v_share text[];
begin
  select array_agg(job_priority || ' × ' || jobs order by job_priority) into v_share
  from (select job_priority, count(*) as jobs from tests.claim('w1', p_batch_size) group by 1) as claimed;
  raise exception using message = v_share::text;
exception when raise_exception then
  return sqlerrm::text[];
end
$$;

update private.job_setting set ageing_after = '5 minutes', ageing_share = 0.2;
select tests.put(100, 3, 'test_open', '1 second'), tests.put(30, 7, 'test_open', '4 minutes'), tests.put(30, 8, 'test_other', '1 minute');
select is(tests.share(10), array['3 × 10'], 'claim_jobs() keeps to the priority while nobody has waited too long');

update public.job_queue set scheduled_for = now() - interval '6 minutes' where job_priority = 8 and user_id = tests.user_id('ann');
select is(tests.share(10), array['3 × 8', '8 × 2'], 'ageing_share of a claim goes to a lane that has waited longer than ageing_after');
update public.job_queue set scheduled_for = now() - interval '7 minutes' where job_priority = 7 and user_id = tests.user_id('ann');
select is(tests.share(10), array['3 × 8', '7 × 2'], 'to the one that has waited longest');
update public.job_queue set scheduled_for = now() - interval '9 minutes' where job_priority = 8 and user_id = tests.user_id('ann');
select is(tests.share(10), array['3 × 8', '8 × 2'], 'whatever the priorities of the two');
update public.job_queue set scheduled_for = now() - interval '6 minutes' where job_priority = 8 and user_id = tests.user_id('ann');
select is(tests.share(155), array['3 × 100', '7 × 30', '8 × 25'], 'a claim that takes nearly everything needs no share');
select is(tests.share(1000), array['3 × 100', '7 × 30', '8 × 30'], 'nor does one with room for all');

update private.job_setting set ageing_share = 1;
select is(tests.share(1), array['7 × 1'], 'a claim of one job gives its slot away with the probability of the share: always');
update private.job_setting set ageing_share = 0;
select is(tests.share(1), array['3 × 1'], 'or never');
update private.job_setting set ageing_share = 0.5;
select ok(counts.aged between 20 and 80, format('or every other time (%s of 100)', counts.aged))
from (select count(*) filter (where tests.share(1) = array['7 × 1']) as aged from generate_series(1, 100)) as counts;

-- Limits hold for the share, too.
update private.job_setting set ageing_share = 0.2;
update public.job_type set max_concurrency = 1 where name = 'test_open';
update public.job_queue set scheduled_for = now() - interval '10 minutes' where job_priority = 7 and user_id = tests.user_id('ann');
select tests.put(50, 5, 'test_internal', '1 second');
select is(tests.share(10), array['5 × 9', '7 × 1'], 'an aged job of a type with one free slot takes that slot');
update public.job_type set is_paused = true where name = 'test_open';
select is(tests.share(10), array['5 × 8', '8 × 2'], 'a paused type ages in vain');

select tests.side_tables_are_right();
select * from finish();
rollback;

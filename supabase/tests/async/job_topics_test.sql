begin;
\ir ../helpers.psql
\ir jobs.psql
select plan(12);

select tests.create_user('ann'), tests.create_user('bob');
create temporary table job as select tests.enqueue('ann') as id;
grant select on job to public;

-- What Realtime does to see whether a caller may join: a probe row, read back as the caller.
create function tests.can_join(p_topic text) returns boolean
language plpgsql volatile
as $$
begin
  perform set_config('realtime.topic', p_topic, true);
  return exists (select from realtime.messages where topic = p_topic and extension = 'broadcast');
end
$$;
grant execute on function tests.can_join(text) to public;
insert into realtime.messages (topic, extension, event, private, payload)
select topic, 'broadcast', 'probe', true, '{}'
from job, unnest(array['job_status:' || id, 'user_jobs:' || tests.user_id('ann'), 'job_status:nonsense', 'job_status:', 'user_jobs:',
  'other:' || tests.user_id('ann')]) as topic;

select tests.become_user('ann');
select ok(tests.can_join('job_status:' || id), 'an owner may join the topic of their job') from job;
select ok(tests.can_join('user_jobs:' || tests.user_id('ann')), 'an owner may join the topic of their jobs');
select is(tests.can_join('job_status:nonsense'), false, 'a topic that names no job is refused, not an error');
select is(tests.can_join('job_status:'), false, 'an empty job is refused');
select is(tests.can_join('user_jobs:'), false, 'an empty user is refused');
select is(tests.can_join('other:' || tests.user_id('ann')), false, 'other topics are not ours to open');
select throws_ok($$ insert into realtime.messages (topic, extension, event, private, payload)
  values ('user_jobs:' || tests.user_id('ann'), 'broadcast', 'job_update', true, '{}') $$, '42501', null, 'nobody but the database speaks there');

select tests.become_user('bob');
select is(tests.can_join('job_status:' || id), false, 'a stranger may not join the topic of a job') from job;
select is(tests.can_join('user_jobs:' || tests.user_id('ann')), false, 'a stranger may not join the topic of another''s jobs');

select tests.become_anon();
select is(tests.can_join('job_status:' || id), false, 'anon may not join the topic of a job') from job;
select is(tests.can_join('user_jobs:' || tests.user_id('ann')), false, 'anon may not join the topic of a user''s jobs');

select tests.become_postgres();
delete from public.job_queue where id = (select id from job);
select tests.become_user('ann');
select is(tests.can_join('job_status:' || id), false, 'the topic of a deleted job is closed') from job;

select * from finish();
rollback;

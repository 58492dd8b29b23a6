-- A job that is planned for later, and asked for now. The request joins it, as it joins any equal job, and would
-- wait for a time that was chosen for when nobody asks. So the job is brought forward, to now or to the earlier
-- time that was asked for, and comes to stand where one would that had just been created. It is never put off: who
-- asks for later joins what comes sooner. Its priority stays, as that of any job which is joined.
--
-- Only a job that was never started. Any other waits for something that no request makes good: a backoff, the
-- Retry-After of a provider, its quota, a handler's snooze, children, the spread of an operator's retries. And what
-- else holds a job holds on: that of a paused user is due when the pause ends, and whether its type is paused, or
-- has room, is asked by the claim, as ever.

create function private.is_planned(p_job_id uuid)
returns boolean
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
begin
  return exists (
    select from public.job_queue where id = p_job_id and status = 'pending' and turn is null and fencing_token = 0);
end;
$$;
comment on function private.is_planned(uuid) is 'Whether this job was never started, and waits for its time.';

create function private.bring_forward(
  p_user_ids uuid[], p_job_ids uuid[], p_due_at timestamptz[], p_waits boolean default true
)
returns void
language plpgsql volatile set search_path = ''
-- One job or five thousand, and the planner cannot know: each table by the ids, and hashes between them.
set enable_seqscan = off set enable_nestloop = off
as $$
declare
  v_user_ids constant uuid[] := array(
    select user_id from unnest(p_user_ids) as user_id where user_id is not null group by user_id);
  v_job_ids uuid[];
  v_rings boolean;
begin
  -- Before the jobs, as everybody locks them; as private.know_users().
  if cardinality(v_user_ids) > 1 then
    perform private.keep_users(v_user_ids);
  end if;
  perform from public.users where id = any(v_user_ids) for key share;
  if p_waits then
    v_job_ids := array(
      select id from public.job_queue
      where id = any(p_job_ids) and status = 'pending' and turn is null and fencing_token = 0
      order by id
      for no key update);
  else
    v_job_ids := array(
      select id from public.job_queue
      where id = any(p_job_ids) and status = 'pending' and turn is null and fencing_token = 0
      order by id
      for no key update skip locked);
  end if;

  with early as materialized (
    select job.id, job.user_id, job.job_priority, asked.due_at, asked.due_at + type.expires_after as expires_at,
      type.is_paused, ready.is_due,
      row_number() over (partition by job.user_id, job.job_priority, ready.is_due order by asked.place) as nth
    from (
      select id, min(due_at) as due_at, min(place) as place
      from unnest(p_job_ids, p_due_at) with ordinality as request (id, due_at, place)
      group by id
    ) as asked
    join public.job_queue as job on job.id = asked.id
    join public.job_type as type on type.name = job.job_type
    cross join lateral (select asked.due_at <= now() and job.held_by is null as is_due) as ready
    where job.id = any(v_job_ids) and job.scheduled_for > asked.due_at
  ),
  lane as materialized (
    select user_id, job_priority, private.line_up(user_id, job_priority, count(*)::int) as first_turn
    from early
    where is_due
    group by user_id, job_priority
  ),
  moved as (
    update public.job_queue as job
    set scheduled_for = early.due_at,
      expires_at = early.expires_at,
      turn = case when early.is_due then lane.first_turn + early.nth - 1 end,
      -- Its owner has been told that it waits for its time.
      seq = job.seq + 1,
      updated_at = now()
    from early
    left join lane on coalesce(lane.user_id, '00000000-0000-0000-0000-000000000000')
        = coalesce(early.user_id, '00000000-0000-0000-0000-000000000000')
      and lane.job_priority = early.job_priority
    where job.id = early.id and job.id = any(v_job_ids)
    returning early.is_due and not early.is_paused as rings
  )
  select bool_or(rings) into v_rings from moved;

  -- As private.add_job().
  if v_rings
    and (pg_sequence_last_value('private.doorbell_hush') > date_part('epoch', clock_timestamp()) * 1000) is not true
  then
    perform private.ring_doorbell();
  end if;
end;
$$;
comment on function private.bring_forward(uuid[], uuid[], timestamptz[], boolean) is
  'Moves jobs that were never started, and are planned for later, to these earlier times; called under the lock of requests. p_user_ids: their owners, and whoever else is about to get jobs. p_waits: for whoever holds one of them, which is not for those who hold what others lock after jobs.';

revoke all on function
  private.is_planned(uuid),
  private.bring_forward(uuid[], uuid[], timestamptz[], boolean)
from public, anon, authenticated, service_role;

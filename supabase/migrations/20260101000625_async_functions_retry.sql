-- Running again what has failed or was cancelled: one, or many at once, in one body. The job starts with fresh
-- counters and its old checkpoint; of a batch, only what did not complete runs again.

create function private.judge_retries(p_job_ids uuid[], p_scheduled_for timestamptz[])
returns table (
  job_id uuid, outcome text, detail jsonb, requested_at timestamptz, scheduled_for timestamptz, turn bigint
)
language plpgsql volatile set search_path = ''
-- One job or hundreds, and the planner cannot know: each table by the ids, and hashes between them.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  v_limit constant int := (select max_active_jobs_per_user from private.job_setting);
begin
  return query
  with asked as materialized (
    select request.id, request.due_at, request.place, job.user_id, job.job_priority, job.status,
      job.id is not null and job.parent_job_id is null as stands_alone,
      -- One that is like nothing has none.
      case when job.parent_job_id is null then job.dedupe_key end as key,
      case
        when job.status in ('failed', 'cancelled') is not true then jsonb_build_object('status', job.status)
        when job.parent_job_id = any(array(
          select parent.id from public.job_queue as parent
          where parent.id = any(array(select parent_job_id from public.job_queue where id = any(p_job_ids)))
            and parent.completed_at is not null))
        then jsonb_build_object('status', job.status, 'parent_job_id', job.parent_job_id,
          'reason', 'The job it is a part of has ended: retry that one.')
      end as why_not
    from unnest(p_job_ids, p_scheduled_for) with ordinality as request (id, due_at, place)
    left join public.job_queue as job on job.id = request.id and job.id = any(p_job_ids)
  ),
  newest as materialized (
    select newest.*
    from (
      select array_agg(user_id order by place) as user_ids, array_agg(key order by place) as keys from asked
    ) as all_asked
    cross join lateral private.find_newest_jobs(all_asked.user_ids, all_asked.keys) as newest
  ),
  line as materialized (
    select line.*
    from (
      select array_agg(user_id) as user_ids, array_agg(job_priority) as priorities
      from (select distinct user_id, job_priority from asked where user_id is not null and stands_alone) as own
      having count(*) > 0
    ) as own
    cross join lateral private.line_up_users(own.user_ids, own.priorities) as line
  ),
  -- Of equal ones the first; the others find it active.
  compared as (
    select asked.*, line.active, line.first_turn, newest.requested_at as newest_at,
      case
        when newest.is_active then newest.job_id
        else nullif(first_value(asked.id) over own, asked.id)
      end as equal_id
    from asked
    left join newest on newest.place = asked.place
    left join line on line.user_id = asked.user_id and line.job_priority = asked.job_priority
    window own as (partition by asked.why_not is null, asked.user_id, coalesce(asked.key, asked.id::text) order by asked.place)
  ),
  -- A retry takes a place under the limit, as a new job does; and a child none.
  counted as (
    select compared.*, case when stands_alone and user_id is not null then
        active + count(*) filter (where why_not is null and stands_alone and equal_id is null) over (
          partition by user_id order by place rows between unbounded preceding and 1 preceding)
      end as active_before
    from compared
  ),
  judged as materialized (
    select verdict.*, outcome = 'retried' and stands_alone and due_at <= now() as lines_up
    from (
      select counted.*, case
          when why_not is not null then 'JOB_NOT_RETRYABLE'
          when active_before >= v_limit then 'JOB_LIMIT_REACHED'
          when equal_id is not null then 'JOB_ALREADY_ACTIVE'
          else 'retried'
        end as outcome
      from counted
    ) as verdict
  ),
  of_system as materialized (
    select job_priority, private.line_up(null, job_priority, count(*)::int) as first_turn
    from judged
    where lines_up and user_id is null
    group by job_priority
  )
  select judged.id, judged.outcome,
    case judged.outcome
      when 'JOB_NOT_RETRYABLE' then judged.why_not
      when 'JOB_LIMIT_REACHED'
        then jsonb_build_object('limit', v_limit, 'active', judged.active_before, 'retry_after', 30)
      when 'JOB_ALREADY_ACTIVE' then jsonb_build_object('job_id', judged.equal_id)
    end,
    greatest(clock_timestamp(), judged.newest_at + interval '1 microsecond'), judged.due_at,
    case when judged.lines_up then coalesce(judged.first_turn, of_system.first_turn) - 1 + row_number() over (
      partition by judged.lines_up, judged.user_id, judged.job_priority order by judged.place) end
  from judged
  left join of_system on of_system.job_priority = judged.job_priority and judged.user_id is null
  order by judged.place;
end;
$$;
comment on function private.judge_retries(uuid[], timestamptz[]) is
  'Whether each of these jobs, which the caller has locked with their requests, may get another life; when it was asked for, and where it then stands, unless that is as a child.';

create function private.retry_jobs(p_job_ids uuid[], p_scheduled_for timestamptz[])
returns table (job_id uuid, outcome text, detail jsonb)
language plpgsql volatile set search_path = ''
-- As private.judge_retries(); and see private.job_tree().
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  v_jobs constant int := cardinality(p_job_ids);
  v_tree uuid[];
  v_roots uuid[];
  v record;
  v_code text;
  v_detail text;
begin
  perform private.check_isolation();
  -- A retry takes a place under the limit, as a new job does. Who asks for several has locked their requests
  -- and their owners.
  if v_jobs = 1 then
    perform private.lock_requests(user_id, job_type, dedupe_key)
    from public.job_queue
    where id = p_job_ids[1] and parent_job_id is null;
    -- Before the jobs, as everybody locks them.
    perform from public.users
    where id = (select user_id from public.job_queue where id = p_job_ids[1])
    for key share;
  end if;

  -- With whatever of their batches is to run again, and their parents, which must not end meanwhile.
  with recursive tree as (
    select id as root_id, id from unnest(p_job_ids) as id
    union all
    select tree.root_id, child.id
    from tree
    cross join lateral (
      select job.id, job.status from public.job_queue as job where job.parent_job_id = tree.id offset 0
    ) as child
    where child.status in ('failed', 'cancelled')
  )
  select array_agg(id), array_agg(root_id) into v_tree, v_roots from tree;
  perform from public.job_queue
  where id = any(v_tree || array(
    select parent_job_id from public.job_queue where id = any(p_job_ids) and parent_job_id is not null))
  order by id
  for no key update;

  select array_agg(judged.job_id) as ids, array_agg(judged.outcome) as outcomes, array_agg(judged.detail) as details,
    array_agg(judged.requested_at) as requested_at, array_agg(judged.scheduled_for) as due_at,
    array_agg(judged.turn) as turns
  into v
  from private.judge_retries(p_job_ids, p_scheduled_for) as judged;
  begin
    perform private.revive_jobs(array_agg(part.id), array_agg(judged.requested_at), array_agg(judged.due_at),
      array_agg(case when part.id = judged.id then judged.turn end))
    from unnest(v_tree, v_roots) as part (id, root_id)
    join unnest(v.ids, v.outcomes, v.requested_at, v.due_at, v.turns)
      as judged (id, outcome, requested_at, due_at, turn) on judged.id = part.root_id and judged.outcome = 'retried'
    where part.id in (
      select id from public.job_queue where id = any(v_tree) and status in ('failed', 'cancelled'))
    having count(*) > 0;
    return query select * from unnest(v.ids, v.outcomes, v.details);
    return;
  -- What failed was paid back, and its owner may have used that up: of many, only these stay as they are.
  exception when sqlstate 'PT429' then
    get stacked diagnostics v_code = pg_exception_hint, v_detail = pg_exception_detail;
  end;
  if v_jobs = 1 then
    return query select p_job_ids[1], v_code, v_detail::jsonb;
    return;
  end if;
  -- Half by half, in their order: what comes later finds what has become of those before.
  return query
    select * from private.retry_jobs(p_job_ids[:v_jobs / 2], p_scheduled_for[:v_jobs / 2]);
  return query
    select * from private.retry_jobs(p_job_ids[v_jobs / 2 + 1:], p_scheduled_for[v_jobs / 2 + 1:]);
end;
$$;
comment on function private.retry_jobs(uuid[], timestamptz[]) is
  'Gives each of these jobs, that failed or was cancelled, another life at its time; says in their order retried, or the error code and detail of why not. Of several, all different, none is a part of another, and the caller has locked their requests and keeps their owners.';

create function private.revive_jobs(
  p_job_ids uuid[], p_requested_at timestamptz[], p_scheduled_for timestamptz[], p_turns bigint[]
)
returns void
language plpgsql volatile set search_path = ''
-- As private.judge_retries().
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_nestloop = off
as $$
begin
  -- Now, since the trigger that counts the children back would give up waiting.
  perform from public.job_batch
  where parent_job_id = any(p_job_ids || array(
    select distinct parent_job_id from public.job_queue where id = any(p_job_ids)))
  order by parent_job_id
  for no key update;

  -- Who has waited before waits again, for what did not complete; a handler that never came to that runs.
  update public.job_batch
  set is_open = true,
    is_awaited = is_awaited or (when_done = 'resume' and failed + cancelled > 0)
  where parent_job_id = any(p_job_ids);

  with ended as materialized (
    select job.id, job.user_id, job.job_priority, coalesce(batch.is_awaited, false) as will_wait, type.expires_after,
      revived.requested_at, revived.due_at, revived.turn,
      job.parent_job_id is not null and not coalesce(batch.is_awaited, false) and revived.due_at <= now() as is_child,
      row_number() over (
        partition by job.user_id, job.job_priority,
          job.parent_job_id is not null and not coalesce(batch.is_awaited, false) and revived.due_at <= now()
        order by job.created_at, job.turn, job.id) as place
    from unnest(p_job_ids, p_requested_at, p_scheduled_for, p_turns) as revived (id, requested_at, due_at, turn)
    join public.job_queue as job on job.id = revived.id and job.id = any(p_job_ids)
    join public.job_type as type on type.name = job.job_type
    left join public.job_batch as batch
      on batch.parent_job_id = job.id and batch.parent_job_id = any(p_job_ids)
  ),
  lane as materialized (
    select user_id, job_priority, private.take_child_turns(user_id, job_priority, jobs) as first_turn
    from (
      select user_id, job_priority, count(*)::int as jobs
      from ended where is_child
      group by user_id, job_priority
      order by user_id, job_priority
    ) as asked
  ),
  placed as (
    select ended.*, case
        when ended.is_child then lane.first_turn + ended.place - 1
        when not ended.will_wait then ended.turn
      end as new_turn
    from ended
    left join lane on ended.is_child and lane.job_priority = ended.job_priority
      and coalesce(lane.user_id, '00000000-0000-0000-0000-000000000000')
        = coalesce(ended.user_id, '00000000-0000-0000-0000-000000000000')
  )
  update public.job_queue as job
  set status = 'pending',
    held_by = case when placed.will_wait then 'children' end,
    turn = placed.new_turn,
    scheduled_for = placed.due_at,
    expires_at = case when not placed.will_wait then placed.due_at + placed.expires_after end,
    requested_at = placed.requested_at,
    started_at = null,
    completed_at = null,
    cancel_requested_at = null,
    worker_id = null,
    error_code = null,
    error_message = null,
    retry_count = 0,
    crash_count = 0,
    crash_streak = 0,
    runtime_seconds = 0,
    progress_base_seconds = 0,
    progress_percent = case when job.checkpoint is not null then least(job.progress_percent, 99) else 0 end,
    progress_message = case when job.checkpoint is not null then job.progress_message end,
    fencing_token = job.fencing_token + 1,
    is_classic = false,
    seq = job.seq + 1,
    updated_at = now()
  from placed
  where job.id = placed.id and job.id = any(p_job_ids);

  -- Nothing may be left to wait for.
  perform private.advance_batches(p_job_ids);
end;
$$;
comment on function private.revive_jobs(uuid[], timestamptz[], timestamptz[], bigint[]) is
  'Makes failed and cancelled jobs, which the caller has locked, pending again. Children line up as children do, jobs without a parent at these turns.';

revoke all on function
  private.judge_retries(uuid[], timestamptz[]),
  private.retry_jobs(uuid[], timestamptz[]),
  private.revive_jobs(uuid[], timestamptz[], timestamptz[], bigint[])
from public, anon, authenticated, service_role;

-- How a batch ends. Who ends a child counts it in job_batch, and who counts the last one ends the parent,
-- all in the transaction of the child. Two rules keep that free of deadlocks. Who holds a child never
-- waits for another job: a parent or sibling that somebody else holds is passed over. And nobody waits
-- long for a batch. What is left undone that way, sweep_batches() finds and does.

create function private.lock_batches(p_parent_ids uuid[])
returns boolean
language plpgsql volatile set search_path = ''
-- Shorter than deadlock_timeout: a circle, which only nested batches can make, ends here and not in an error.
set lock_timeout = '900ms'
as $$
begin
  perform from public.job_batch
  where parent_job_id = any(p_parent_ids)
  order by parent_job_id
  for no key update;
  return true;
exception when lock_not_available then
  return false;
end;
$$;
comment on function private.lock_batches(uuid[]) is
  'Locks batches to the end of the transaction; false when somebody holds one for long.';

create function private.advance_batches(p_parent_ids uuid[])
returns void
language plpgsql volatile set search_path = ''
-- A few known rows of large tables, whatever the statement that got us here needs for its own plan.
set enable_seqscan = off set enable_nestloop = on
as $$
begin
  perform private.finish_parent(done.parent_job_id)
  from (
    select batch.parent_job_id
    from public.job_batch as batch
    where batch.parent_job_id = any(p_parent_ids) and batch.is_awaited
      and (batch.completed + batch.failed + batch.cancelled = batch.total
        or (batch.failed > 0 and batch.on_child_failure = 'fail_fast'))
    -- From the leaves up, as ids grow: what has failed by itself is not cancelled from above.
    order by batch.parent_job_id desc
    offset 0
  ) as done;

  -- The owner hears of whole percents, not of every child.
  update public.job_queue as parent
  set progress_percent = share.percent,
    seq = parent.seq + 1,
    updated_at = now()
  from (
    select job.id, least(99, counted.percent) as percent
    from public.job_batch as batch
    cross join lateral (
      select (batch.completed + batch.failed + batch.cancelled) * 100 / nullif(batch.total, 0) as percent
    ) as counted
    join public.job_queue as job on job.id = batch.parent_job_id
    where batch.parent_job_id = any(p_parent_ids) and job.held_by = 'children'
      and least(99, counted.percent) > job.progress_percent
    order by job.id
    for no key update of job skip locked
  ) as share
  where parent.id = share.id;
end;
$$;
comment on function private.advance_batches(uuid[]) is
  'Moves waiting parents on by what their batches say. The caller has locked the batches.';

create function private.finish_parent(p_job_id uuid)
returns void
language plpgsql volatile set search_path = ''
as $$
declare
  v_batch public.job_batch;
  v_status text;
  v_result jsonb;
  v_reason text;
begin
  -- Who else holds the row is about to end it, or the sweep will be here again.
  perform from public.job_queue where id = p_job_id and held_by = 'children' for no key update skip locked;
  if not found then
    return;
  end if;

  select * into v_batch from public.job_batch where parent_job_id = p_job_id;
  v_status := case
    when v_batch.failed > 0 and v_batch.on_child_failure = 'fail_fast' then 'failed'
    when v_batch.when_done = 'resume' then 'pending'
    when v_batch.failed > 0 and v_batch.completed = 0 then 'failed'
    else 'completed'
  end;
  if v_status = 'completed' then
    v_result := private.batch_result(v_batch);
  elsif v_status = 'failed' then
    -- Whose owner is just going need not end.
    if exists (select from public.job_queue where id = p_job_id and user_id is not null)
      and private.keep_owners(array[p_job_id]) = '{}'
    then
      return;
    end if;
    v_reason := private.first_failure(p_job_id);
  end if;

  update public.job_queue as job
  set status = v_status,
    held_by = null,
    -- Behind what came while it waited.
    turn = case when v_status = 'pending' then
      (private.line_up_again(array[job.user_id], array[job.job_type], array[job.job_priority], array[1]))[1] end,
    scheduled_for = case when v_status = 'pending' then now() else job.scheduled_for end,
    expires_at = case when v_status = 'pending'
      then now() + (select type.expires_after from public.job_type as type where type.name = job.job_type) end,
    progress_percent = case v_status when 'completed' then 100 when 'pending' then 99 else job.progress_percent end,
    result = v_result,
    error_code = case when v_status = 'failed' then 'CHILD_FAILED' end,
    error_message = v_reason,
    completed_at = case when v_status <> 'pending' then now() end,
    seq = job.seq + 1,
    updated_at = now()
  where job.id = p_job_id;

  if v_status = 'failed' then
    perform private.cancel_descendants(p_job_id);
  end if;
  update public.job_batch
  set is_awaited = v_status <> 'pending',
    is_open = v_status = 'pending' or completed + failed + cancelled < total
  where parent_job_id = p_job_id;
end;
$$;
comment on function private.finish_parent(uuid) is
  'Ends a parent that waits, or lets its handler go on. The caller has locked the batch.';

create function private.last_turns(p_priorities smallint[])
returns table (job_priority smallint, last_turn bigint)
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
begin
  return query
  select lane.job_priority, greatest(lane.virtual_time, max(last.waiting), max(last.bundled))
  from private.job_lane as lane
  cross join public.job_type as type
  cross join lateral (
    select (
      select waiting.turn from private.job_waiting as waiting
      where waiting.job_type = type.name and waiting.job_priority = lane.job_priority and waiting.turn is not null
      order by waiting.turn desc, waiting.place desc limit 1
    ) as waiting, (
      select bundle.turn + bundle.jobs - 1 from private.job_bundle as bundle
      where bundle.job_type = type.name and bundle.job_priority = lane.job_priority
      order by bundle.turn desc limit 1
    ) as bundled
  ) as last
  where lane.job_priority = any(p_priorities)
  group by lane.job_priority, lane.virtual_time;
end;
$$;
comment on function private.last_turns(smallint[]) is
  'Where these lanes end: the last turn at which a job stands, or that was claimed.';

create function private.pull_in_flows()
returns int
language plpgsql volatile set search_path = ''
as $$
declare
  v_priorities constant smallint[] := array(
    select distinct flow.job_priority
    from private.job_flow as flow
    join private.job_lane as lane on lane.job_priority = flow.job_priority
    where flow.last_turn > lane.virtual_time);
  v_flows tid[];
  v_pulled_in int;
begin
  if v_priorities = '{}' then
    return 0;
  end if;
  -- Who has lined up and not committed holds its flow. Where one is free, the next statement sees who stands there.
  v_flows := array(
    select flow.ctid
    from private.job_flow as flow
    join private.last_turns(v_priorities) as lane on lane.job_priority = flow.job_priority
    where flow.last_turn > lane.last_turn
    limit 1000
    for update of flow skip locked);
  if v_flows = '{}' then
    return 0;
  end if;
  update private.job_flow as flow
  set last_turn = lane.last_turn
  from private.last_turns(v_priorities) as lane
  where flow.ctid = any(v_flows) and lane.job_priority = flow.job_priority and flow.last_turn > lane.last_turn;
  get diagnostics v_pulled_in = row_count;
  return v_pulled_in;
end;
$$;
comment on function private.pull_in_flows() is
  'As pull_in_system_turns(), for users: where the last jobs of a flow were cancelled, its next would stand as many turns behind everybody else. Returns how many flows.';

create function private.sweep_batches()
returns int
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_start constant uuid := gen_random_uuid();
  v_open record;
  v_changed int := 0;
begin
  -- A flow the lane has caught up with says nothing more.
  delete from private.job_flow as flow
  using (
    select behind.flow_id, behind.job_priority, behind.again_type
    from private.job_flow as behind
    join private.job_lane as lane on lane.job_priority = behind.job_priority
    where behind.last_turn <= lane.virtual_time
    for update of behind skip locked
  ) as spent
  where flow.flow_id = spent.flow_id and flow.job_priority = spent.job_priority and flow.again_type = spent.again_type;
  perform private.pull_in_flows();

  for v_open in
    with open as (
      -- From a place that is another one every time, so that none of many is left out for ever.
      (select * from public.job_batch where is_open and parent_job_id > v_start
        order by parent_job_id limit 1000)
      union all
      (select * from public.job_batch where is_open and parent_job_id <= v_start
        order by parent_job_id limit 1000)
    ),
    bounded as (
      select open.*, sum(total) over (order by parent_job_id <= v_start, parent_job_id) - total as before
      from open
    )
    select batch.parent_job_id, parent.status
    from bounded as batch
    join public.job_queue as parent on parent.id = batch.parent_job_id
    cross join lateral private.count_children(batch.parent_job_id) as counted
    -- Counting children is what costs.
    where batch.before < 20000 and (
      (counted.completed, counted.failed, counted.cancelled) <> (batch.completed, batch.failed, batch.cancelled)
      or counted.total <> batch.total
      or (parent.held_by = 'children' and counted.active = 0)
      or (parent.held_by = 'children' and counted.failed > 0 and batch.on_child_failure = 'fail_fast')
      -- A parent that was completed without waiting leaves its children to themselves.
      or (parent.completed_at is not null and (counted.active = 0 or parent.status <> 'completed')))
  loop
    perform from public.job_batch where parent_job_id = v_open.parent_job_id for no key update skip locked;
    continue when not found;
    update public.job_batch as batch
    set total = counted.total,
      completed = counted.completed,
      failed = counted.failed,
      cancelled = counted.cancelled
    from private.count_children(v_open.parent_job_id) as counted
    where batch.parent_job_id = v_open.parent_job_id;

    if v_open.status in ('failed', 'cancelled') then
      perform private.cancel_descendants(v_open.parent_job_id);
    else
      perform private.advance_batches(array[v_open.parent_job_id]);
    end if;
    update public.job_batch as batch
    set is_open = false
    from public.job_queue as parent
    where batch.parent_job_id = v_open.parent_job_id and parent.id = batch.parent_job_id
      and parent.completed_at is not null
      and batch.completed + batch.failed + batch.cancelled = batch.total;
    v_changed := v_changed + 1;
  end loop;
  return v_changed;
end;
$$;
comment on function private.sweep_batches() is
  'Does what ending a child had to leave undone: counts again, ends parents, cancels children of ended ones; returns how many batches it touched. Lends the right to change the queue.';

create function private.count_children(p_job_id uuid)
returns table (total int, completed int, failed int, cancelled int, active int)
language sql stable rows 1 set search_path = ''
as $$
  select count(*)::int,
    count(*) filter (where status = 'completed')::int,
    count(*) filter (where status = 'failed')::int,
    count(*) filter (where status = 'cancelled')::int,
    count(*) filter (where completed_at is null)::int
  from public.job_queue
  where parent_job_id = p_job_id;
$$;
comment on function private.count_children(uuid) is
  'Children of a job as the rows say, at the moment of the statement that asks.';

revoke all on function
  private.lock_batches(uuid[]),
  private.advance_batches(uuid[]),
  private.finish_parent(uuid),
  private.last_turns(smallint[]),
  private.pull_in_flows(),
  private.sweep_batches(),
  private.count_children(uuid)
from public, anon, authenticated, service_role;

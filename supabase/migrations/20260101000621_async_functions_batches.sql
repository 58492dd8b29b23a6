-- A job in many parts: a handler creates children in the transaction of its checkpoint, waits without
-- holding a slot, and ends when they have ended.

-- A user's children stand one behind the other, and behind what the user has waiting: however many there
-- are, the next job of somebody else is at most one turn away.
create function private.take_child_turns(p_user_id uuid, p_priority smallint, p_count int)
returns bigint
language sql volatile set search_path = ''
as $$
  insert into private.job_flow as flow (flow_id, job_priority, last_turn)
  select coalesce(p_user_id, '00000000-0000-0000-0000-000000000000'), p_priority,
    private.line_up(p_user_id, p_priority, p_count) - 1 + p_count
  on conflict (flow_id, job_priority, again_type) do update
    set last_turn = greatest(flow.last_turn + p_count, excluded.last_turn)
  returning last_turn - p_count + 1;
$$;
comment on function private.take_child_turns(uuid, smallint, int) is
  'Reserves turns for children of a user; returns the first.';

create function private.create_child_jobs(
  p_job_id uuid, p_fencing_token bigint, p_children jsonb, p_checkpoint jsonb
)
returns table (child_key text, job_id uuid, outcome text)
language plpgsql volatile security definer set search_path = ''
-- A plan for any number of rows would join as if there were ten.
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
  v_user_id uuid;
  v_children private.job_requests;
begin
  perform private.check_checkpoint(p_checkpoint, p_job_id);
  -- Before the job, as everybody locks them: children may cost their owner units.
  select user_id into v_user_id from public.job_queue where id = p_job_id;
  if v_user_id is not null then
    perform from public.users where id = v_user_id for key share;
  end if;
  if p_fencing_token >= 1000000000000 then
    perform private.write_start(p_job_id, p_fencing_token);
  end if;
  -- Held to the end: nobody can take the job over, and only its attempt creates children.
  select job.user_id into v_user_id
  from public.job_queue as job
  where job.id = p_job_id and job.lease_expires_at is not null
    and (job.fencing_token = p_fencing_token or (p_fencing_token is null and job.is_classic))
  for no key update;
  if not found then
    perform private.raise_error('LEASE_LOST', jsonb_build_object('job_id', p_job_id));
  end if;
  v_children := private.read_job_requests(p_children);

  if p_checkpoint is not null then
    update public.job_queue as job
    set checkpoint = p_checkpoint,
      crash_streak = case when job.checkpoint is distinct from p_checkpoint then 0 else job.crash_streak end,
      updated_at = now()
    where job.id = p_job_id;
  end if;

  return query
  with wanted as materialized (
    select child.*, coalesce('key:' || child.key, child.dedupe_key) as name
    from unnest(v_children.job_types, v_children.params, v_children.priorities, v_children.max_retries,
        v_children.scheduled_for, v_children.expires_at, v_children.keys, v_children.dedupe_keys,
        private.time_ordered_ids(cardinality(v_children.keys)))
      with ordinality as child (
        job_type, params, job_priority, max_retries, scheduled_for, expires_at, key, dedupe_key, id, ordinal)
  ),
  known as materialized (
    select job.id, job.dedupe_key
    from public.job_queue as job
    where job.parent_job_id = p_job_id and job.dedupe_key = any(array(select name from wanted))
  ),
  fresh as materialized (
    select first.*, first.scheduled_for <= now() as is_due,
      row_number() over (partition by job_priority, scheduled_for <= now() order by ordinal) as place
    from (
      select distinct on (name) * from wanted
      where name not in (select dedupe_key from known)
      order by name, ordinal
    ) as first
  ),
  lane as materialized (
    select job_priority, private.take_child_turns(v_user_id, job_priority, jobs) as first_turn
    from (select job_priority, count(*)::int as jobs from fresh where is_due group by 1 order by 1) as asked
  ),
  created as (
    insert into public.job_queue as job (
      id, user_id, job_type, job_priority, params, max_retries, scheduled_for, expires_at, dedupe_key, turn,
      parent_job_id)
    select fresh.id, v_user_id, fresh.job_type, fresh.job_priority, fresh.params, fresh.max_retries,
      fresh.scheduled_for, fresh.expires_at, fresh.name,
      case when fresh.is_due then lane.first_turn + fresh.place - 1 end, p_job_id
    from fresh left join lane on lane.job_priority = fresh.job_priority
    order by fresh.ordinal
    returning job.id, job.dedupe_key
  ),
  counted as (
    insert into public.job_batch as batch (parent_job_id, total)
    select p_job_id, count(*) from created
    on conflict (parent_job_id) do update
      set total = batch.total + excluded.total, is_open = true
  )
  select coalesce(wanted.key, wanted.dedupe_key), coalesce(created.id, known.id),
    case when created.id is not null and fresh.ordinal is not null then 'created' else 'joined' end
  from wanted
  left join fresh on fresh.ordinal = wanted.ordinal
  left join created on created.dedupe_key = wanted.name
  left join known on known.dedupe_key = wanted.name
  order by wanted.ordinal;
end;
$$;
comment on function private.create_child_jobs(uuid, bigint, jsonb, jsonb) is
  'Body of create_child_jobs(). Lends the right to write the queue.';

create function private.wait_for_children(
  p_job_id uuid, p_fencing_token bigint, p_on_child_failure text, p_when_done text, p_checkpoint jsonb
)
returns text
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if coalesce(p_on_child_failure, '') not in ('fail_fast', 'partial') then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_on_child_failure'));
  elsif coalesce(p_when_done, '') not in ('complete', 'resume') then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_when_done'));
  end if;
  perform private.check_checkpoint(p_checkpoint, p_job_id);
  if p_fencing_token >= 1000000000000 then
    perform private.write_start(p_job_id, p_fencing_token);
  end if;

  update public.job_queue as job
  set status = 'pending',
    held_by = 'children',
    turn = null,
    checkpoint = coalesce(p_checkpoint, job.checkpoint),
    crash_streak = 0,
    worker_id = null,
    lease_expires_at = null,
    runtime_seconds = job.runtime_seconds + greatest(0, extract(epoch from now() - job.slice_started_at)),
    slice_started_at = null,
    -- However long the children take.
    expires_at = null,
    -- The rest is theirs to show; 100 is for the end.
    progress_percent = least(job.progress_percent, 99),
    seq = job.seq + 1,
    updated_at = now()
  where job.id = p_job_id and job.lease_expires_at is not null
    and (job.fencing_token = p_fencing_token or (p_fencing_token is null and job.is_classic));
  if not found then
    return null;
  end if;

  -- From here on whoever ends a child waits for this, and then finds a parent that waits. Who was
  -- quicker has been counted.
  insert into public.job_batch (parent_job_id, on_child_failure, when_done, is_awaited)
  values (p_job_id, p_on_child_failure, p_when_done, true)
  on conflict (parent_job_id) do update
    set on_child_failure = excluded.on_child_failure, when_done = excluded.when_done, is_awaited = true,
      is_open = true;
  perform private.advance_batches(array[p_job_id]);
  return (select status from public.job_queue where id = p_job_id);
end;
$$;
comment on function private.wait_for_children(uuid, bigint, text, text, jsonb) is
  'Body of wait_for_children(). Lends the right to change the queue.';

create function private.child_key(p_dedupe_key text)
returns text
language sql immutable set search_path = ''
as $$
  select case when p_dedupe_key like 'key:%' then substr(p_dedupe_key, 5) end;
$$;
comment on function private.child_key(text) is 'The key a child was given by its parent, else null.';

create function private.batch_result(p_batch public.job_batch)
returns jsonb
language plpgsql volatile set search_path = ''
as $$
declare
  v_limit constant int := 32768;
  v_counts constant jsonb := jsonb_build_object('total', p_batch.total, 'completed', p_batch.completed,
    'failed', p_batch.failed, 'cancelled', p_batch.cancelled);
  v_children jsonb;
begin
  -- Lists that are too long are never built. An entry without a result is longer than 100 bytes; no text is shorter
  -- than a quarter of what is stored, which need not be read, but few bytes of numbers can be a very long one.
  if p_batch.total <= v_limit / 100 and (
    select coalesce(sum(pg_column_size(result)), 0) <= v_limit * 4
    from public.job_queue where parent_job_id = p_batch.parent_job_id)
    and (
    select coalesce(sum(octet_length(result::text)), 0) <= v_limit
    from public.job_queue where parent_job_id = p_batch.parent_job_id)
  then
    select coalesce(jsonb_agg(
      jsonb_build_object('job_id', child.id, 'key', private.child_key(child.dedupe_key),
        'job_type', child.job_type, 'status', child.status, 'error_code', child.error_code,
        'result', child.result)
      order by child.created_at, child.dedupe_key), '[]') into v_children
    from public.job_queue as child
    where child.parent_job_id = p_batch.parent_job_id;
  end if;

  if octet_length(v_children::text) <= v_limit then
    return v_counts || jsonb_build_object('children', v_children);
  end if;
  return v_counts || '{"children_omitted": true}';
end;
$$;
comment on function private.batch_result(public.job_batch) is
  'What a parent that the engine completes has as its result: counts, and the children unless that is over 32 KB.';

create function private.first_failure(p_job_id uuid)
returns text
language sql volatile set search_path = ''
as $$
  select 'Child ' || coalesce(private.child_key(dedupe_key), id::text) || ' failed: ' || error_code
  from public.job_queue
  where parent_job_id = p_job_id and status = 'failed'
  order by completed_at, id
  limit 1;
$$;
comment on function private.first_failure(uuid) is 'Which child of a job failed first, and why, in a sentence.';

revoke all on function
  private.take_child_turns(uuid, smallint, int),
  private.create_child_jobs(uuid, bigint, jsonb, jsonb),
  private.wait_for_children(uuid, bigint, text, text, jsonb),
  private.child_key(text),
  private.batch_result(public.job_batch),
  private.first_failure(uuid)
from public, anon, authenticated, service_role;
grant execute on function
  private.create_child_jobs(uuid, bigint, jsonb, jsonb),
  private.wait_for_children(uuid, bigint, text, text, jsonb)
to service_role;

create function public.create_child_jobs(
  p_job_id uuid, p_fencing_token bigint, p_children jsonb, p_checkpoint jsonb default null
)
returns table (child_key text, job_id uuid, outcome text)
language sql volatile set search_path = ''
as $$
  select * from private.create_child_jobs(p_job_id, p_fencing_token, p_children, p_checkpoint);
$$;
comment on function public.create_child_jobs(uuid, bigint, jsonb, jsonb) is
  'Service only. Creates up to 5 000 children [{job_type, params, key?, priority?, delay_ms?}] of a job that runs, with its checkpoint, or raises LEASE_LOST. Says created or joined: a child is there once per key (without one: per type and params).';

create function public.wait_for_children(
  p_job_id uuid, p_fencing_token bigint, p_on_child_failure text default 'partial',
  p_when_done text default 'complete', p_checkpoint jsonb default null
)
returns text
language sql volatile set search_path = ''
as $$
  select private.wait_for_children(p_job_id, p_fencing_token, p_on_child_failure, p_when_done, p_checkpoint);
$$;
comment on function public.wait_for_children(uuid, bigint, text, text, jsonb) is
  'Service only. Ends the slice; the job goes on when its children have ended (resume), or is then completed. Returns its status now; null = lease lost.';

revoke all on function
  public.create_child_jobs(uuid, bigint, jsonb, jsonb),
  public.wait_for_children(uuid, bigint, text, text, jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  public.create_child_jobs(uuid, bigint, jsonb, jsonb),
  public.wait_for_children(uuid, bigint, text, text, jsonb)
to service_role;

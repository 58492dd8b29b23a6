-- Running again what has failed or was cancelled: by hand, by its owner, or many at once. The job starts
-- with fresh counters and its old checkpoint; of a batch, only what did not complete runs again.

create function private.retry_job(p_job_id uuid, p_scheduled_for timestamptz default now())
returns table (outcome text, detail jsonb)
language plpgsql volatile set search_path = ''
-- See private.job_tree().
set enable_seqscan = off
as $$
declare
  v_job public.job_queue;
  v_tree uuid[];
  v_equal record;
  v_requested_at timestamptz := clock_timestamp();
  v_limit int;
  v_active int;
  v_turn bigint;
  v_code text;
  v_detail text;
begin
  perform private.check_isolation();
  select * into v_job from public.job_queue where id = p_job_id;
  -- A retry takes a place under the limit, as a new job does.
  if v_job.id is not null and v_job.parent_job_id is null then
    perform private.lock_requests(v_job.user_id, v_job.job_type, v_job.dedupe_key);
  end if;
  -- Before the jobs, as everybody locks them.
  if v_job.user_id is not null then
    perform from public.users where id = v_job.user_id for key share;
  end if;

  -- With whatever of its batch is to run again, and its parent, which must not end meanwhile.
  v_tree := array(
    with recursive tree as (
      select p_job_id as id
      union all
      select child.id
      from tree
      cross join lateral (
        select job.id, job.status from public.job_queue as job where job.parent_job_id = tree.id offset 0
      ) as child
      where child.status in ('failed', 'cancelled')
    )
    select id from tree
  );
  perform from public.job_queue
  where id = any(v_tree || v_job.parent_job_id)
  order by id
  for no key update;
  v_tree := array(
    select id from public.job_queue where id = any(v_tree) and status in ('failed', 'cancelled'));
  select * into v_job from public.job_queue where id = p_job_id;

  if v_job.status not in ('failed', 'cancelled') then
    return query select 'JOB_NOT_RETRYABLE', jsonb_build_object('status', v_job.status);
    return;
  end if;

  if v_job.parent_job_id is not null then
    if exists (select from public.job_queue where id = v_job.parent_job_id and completed_at is not null) then
      return query select 'JOB_NOT_RETRYABLE', jsonb_build_object(
        'status', v_job.status, 'parent_job_id', v_job.parent_job_id,
        'reason', 'The job it is a part of has ended: retry that one.');
      return;
    end if;
  else
    v_active := private.count_active_jobs(v_job.user_id);
    select max_active_jobs_per_user into v_limit from private.job_setting;
    if v_job.user_id is not null and v_active >= v_limit then
      return query select 'JOB_LIMIT_REACHED',
        jsonb_build_object('limit', v_limit, 'active', v_active, 'retry_after', 30);
      return;
    end if;

    select * into v_equal from private.find_newest_job(v_job.user_id, v_job.dedupe_key);
    if v_equal.status in ('pending', 'processing') then
      return query select 'JOB_ALREADY_ACTIVE', jsonb_build_object('job_id', v_equal.job_id);
      return;
    end if;
    v_requested_at := greatest(v_requested_at, v_equal.requested_at + interval '1 microsecond');
    v_turn := private.line_up(v_job.user_id, v_job.job_priority);
  end if;

  begin
    perform private.revive_jobs(v_tree, v_requested_at, p_scheduled_for, v_turn);
  -- What failed was paid back, and its owner may have used that up: of many, only this one stays as it is.
  exception when sqlstate 'PT429' then
    get stacked diagnostics v_code = pg_exception_hint, v_detail = pg_exception_detail;
    return query select v_code, v_detail::jsonb;
    return;
  end;
  return query select 'retried', null::jsonb;
end;
$$;
comment on function private.retry_job(uuid, timestamptz) is
  'Gives a job that failed or was cancelled another life; says retried, or the error code and detail of why not.';

create function private.revive_jobs(
  p_job_ids uuid[], p_requested_at timestamptz, p_scheduled_for timestamptz, p_turn bigint
)
returns void
language plpgsql volatile set search_path = ''
-- One job or five thousand, and the planner cannot know: each table by the ids, and hashes between them.
set enable_seqscan = off set enable_nestloop = off
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
    select job.id, job.user_id, job.job_priority, job.parent_job_id is not null as is_child,
      coalesce(batch.is_awaited, false) as will_wait, type.expires_after,
      row_number() over (
        partition by job.job_priority, coalesce(batch.is_awaited, false), job.parent_job_id is null
        order by job.created_at, job.turn, job.id) as place
    from public.job_queue as job
    join public.job_type as type on type.name = job.job_type
    left join public.job_batch as batch
      on batch.parent_job_id = job.id and batch.parent_job_id = any(p_job_ids)
    where job.id = any(p_job_ids)
  ),
  lane as materialized (
    select job_priority, private.take_child_turns(user_id, job_priority, jobs) as first_turn
    from (
      select user_id, job_priority, count(*)::int as jobs
      from ended where is_child and not will_wait
      group by 1, 2
      order by 1, 2
    ) as asked
  )
  update public.job_queue as job
  set status = 'pending',
    held_by = case when ended.will_wait then 'children' end,
    turn = case
      when ended.will_wait or p_scheduled_for > now() then null
      when ended.is_child then lane.first_turn + ended.place - 1
      else p_turn
    end,
    scheduled_for = p_scheduled_for,
    expires_at = case when not ended.will_wait then p_scheduled_for + ended.expires_after end,
    requested_at = p_requested_at,
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
  from ended left join lane on lane.job_priority = ended.job_priority
  where job.id = ended.id and job.id = any(p_job_ids);

  -- Nothing may be left to wait for.
  perform private.advance_batches(p_job_ids);
end;
$$;
comment on function private.revive_jobs(uuid[], timestamptz, timestamptz, bigint) is
  'Makes failed and cancelled jobs of one tree, which the caller has locked, pending again. Children line up as children do, the job without a parent at p_turn.';

create function private.retry_job_as_caller(p_job_id uuid, p_user_id uuid)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user_id constant uuid := private.acting_user(p_user_id);
  v_answer record;
begin
  -- The service may leave the user out; a user never sees, and never retries, another's job.
  if not exists (
    select from public.job_queue
    where id = p_job_id and (user_id = v_user_id or v_user_id is null)
  ) then
    perform private.raise_error('JOB_NOT_FOUND');
  end if;

  -- Counted here, since the data API reaches this function too: a job that was cancelled, or that failed and
  -- was paid back, asks the provider again at no cost.
  if auth.uid() is not null then
    perform private.assert_rate_limit('job-retry', v_user_id);
  end if;
  select * into v_answer from private.retry_job(p_job_id);
  if v_answer.outcome <> 'retried' then
    perform private.raise_error(v_answer.outcome, v_answer.detail);
  end if;
  return true;
end;
$$;
comment on function private.retry_job_as_caller(uuid, uuid) is
  'Body of retry_job(). Lends the right to change the queue, after checking whose job it is, and to count a user''s request.';

create function private.retry_failed_jobs(
  p_job_type text, p_error_code text, p_since interval, p_limit int, p_spread interval
)
returns table (job_id uuid, job_type text, outcome text)
language plpgsql volatile security definer set search_path = ''
as $$
begin
  return query
  with failed as materialized (
    select job.id, job.user_id, job.job_type,
      row_number() over (order by job.completed_at, job.id) - 1 as place, count(*) over () as jobs
    from (
      select old.*
      from public.job_type as type
      cross join lateral (
        -- Children come back with their parent.
        select job.id, job.user_id, job.job_type, job.completed_at
        from private.job_failure as failure
        join public.job_queue as job on job.id = failure.job_id
        where failure.job_type = type.name and failure.failed_at > now() - p_since
          and job.status = 'failed' and job.completed_at > now() - p_since
          and (p_error_code is null or job.error_code = p_error_code) and job.parent_job_id is null
        order by failure.failed_at
        limit least(p_limit, 1000)
      ) as old
      where p_job_type is null or type.name = p_job_type
      order by old.completed_at
      limit least(p_limit, 1000)
    ) as job
  ),
  -- Who is just going, or somebody holds, is left out: whoever deletes several users does so in no order.
  owner as materialized (
    select private.keep_owners(array(select failed.id from failed)) as ids
  )
  select failed.id, failed.job_type, answer.outcome
  -- User by user, in the order in which every call locks users.
  from (
    select * from failed
    where failed.user_id is null or failed.user_id = any((select owner.ids from owner)::uuid[])
    order by failed.user_id, failed.place
  ) as failed
  cross join lateral private.retry_job(failed.id, now() + p_spread * failed.place / failed.jobs) as answer;
end;
$$;
comment on function private.retry_failed_jobs(text, text, interval, int, interval) is
  'Body of retry_failed_jobs(). Lends the right to change the queue.';

revoke all on function
  private.retry_job(uuid, timestamptz),
  private.revive_jobs(uuid[], timestamptz, timestamptz, bigint),
  private.retry_job_as_caller(uuid, uuid),
  private.retry_failed_jobs(text, text, interval, int, interval)
from public, anon, authenticated, service_role;
grant execute on function private.retry_job_as_caller(uuid, uuid) to authenticated, service_role;
grant execute on function private.retry_failed_jobs(text, text, interval, int, interval) to service_role;

create function public.retry_job(p_job_id uuid, p_user_id uuid default null)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.retry_job_as_caller(p_job_id, p_user_id);
$$;
comment on function public.retry_job(uuid, uuid) is
  'Runs the caller''s failed or cancelled job again, with fresh counters and its checkpoint; of its children only those that did not complete. True, or an error that says why not.';
revoke all on function public.retry_job(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function public.retry_job(uuid, uuid) to authenticated, service_role;

create function public.retry_failed_jobs(
  p_job_type text default null, p_error_code text default null, p_since interval default '24 hours',
  p_limit int default 1000, p_spread interval default '0'
)
returns table (job_id uuid, job_type text, outcome text)
language sql volatile set search_path = ''
as $$
  select * from private.retry_failed_jobs(p_job_type, p_error_code, p_since, p_limit, p_spread);
$$;
comment on function public.retry_failed_jobs(text, text, interval, int, interval) is
  'Service only. Retries up to p_limit (at most 1 000) failed top-level jobs, the oldest first, their starts spread over p_spread; says retried, or why not.';
revoke all on function public.retry_failed_jobs(text, text, interval, int, interval)
  from public, anon, authenticated, service_role;
grant execute on function public.retry_failed_jobs(text, text, interval, int, interval) to service_role;

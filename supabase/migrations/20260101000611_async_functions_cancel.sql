-- Cancelling: at once for the owner. The token moves on, so that whatever the running handler still
-- writes is refused; its next heartbeat tells it to stop.

create function private.cancel_job_as_caller(p_job_id uuid, p_user_id uuid)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user_id constant uuid := private.acting_user(p_user_id);
begin
  -- The service may leave the user out; a user never sees, and never cancels, another's job.
  if not exists (
    select from public.job_queue
    where id = p_job_id and (user_id = v_user_id or v_user_id is null)
  ) then
    perform private.raise_error('JOB_NOT_FOUND');
  end if;
  return private.cancel_job_tree(p_job_id);
end;
$$;
comment on function private.cancel_job_as_caller(uuid, uuid) is
  'Body of cancel_job(). Lends the right to change the queue, after checking whose job it is.';

-- Every statement that waits for several jobs locks them in id order, so that no two of them can deadlock.
create function private.cancel_job_tree(p_job_id uuid, p_error_code text default null)
returns boolean
language plpgsql volatile set search_path = ''
as $$
declare
  v_tree constant uuid[] := array(select id from private.job_tree(p_job_id));
  v_active constant uuid[] := array(
    select job.id
    from public.job_queue as job
    where job.id = any(v_tree) and job.completed_at is null
    order by job.id
    for update
  );
begin
  perform private.cancel_locked_jobs(v_active, p_error_code);
  -- Children created by an attempt this had to wait for.
  perform private.cancel_descendants(p_job_id, p_error_code);
  return p_job_id = any(v_active);
end;
$$;
comment on function private.cancel_job_tree(uuid, text) is
  'Cancels a job and its descendants; true when the job itself was still active.';

create function private.cancel_descendants(p_job_id uuid, p_error_code text default null)
returns int
language plpgsql volatile set search_path = ''
as $$
declare
  v_tree constant uuid[] := array(select id from private.job_tree(p_job_id) where id <> p_job_id);
  v_active constant uuid[] := array(
    select job.id
    from public.job_queue as job
    where job.id = any(v_tree) and job.completed_at is null
    order by job.id
    for update skip locked
  );
begin
  if v_active <> '{}' then
    perform private.cancel_locked_jobs(v_active, p_error_code);
  end if;
  return cardinality(v_active);
end;
$$;
comment on function private.cancel_descendants(uuid, text) is
  'Cancels what a job has left behind, except what somebody holds this moment: the sweep looks again. Waits for nobody.';

create function private.job_tree(p_job_id uuid)
returns table (id uuid)
language sql volatile set search_path = ''
-- Children are looked up by the index, one parent after the other: a queue that was empty when it was last
-- analyzed would tempt the planner to read all of it for each.
set enable_seqscan = off
as $$
  with recursive tree as (
    select job.id from public.job_queue as job where job.id = p_job_id
    union all
    select child.id
    from tree
    cross join lateral (
      select job.id from public.job_queue as job where job.parent_job_id = tree.id offset 0
    ) as child
  )
  select tree.id from tree;
$$;
comment on function private.job_tree(uuid) is 'A job and all its descendants, active or ended.';

create function private.cancel_locked_jobs(p_job_ids uuid[], p_error_code text)
returns void
language sql volatile set search_path = ''
as $$
  update public.job_queue as job
  set status = 'cancelled',
    held_by = null,
    cancel_requested_at = coalesce(job.cancel_requested_at, now()),
    error_code = coalesce(p_error_code, job.error_code),
    error_message = coalesce(
      (select message from private.error_code where code = p_error_code), job.error_message),
    completed_at = now(),
    fencing_token = job.fencing_token + 1,
    -- Or a classic worker, which names no token, could still write the log.
    is_classic = false,
    lease_expires_at = null,
    -- Of two transactions the one that began first may come second: its now() is before the claim's.
    runtime_seconds = job.runtime_seconds
      + greatest(0, extract(epoch from now() - job.slice_started_at)),
    slice_started_at = null,
    seq = job.seq + 1,
    updated_at = now()
  where job.id = any(p_job_ids);
$$;
comment on function private.cancel_locked_jobs(uuid[], text) is
  'Cancels active jobs that the caller has locked.';

revoke all on function
  private.cancel_job_as_caller(uuid, uuid),
  private.cancel_job_tree(uuid, text),
  private.cancel_descendants(uuid, text),
  private.job_tree(uuid),
  private.cancel_locked_jobs(uuid[], text)
from public, anon, authenticated, service_role;
grant execute on function private.cancel_job_as_caller(uuid, uuid) to authenticated, service_role;

create function public.cancel_job(p_job_id uuid, p_user_id uuid default null)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.cancel_job_as_caller(p_job_id, p_user_id);
$$;
comment on function public.cancel_job(uuid, uuid) is
  'Cancels the caller''s job; false when it had already ended, JOB_NOT_FOUND when it is not theirs.';
revoke all on function public.cancel_job(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function public.cancel_job(uuid, uuid) to authenticated, service_role;

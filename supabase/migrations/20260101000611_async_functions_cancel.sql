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

create function private.cancel_job_tree(p_job_id uuid)
returns boolean
language sql volatile set search_path = ''
as $$
  with recursive tree as (
    select id from public.job_queue where id = p_job_id
    union
    select child.id
    from tree join public.job_queue as child on child.parent_job_id = tree.id
  ),
  active as (
    -- In id order, as every statement that locks several jobs: no two of them can deadlock.
    select job.id
    from public.job_queue as job
    where job.id in (select id from tree) and job.completed_at is null
    order by job.id
    for update
  ),
  cancelled as (
    update public.job_queue as job
    set status = 'cancelled',
      cancel_requested_at = coalesce(job.cancel_requested_at, now()),
      completed_at = now(),
      fencing_token = job.fencing_token + 1,
      -- Or a classic worker, which names no token, could still write the log.
      is_classic = false,
      lease_expires_at = null,
      runtime_seconds = job.runtime_seconds
        + coalesce(extract(epoch from now() - job.slice_started_at), 0),
      slice_started_at = null,
      seq = job.seq + 1,
      updated_at = now()
    where job.id in (select id from active)
    returning job.id
  )
  select exists (select from cancelled where id = p_job_id);
$$;
comment on function private.cancel_job_tree(uuid) is
  'Cancels a job and its descendants; true when the job itself was still active.';

revoke all on function private.cancel_job_as_caller(uuid, uuid), private.cancel_job_tree(uuid)
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

-- Pauses: a job type or a user waits until an operator says otherwise. What runs goes on, and what waits
-- still expires; nothing new is started. A paused type is not looked at by the claim at all. The jobs of a
-- paused user leave their lanes, so that no claim walks over them; what comes later, or was locked at the
-- moment, is left out by the claim and put aside by it or by the tick.

create function private.set_job_type_paused(p_job_type text, p_is_paused boolean)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_was_paused boolean;
begin
  select is_paused into v_was_paused from public.job_type where name = p_job_type for no key update;
  if not found then
    perform private.raise_error('UNKNOWN_JOB_TYPE', jsonb_build_object('job_type', p_job_type));
  end if;
  if v_was_paused = p_is_paused then
    return false;
  end if;
  update public.job_type set is_paused = p_is_paused where name = p_job_type;
  -- What has waited should not wait for the next tick, too.
  if not p_is_paused and private.oldest_due_at() is not null then
    perform private.ring_doorbell();
  end if;
  return true;
end;
$$;
comment on function private.set_job_type_paused(text, boolean) is
  'Body of pause_job_type() and resume_job_type(); false when it was so already. Lends the right to ring the doorbell.';

create function private.pause_user_jobs(p_user_id uuid, p_reason text)
returns table (user_id uuid, outcome text, held int, running int)
language plpgsql volatile security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_is_new boolean;
  v_active uuid[];
  v_held int;
begin
  perform from public.users where id = p_user_id for key share;
  if not found then
    perform private.raise_error('NOT_FOUND', jsonb_build_object('user_id', p_user_id));
  end if;

  insert into private.job_pause as pause (user_id, reason) values (p_user_id, p_reason)
  on conflict (user_id) do update set reason = coalesce(excluded.reason, pause.reason)
  returning xmax = 0 into v_is_new;

  -- Down from the active top-level jobs: however many a user has finished, none of those is looked at.
  v_active := private.active_jobs(p_user_id);
  v_active := array(
    with recursive tree as (
      select job.id
      from public.job_queue as job
      where job.id = any(v_active) and job.completed_at is null
      union all
      select child.id
      from tree
      join public.job_queue as child on child.parent_job_id = tree.id and child.completed_at is null
    )
    select id from tree
  );
  -- What a worker has already is running.
  perform private.write_starts(array(
    select lease_id from private.job_lease where started_at is not null and job_ids && v_active));
  with waiting as (
    select job.row_id
    from (
      -- Entry first, as a claim, which is left what it is starting.
      select job_id from private.job_waiting where job_id = any(v_active) for update skip locked
    ) as entry
    cross join lateral (
      select job.ctid as row_id
      from public.job_queue as job
      where job.id = entry.job_id and job.status = 'pending' and coalesce(job.held_by, 'user_cap') = 'user_cap'
      for update skip locked
    ) as job
  )
  update public.job_queue as job
  set turn = null, held_by = 'user_pause'
  where job.ctid = any(array(select row_id from waiting));
  get diagnostics v_held = row_count;

  return query
  select p_user_id, case when v_is_new then 'paused' else 'was_paused' end, v_held, (
    select count(*)::int from public.job_queue where id = any(v_active) and status = 'processing');
end;
$$;
comment on function private.pause_user_jobs(uuid, text) is
  'Body of pause_user_jobs(). Lends the right to keep pauses and to hold jobs.';

create function private.resume_user_jobs(p_user_id uuid)
returns table (user_id uuid, outcome text, released int)
language plpgsql volatile security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_was_paused boolean;
  v_released int;
begin
  -- Or whoever deletes them could have the jobs, and wait for the pause.
  perform from public.users where id = p_user_id for key share;
  -- Waits for a claim that is putting jobs of this user aside; what it holds is found below.
  delete from private.job_pause where user_id = p_user_id;
  v_was_paused := found;

  with held as (
    select id
    from public.job_queue
    where id = any(array(
        select job_id
        from private.job_waiting
        where held_by = 'user_pause' and user_id = p_user_id
          -- The index is in the order of types.
          and job_type = any(array(select name from public.job_type))))
      and held_by = 'user_pause'
    order by id
    for update
  )
  update public.job_queue as job
  set held_by = null
  where job.id = any(array(select id from held));
  get diagnostics v_released = row_count;

  -- Lined up at once, in turns with everybody else; a crowd in several passes, by whoever claims.
  if private.promote_due_jobs() > 0 then
    perform private.ring_doorbell();
  end if;
  return query
  select p_user_id, case when v_was_paused then 'resumed' else 'was_not_paused' end, v_released;
end;
$$;
comment on function private.resume_user_jobs(uuid) is
  'Body of resume_user_jobs(). Lends the right to keep pauses, to release jobs and to ring the doorbell.';

revoke all on function
  private.set_job_type_paused(text, boolean),
  private.pause_user_jobs(uuid, text),
  private.resume_user_jobs(uuid)
from public, anon, authenticated, service_role;
grant execute on function
  private.set_job_type_paused(text, boolean),
  private.pause_user_jobs(uuid, text),
  private.resume_user_jobs(uuid)
to service_role;

create function public.pause_job_type(p_job_type text)
returns table (job_type text, outcome text)
language sql volatile set search_path = ''
as $$
  select p_job_type,
    case when private.set_job_type_paused(p_job_type, true) then 'paused' else 'was_paused' end;
$$;
comment on function public.pause_job_type(text) is
  'Service only. Starts no job of this type until it is resumed: paused, or was_paused.';

create function public.resume_job_type(p_job_type text)
returns table (job_type text, outcome text)
language sql volatile set search_path = ''
as $$
  select p_job_type,
    case when private.set_job_type_paused(p_job_type, false) then 'resumed' else 'was_not_paused' end;
$$;
comment on function public.resume_job_type(text) is
  'Service only. Goes on with a paused type, and wakes who can run it: resumed, or was_not_paused.';

create function public.pause_user_jobs(p_user_id uuid, p_reason text default null)
returns table (user_id uuid, outcome text, held int, running int)
language sql volatile set search_path = ''
as $$
  select * from private.pause_user_jobs(p_user_id, p_reason);
$$;
comment on function public.pause_user_jobs(uuid, text) is
  'Service only. Starts no job of this user until resumed (paused, or was_paused); says how many it put aside and how many run on.';

create function public.resume_user_jobs(p_user_id uuid)
returns table (user_id uuid, outcome text, released int)
language sql volatile set search_path = ''
as $$
  select * from private.resume_user_jobs(p_user_id);
$$;
comment on function public.resume_user_jobs(uuid) is
  'Service only. Goes on with a paused user''s jobs: resumed, or was_not_paused; says how many it released.';

revoke all on function
  public.pause_job_type(text),
  public.resume_job_type(text),
  public.pause_user_jobs(uuid, text),
  public.resume_user_jobs(uuid)
from public, anon, authenticated, service_role;
grant execute on function
  public.pause_job_type(text),
  public.resume_job_type(text),
  public.pause_user_jobs(uuid, text),
  public.resume_user_jobs(uuid)
to service_role;

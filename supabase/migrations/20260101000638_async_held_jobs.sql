-- What a claim has not written (async_deferred_starts.sql), and a bundle does not say, has to be written at some
-- time, and somebody may hold one of those jobs just then: who deletes an account holds its jobs until everything
-- else of it has gone. One lease and one bundle stand for jobs of many users, and nobody waits for a job that is not
-- his own: what somebody holds stays as it is, and the rest is written. So it is, too, where a worker settles several
-- jobs in one call (complete_free(), fail_free(), yield_free()): it is told which to ask about again.

create function private.leave_starts(p_lease_id bigint, p_started uuid[])
returns uuid[]
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
declare
  v_left record;
begin
  select array_agg(held.job_id) as job_ids, array_agg(held.user_id) as user_ids into v_left
  from private.job_lease as lease
  cross join lateral unnest(lease.job_ids, lease.user_ids) as held (job_id, user_id)
  join public.job_queue as job on job.id = held.job_id and job.status = 'pending' and job.fencing_token = 0
  where lease.lease_id = p_lease_id;
  if p_started is not null and v_left.job_ids is not null then
    update private.job_lease
    set job_ids = v_left.job_ids, unsettled = cardinality(v_left.job_ids),
      user_ids = case when user_ids is not null then v_left.user_ids end
    where lease_id = p_lease_id;
  end if;
  return v_left.job_ids;
end;
$$;
comment on function private.leave_starts(bigint, uuid[]) is
  'Leaves to a lease, of whose jobs these are started now, the others whose start is not written; returns those.';

create function private.try_to_write_starts(p_lease_ids bigint[])
returns boolean
language plpgsql volatile set search_path = ''
-- Hardly ever does anybody hold one, so nobody asks before.
set lock_timeout = '50ms'
as $$
begin
  perform private.write_starts(p_lease_ids);
  return true;
exception when lock_not_available then
  return false;
end;
$$;
comment on function private.try_to_write_starts(bigint[]) is
  'As write_starts(); false, and nothing done, when somebody holds one of the jobs or leases for long.';

create function private.write_free_starts(p_lease_ids bigint[])
returns bigint[]
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
declare
  v_lease_ids bigint[];
  v_job_ids uuid[];
begin
  if private.try_to_write_starts(p_lease_ids) then
    return '{}';
  end if;
  v_lease_ids := array(
    select lease_id from private.job_lease
    where lease_id = any(p_lease_ids) and started_at is not null
    order by lease_id
    for update skip locked);
  v_job_ids := array(select unnest(job_ids) from private.job_lease where lease_id = any(v_lease_ids));
  v_job_ids := array(
    select id from public.job_queue
    where id = any(v_job_ids) and status = 'pending' and fencing_token = 0
    order by id
    for update skip locked);
  perform private.write_starts(v_lease_ids, v_job_ids);
  return array(
    select lease_id from private.job_lease where lease_id = any(p_lease_ids) and started_at is not null);
end;
$$;
comment on function private.write_free_starts(bigint[]) is
  'As write_starts(), but leaves what somebody holds as it is, and returns the leases of that.';

create function private.wait_for_holder(p_job_id uuid)
returns void
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
begin
  perform from public.job_queue where id = p_job_id for update;
  -- It was for the wait, and is undone at once.
  perform private.raise_error('CONFLICT');
exception when sqlstate 'PT409' then
  return;
end;
$$;
comment on function private.wait_for_holder(uuid) is 'Waits until nobody holds this job, and takes nothing.';

create function private.write_start(p_job_id uuid, p_fencing_token bigint)
returns void
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
begin
  -- A statement each time, since one sees nothing of what it does.
  perform from public.job_queue where id = p_job_id and status = 'pending' and fencing_token = 0;
  if not found or private.try_to_write_starts(array[p_fencing_token - 1000000000000]) then
    return;
  end if;
  -- Before anything is taken: who has to wait for his own job holds none of the others meanwhile.
  perform private.wait_for_holder(p_job_id);
  perform private.write_free_starts(array[p_fencing_token - 1000000000000]);
  perform from public.job_queue where id = p_job_id and status = 'pending' and fencing_token = 0;
  if found then
    perform private.write_starts(array[p_fencing_token - 1000000000000]);
  end if;
end;
$$;
comment on function private.write_start(uuid, bigint) is
  'Writes the start of this job, and those of its lease; waits only for whoever holds this one.';

create function private.write_starts_of(p_jobs jsonb)
returns void
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
declare
  v_held bigint[] := array(
    select distinct (job ->> 'fencing_token')::bigint - 1000000000000
    from jsonb_array_elements(p_jobs) as job
    where (job ->> 'fencing_token')::bigint >= 1000000000000);
begin
  v_held := array(select lease_id from private.job_lease where lease_id = any(v_held) and started_at is not null);
  if v_held <> '{}' then
    v_held := private.write_free_starts(v_held);
  end if;
  if v_held <> '{}' then
    perform private.write_starts(array(
      select distinct asked.fencing_token - 1000000000000
      from jsonb_to_recordset(p_jobs) as asked (job_id uuid, fencing_token bigint)
      join public.job_queue as job on job.id = asked.job_id and job.status = 'pending' and job.fencing_token = 0
      where asked.fencing_token - 1000000000000 = any(v_held)
        and job.id = any(array(select (job ->> 'job_id')::uuid from jsonb_array_elements(p_jobs) as job))));
  end if;
end;
$$;
comment on function private.write_starts_of(jsonb) is
  'As write_start(), for the jobs of a call: [{job_id, fencing_token, …}].';

create function private.hold_free(p_job_ids uuid[], p_fencing_tokens bigint[])
returns uuid[]
language plpgsql volatile security definer set search_path = ''
set enable_seqscan = off
as $$
declare
  v_named constant bigint[] := array(
    select distinct token - 1000000000000 from unnest(p_fencing_tokens) as token where token >= 1000000000000);
  v_leases constant bigint[] := array(
    select lease_id from private.job_lease
    where lease_id = any(v_named) and started_at is not null
    order by lease_id
    for update skip locked);
  v_jobs constant uuid[] := array(
    select id from public.job_queue where id = any(p_job_ids) order by id for no key update skip locked);
  v_busy constant bigint[] := array(
    select lease_id from private.job_lease
    where lease_id = any(v_named) and started_at is not null and lease_id <> all(v_leases));
begin
  return array(
    select given.job_id
    from rows from (unnest(p_job_ids), unnest(p_fencing_tokens)) as given (job_id, fencing_token)
    join public.job_queue as job on job.id = given.job_id
    where job.completed_at is null and (
      job.id not in (select unnest(v_jobs)) or given.fencing_token - 1000000000000 = any(v_busy)));
end;
$$;
comment on function private.hold_free(uuid[], bigint[]) is
  'Holds those of these attempts that nobody else holds, and the leases that stand for them; returns the others. Lends the right to lock them.';

create function private.write_or_extend_starts(p_lease_ids bigint[], p_leases jsonb)
returns void
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
declare
  v_held constant bigint[] := private.write_free_starts(p_lease_ids);
begin
  if v_held = '{}' then
    return;
  end if;
  update private.job_lease as lease
  set check_at = clock_timestamp() + type.lease
  from public.job_type as type
  where type.name = lease.job_type and lease.lease_id = any(array(
    select lease_id from private.job_lease
    where lease_id = any(v_held)
      and p_leases @> jsonb_build_array(jsonb_build_object('fencing_token', 1000000000000 + lease_id))
    -- What is being settled this moment is left alone.
    for update skip locked));
end;
$$;
comment on function private.write_or_extend_starts(bigint[], jsonb) is
  'For a heartbeat: writes these starts; where somebody holds a job, the worker that names its lease has it for as long again.';

create function private.write_lost_starts(p_lease_ids bigint[])
returns bigint[]
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
declare
  v_held bigint[];
begin
  if not exists (select from private.job_lease where lease_id = any(p_lease_ids) and started_at is not null) then
    return p_lease_ids;
  end if;
  v_held := private.write_free_starts(p_lease_ids);
  if v_held = '{}' then
    return p_lease_ids;
  end if;
  update private.job_lease set check_at = now() + interval '5 seconds' where lease_id = any(v_held);
  return array(select unnest(p_lease_ids) except select unnest(v_held));
end;
$$;
comment on function private.write_lost_starts(bigint[]) is
  'For a recovery that has locked these leases: writes their starts, and returns all whose jobs nobody holds; the others are looked at again.';

revoke all on function
  private.leave_starts(bigint, uuid[]),
  private.try_to_write_starts(bigint[]),
  private.write_free_starts(bigint[]),
  private.wait_for_holder(uuid),
  private.write_start(uuid, bigint),
  private.write_starts_of(jsonb),
  private.hold_free(uuid[], bigint[]),
  private.write_or_extend_starts(bigint[], jsonb),
  private.write_lost_starts(bigint[])
from public, anon, authenticated, service_role;
grant execute on function private.hold_free(uuid[], bigint[]) to service_role;

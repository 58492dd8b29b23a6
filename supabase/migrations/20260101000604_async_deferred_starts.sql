-- A start that nobody has asked about is not written. Most jobs end a moment after they began, and what their
-- rows would have said meanwhile nobody has read. So a claim that may defer (take_jobs()) only writes down in
-- job_lease what it has started, and one update takes each job from pending to completed. Who needs to know
-- more, such as a heartbeat, progress, a failure, a lost lease or a first limit of the type, calls
-- private.write_starts() first: from then on the rows are those of an ordinary claim, and owners are told. So does
-- a log line of what has run for a while; what is younger is left to its lease (private.insert_job_logs()).
--
-- What keeps such a job from being started twice is that a job without a parent that is pending and has the
-- fencing token 0 stands in one place only: an entry of job_waiting, a bundle, or the lease of a deferred start.
-- Everything that makes a job pending again has moved its token on before. The token of a deferred start is the
-- number of its lease, beyond all that counting attempts could reach.

create function private.write_starts(p_lease_ids bigint[], p_job_ids uuid[] default null)
returns void
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  v_lease record;
  v_started uuid[];
  v_left uuid[];
  v_said text;
begin
  for v_lease in
    select lease_id, job_type, worker_id, check_at, started_at, job_ids, user_ids
    from private.job_lease
    where lease_id = any(p_lease_ids) and started_at is not null
    order by lease_id
    for update
  loop
    with started as (
      update public.job_queue as job
      set status = 'processing',
        worker_id = v_lease.worker_id,
        fencing_token = 1000000000000 + v_lease.lease_id,
        is_classic = false,
        lease_expires_at = v_lease.check_at,
        started_at = v_lease.started_at,
        slice_started_at = v_lease.started_at,
        -- Somebody may be holding what he found pending.
        held_by = null,
        seq = job.seq + 1,
        updated_at = now()
      where job.id = any(v_lease.job_ids) and job.status = 'pending' and job.fencing_token = 0
        and (p_job_ids is null or job.id = any(p_job_ids))
      returning job.id, job.job_type, job.user_id is not null as has_owner
    ),
    counted as (
      insert into private.job_count_change (job_type, status, change)
      select of_type.job_type, side.status, of_type.jobs * side.sign
      from (select job_type, count(*)::int as jobs from started group by job_type) as of_type,
        (values ('pending', -1), ('processing', 1)) as side (status, sign)
    )
    select array_agg(id),
      set_config('job_engine.update', case when bool_or(has_owner) then 'claimed, of users' else 'claimed' end, true)
    into v_started, v_said
    from started;
    v_said := set_config('job_engine.update', '', true);
    if p_job_ids is not null then
      v_left := private.leave_starts(v_lease.lease_id, v_started);
    end if;
    if v_left <> '{}' then
      -- Under the same token, which those keep that are left.
      insert into private.job_lease (job_type, worker_id, check_at, job_ids)
      select v_lease.job_type, v_lease.worker_id, v_lease.check_at, v_started where v_started is not null;
    elsif v_started is null then
      delete from private.job_lease where lease_id = v_lease.lease_id;
    else
      update private.job_lease
      set started_at = null, unsettled = null, user_ids = null, job_ids = v_started
      where lease_id = v_lease.lease_id;
    end if;
  end loop;
end;
$$;
comment on function private.write_starts(bigint[], uuid[]) is
  'Writes the starts of these leases to the rows of their jobs, where a deferred claim has left that out; p_job_ids: of no others. Waits for whoever holds one: see async_held_jobs.sql.';

create function private.complete_deferred(p_lease_id bigint, p_job_ids uuid[], p_results jsonb default null)
returns uuid[]
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_nestloop = off set enable_hashjoin = off set jit = off
as $$
declare
  v_lease record;
  v_job_ids uuid[];
  v_is_kept boolean := false;
  v_completed uuid[];
  v_said text;
begin
  -- As a rule all of a lease end together, and it with them.
  delete from private.job_lease
  where lease_id = p_lease_id and started_at is not null and job_ids = p_job_ids
  returning worker_id, started_at into v_lease;
  if found then
    v_job_ids := p_job_ids;
  else
    select worker_id, started_at, job_ids, unsettled into v_lease
    from private.job_lease
    where lease_id = p_lease_id and started_at is not null
    for update;
    if not found then
      return '{}';
    end if;
    v_is_kept := true;
    v_job_ids := array(select unnest(p_job_ids) intersect select unnest(v_lease.job_ids));
  end if;

  if p_results is null then
    with completed as (
      update public.job_queue as job
      set status = 'completed',
        progress_percent = 100,
        worker_id = v_lease.worker_id,
        fencing_token = 1000000000000 + p_lease_id,
        started_at = v_lease.started_at,
        completed_at = now(),
        -- The clock may have been set back since.
        runtime_seconds = greatest(0, date_part('epoch', now() - v_lease.started_at)),
        -- It began, and it ended. An owner is told of both in one.
        seq = job.seq + case when job.user_id is null then 2 else 1 end,
        updated_at = now()
      where job.id = any(v_job_ids) and job.status = 'pending' and job.fencing_token = 0
      returning job.id, job.job_type, job.user_id is not null as has_owner
    ),
    counted as (
      insert into private.job_count_change (job_type, status, change)
      select of_type.job_type, side.status, of_type.jobs * side.sign
      from (select job_type, count(*)::int as jobs from completed group by job_type) as of_type,
        (values ('pending', -1), ('completed', 1)) as side (status, sign)
    )
    select array_agg(id), set_config(
      'job_engine.update', case when bool_or(has_owner) then 'completed unseen, of users' else 'completed' end, true)
    into v_completed, v_said
    from completed;
  else
    with completed as (
      update public.job_queue as job
      set status = 'completed',
        progress_percent = 100,
        result = nullif(given.result, 'null'),
        worker_id = v_lease.worker_id,
        fencing_token = 1000000000000 + p_lease_id,
        started_at = v_lease.started_at,
        completed_at = now(),
        runtime_seconds = greatest(0, date_part('epoch', now() - v_lease.started_at)),
        seq = job.seq + case when job.user_id is null then 2 else 1 end,
        updated_at = now()
      from (
        select job_id, result
        from rows from (unnest(p_job_ids), jsonb_array_elements(p_results)) as given (job_id, result)
        order by job_id
      ) as given
      where job.id = any(v_job_ids) and job.status = 'pending' and job.fencing_token = 0 and job.id = given.job_id
      returning job.id, job.job_type, job.user_id is not null as has_owner
    ),
    counted as (
      insert into private.job_count_change (job_type, status, change)
      select of_type.job_type, side.status, of_type.jobs * side.sign
      from (select job_type, count(*)::int as jobs from completed group by job_type) as of_type,
        (values ('pending', -1), ('completed', 1)) as side (status, sign)
    )
    select array_agg(id), set_config(
      'job_engine.update', case when bool_or(has_owner) then 'completed unseen, of users' else 'completed' end, true)
    into v_completed, v_said
    from completed;
  end if;
  v_said := set_config('job_engine.update', '', true);

  if not v_is_kept then
    return coalesce(v_completed, '{}');
  elsif cardinality(v_completed) = v_lease.unsettled then
    delete from private.job_lease where lease_id = p_lease_id;
  else
    update private.job_lease
    set unsettled = v_lease.unsettled - coalesce(cardinality(v_completed), 0)
    where lease_id = p_lease_id;
  end if;
  return coalesce(v_completed, '{}');
end;
$$;
comment on function private.complete_deferred(bigint, uuid[], jsonb) is
  'Completes jobs whose start is not written, each with its place in an array of results unless all are null, as far as they belong to this lease and nobody has ended them; returns which.';

create function private.complete_unwritten(p_job_ids uuid[], p_fencing_tokens bigint[], p_results jsonb)
returns uuid[]
language plpgsql volatile set search_path = ''
as $$
declare
  v_completed uuid[] := '{}';
  v_lease record;
begin
  for v_lease in
    select given.fencing_token - 1000000000000 as lease_id, array_agg(given.job_id order by given.job_id) as job_ids,
      case when p_results is not null then jsonb_agg(given.result order by given.job_id) end as results
    from rows from (unnest(p_job_ids), unnest(p_fencing_tokens), jsonb_array_elements(p_results))
      as given (job_id, fencing_token, result)
    where given.fencing_token >= 1000000000000
    group by given.fencing_token
    order by given.fencing_token
  loop
    v_completed := v_completed || private.complete_deferred(v_lease.lease_id, v_lease.job_ids, v_lease.results);
  end loop;
  return v_completed;
end;
$$;
comment on function private.complete_unwritten(uuid[], bigint[], jsonb) is
  'Completes those of these attempts whose start is not written, lease by lease; returns which.';

create function private.has_unwritten()
returns boolean
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
begin
  return exists (select from private.job_bundle)
    or exists (select from private.job_lease where started_at is not null);
end;
$$;
comment on function private.has_unwritten() is 'Whether there is any bundle or deferred start.';

revoke all on function
  private.write_starts(bigint[], uuid[]),
  private.complete_deferred(bigint, uuid[], jsonb),
  private.complete_unwritten(uuid[], bigint[], jsonb),
  private.has_unwritten()
from public, anon, authenticated, service_role;

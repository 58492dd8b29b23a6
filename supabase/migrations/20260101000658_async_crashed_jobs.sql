-- How a worker takes jobs that have crashed: see async_last_chance.sql.

create function private.company(p_concurrency int, p_crash_streak int, p_max_crashes int)
returns int
language sql immutable set search_path = ''
as $$
  select case
    when p_crash_streak + 1 >= p_max_crashes then 1
    else ceil(p_concurrency ^ (1 - p_crash_streak::double precision / (p_max_crashes - 1)) - 0.001)::int
  end;
$$;
comment on function private.company(int, int, int) is
  'Among how many jobs, itself counted, one that has crashed p_crash_streak times in a row may run, where p_concurrency run at once: the same part of all, on a scale of powers, after each crash, and alone at its last chance.';

create function private.take_crashed_jobs(
  p_worker_id text, p_concurrency int, p_job_types text[], p_running int default 0, p_company int default null
)
returns table (
  id uuid, user_id uuid, job_type text, params jsonb, checkpoint jsonb, progress_percent smallint,
  retry_count int, max_retries int, crash_count int, parent_job_id uuid, fencing_token bigint, lease_ms int, company int
)
language plpgsql volatile security definer rows 10 set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
#variable_conflict use_column
declare
  v_concurrency constant int := least(greatest(coalesce(p_concurrency, 1), 1), 1000);
  v_open private.open_job_type[];
  v_by_age boolean;
  v_next record;
  v_running constant int := greatest(coalesce(p_running, 0), 0);
  v_most int := least(v_concurrency, coalesce(p_company, v_concurrency));
  v_company int;
  v_held_by text;
  v_ids uuid[] := '{}';
  v_types text[] := '{}';
  v_owners uuid[] := '{}';
begin
  if coalesce(p_worker_id, '') = '' then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_worker_id'));
  elsif not exists (select from private.job_waiting where held_by = 'crash') then
    return;
  end if;

  -- As private.open_job_types() does with p_lock, which asks whether anything stands in a lane.
  v_types := array(
    select type.name
    from public.job_type as type
    where type.name = any(coalesce(p_job_types, array[type.name]))
      and (
        select true from private.job_waiting as waiting
        where waiting.held_by = 'crash' and waiting.job_type = type.name
        limit 1)
      and case
        when coalesce(type.max_concurrency, type.max_per_user, type.rate_limit) is null then true
        else pg_try_advisory_xact_lock(private.job_type_lock(type.name))
      end);
  v_open := array(
    select open_type from private.open_job_types(v_concurrency, v_types) as open_type);
  v_types := '{}';
  v_by_age := random() < (select ageing_share from private.job_setting);

  for v_next in
    select head.job_id, head.job_type, head.user_id, open_type.slots, open_type.is_limited,
      open_type.max_per_user - (
        select count(*) from private.job_running as running
        where open_type.max_per_user is not null
          and running.job_type = head.job_type and running.user_id = head.user_id) as room,
      private.company(v_concurrency, head.crash_streak, (
        select max_crashes from public.job_type where name = head.job_type)) as company
    from (
      select crashed.*, (select crash_streak from public.job_queue where id = crashed.job_id) as crash_streak
      from private.crashed_heads(v_open, 2 * v_concurrency + 50) as crashed
      offset 0
    ) as head
    join unnest(v_open) as open_type on open_type.name = head.job_type
    order by case when not v_by_age then head.job_priority end, head.scheduled_for, company, head.place
  loop
    v_company := least(v_most, v_next.company);
    continue when v_running + cardinality(v_ids) >= v_company;
    continue when v_next.is_limited and (
      cardinality(array_positions(v_types, v_next.job_type)) >= v_next.slots
      or (
        select count(*) from unnest(v_types, v_owners) as taken (job_type, user_id)
        where taken.job_type = v_next.job_type and taken.user_id = v_next.user_id
      ) >= v_next.room);
    -- Entry first, as a claim. What somebody has is left to him.
    select held_by into v_held_by from private.job_waiting where job_id = v_next.job_id for update skip locked;
    continue when v_held_by is distinct from 'crash';
    perform from public.job_queue
    where id = v_next.job_id and status = 'pending' and turn is not null
    for update skip locked;
    continue when not found;
    v_ids := v_ids || v_next.job_id;
    v_types := v_types || v_next.job_type;
    v_owners := v_owners || v_next.user_id;
    v_most := v_company;
    exit when v_running + cardinality(v_ids) >= v_most;
  end loop;
  if v_ids = '{}' then
    return;
  end if;

  return query
  -- No join, which would tempt the planner to go by the type.
  update public.job_queue as job
  set status = 'processing',
    worker_id = p_worker_id,
    fencing_token = job.fencing_token + 1,
    is_classic = false,
    lease_expires_at = clock_timestamp() + (select lease from public.job_type where name = job.job_type),
    started_at = coalesce(job.started_at, now()),
    slice_started_at = now(),
    seq = job.seq + 1,
    updated_at = now()
  where job.id = any(v_ids)
  returning job.id, job.user_id, job.job_type, job.params, job.checkpoint, job.progress_percent, job.retry_count,
    job.max_retries, job.crash_count, job.parent_job_id, job.fencing_token, (
      select date_part('epoch', lease) * 1000 from public.job_type where name = job.job_type)::int, v_most;
  perform private.charge_rates(v_types);
end;
$$;
comment on function private.take_crashed_jobs(text, int, text[], int, int) is
  'What a worker that could run p_concurrency jobs at once is to run next and apart from all others: jobs that have crashed, as many together as each may have company; none when none is due. It runs nothing else, or p_running of these already, none of which may run among more than p_company; company is what then holds for all. Lends the right to change the queue.';

create function private.unheard_jobs(p_worker_id text, p_job_ids uuid[], p_fencing_tokens bigint[])
returns table (job_id uuid, fencing_token bigint)
language plpgsql volatile security definer set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  return query
  select claimed.job_id, claimed.fencing_token
  from (
    select lease.job_id,
      case
        when job.status = 'processing' and job.worker_id = p_worker_id then job.fencing_token
        when job.status = 'pending' and job.fencing_token = 0 then lease.unwritten
      end as fencing_token
    from (
      select unnest(job_ids) as job_id, case when started_at is not null then 1000000000000 + lease_id end as unwritten
      from private.job_lease
      -- What was handed over is heard of in its own way.
      where worker_id = p_worker_id and not is_handed_over
    ) as lease
    -- Fenced off: planned on a young table, this would read all of it.
    cross join lateral (
      select own.status, own.worker_id, own.fencing_token from public.job_queue as own where own.id = lease.job_id offset 0
    ) as job
  ) as claimed
  where claimed.fencing_token is not null and not exists (
    select from rows from (unnest(p_job_ids), unnest(p_fencing_tokens)) as known (job_id, fencing_token)
    where known.job_id = claimed.job_id and known.fencing_token = claimed.fencing_token);
end;
$$;
comment on function private.unheard_jobs(text, uuid[], bigint[]) is
  'Attempts that were given to a worker which does not name them: the answer to a claim was lost, and to give them back spares them a crash. Lends the right to read leases.';

revoke all on function
  private.company(int, int, int),
  private.take_crashed_jobs(text, int, text[], int, int),
  private.unheard_jobs(text, uuid[], bigint[])
from public, anon, authenticated, service_role;
grant execute on function
  private.take_crashed_jobs(text, int, text[], int, int),
  private.unheard_jobs(text, uuid[], bigint[])
to service_role;

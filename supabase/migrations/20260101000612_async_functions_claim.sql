-- How a worker comes by jobs. A claim first puts the queue right (lost leases, expired and newly due
-- jobs), looks which lanes have work, asks which types are open, and takes the next jobs: by priority,
-- then taking turns between users, then first come first served; and a share of its jobs from lanes that
-- strict priority has kept waiting for too long. What it looks at are the slim rows of job_waiting; the
-- jobs themselves are only touched once they are chosen.

-- What a claim has locked: entries of job_waiting and the jobs they stand for, column by column.
create type private.picked_jobs as (
  job_type text,
  lease interval,
  max_runtime interval,
  is_limited boolean,
  entries tid[],
  rows tid[],
  ids uuid[],
  last_turn bigint,
  has_owner boolean,
  worked double precision
);
comment on type private.picked_jobs is
  'Jobs of one type that a claim has locked; last_turn: the highest; worked: the longest any has run before, in seconds.';

create function private.take_jobs(
  p_worker_id text, p_batch_size int, p_job_types text[], p_may_defer boolean default false,
  p_leave_crashed boolean default false
)
returns table (
  id uuid, user_id uuid, job_type text, params jsonb, checkpoint jsonb, progress_percent smallint,
  retry_count int, max_retries int, crash_count int, parent_job_id uuid, fencing_token bigint, lease_ms int
)
language plpgsql volatile security definer rows 100 set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_hashjoin = off set enable_mergejoin = off set enable_memoize = off set jit = off
as $$
#variable_conflict use_column
declare
  v_epoch constant bigint := pg_sequence_last_value('private.job_epoch');
  v_batch_size constant int := least(greatest(coalesce(p_batch_size, 10), 1), 1000);
  v_left int := v_batch_size;
  v record;
  v_by_rules boolean;
  v_lanes private.lane_head[];
  v_lane private.lane_head;
  v_priority smallint := 0;
  v_jobs private.picked_jobs[];
  v_job private.picked_jobs;
  v_lease_end timestamptz;
  v_lease_ms int;
  v_said text;
  v_turn bigint;
  v_found int;
begin
  if coalesce(p_worker_id, '') = '' then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_worker_id'));
  end if;

  for look in 1..2 loop
    -- Everything there is to know in one look, since for a single job what costs is the statements.
    select setting.is_draining,
      -- As private.put_queue_right() asks. Locked, so that no type gets its first limit before the jobs that
      -- this claim starts are seen: see tg_job_type__count_running().
      exists (select from private.job_lease where check_at <= now() for update skip locked)
        or exists (select from private.job_waiting where expires_at <= now())
        or exists (select from private.job_bundle where expires_at <= now())
        or exists (
          select from private.job_waiting
          where turn is null and held_by is null and scheduled_for <= now()) as has_to_be_put_right,
      exists (select from private.job_waiting where held_by = 'user_cap') as is_capped,
      exists (select from private.job_bundle) as has_bundles,
      exists (select from private.job_pause) as is_paused,
      array(
        select lane from private.lane_head as lane
        where lane.job_type = any(coalesce(p_job_types, array(select name from public.job_type)))
        order by lane.job_priority) as lanes,
      -- A share of a job is a job with that probability, so that single claims keep to it, too.
      floor(v_batch_size * setting.ageing_share + random())::int as aged,
      now() - setting.ageing_after as aged_before,
      pg_current_xact_id_if_assigned() is null as has_no_number
    into v
    from private.job_setting as setting;
    exit when look = 2;
    if v.has_to_be_put_right then
      perform private.put_queue_right();
    elsif p_leave_crashed then
      exit;
    -- A query of its own: in the one above it would cost those, too, who do not ask.
    elsif not exists (select from private.job_waiting where held_by = 'crash') then
      exit;
    end if;
    if not p_leave_crashed then
      perform private.line_up_crashed_jobs(p_job_types);
    end if;
  end loop;
  v_lanes := v.lanes;
  -- Most claims of an idle worker end here.
  if v.is_draining or (v_lanes = '{}' and not v.is_capped and not v.has_bundles) then
    return;
  end if;

  v_by_rules := v.is_capped or v.is_paused
    or (v.aged > 0 and coalesce(v_lanes[1].job_priority <> v_lanes[cardinality(v_lanes)].job_priority, false))
    or (v.aged > 0 and v.has_bundles
      and private.has_other_bundles(p_job_types, v_lanes[1].job_priority));
  foreach v_lane in array v_lanes loop
    v_by_rules := v_by_rules or v_lane.is_limited;
  end loop;
  if v_by_rules then
    v_lanes := array[null::private.lane_head];
    if v.has_bundles then
      perform private.unfold_heads(p_job_types);
    end if;
  end if;

  -- Priority by priority; or once, by the rules.
  for place in 1..cardinality(v_lanes) loop
    v_lane := v_lanes[place];
    continue when v_lane.job_priority = v_priority;
    v_priority := v_lane.job_priority;
    if v.has_bundles and not v_by_rules then
      v_turn := (
        select min(lane.turn) from unnest(v_lanes) as lane where lane.job_priority = v_priority);
      return query
      select * from private.take_bundled(p_worker_id, p_job_types, v_left, v_priority, v_turn);
      get diagnostics v_found = row_count;
      v_left := v_left - v_found;
      exit when v_left <= 0;
    end if;
    -- Where more wait than this worker has room for, owners wait for the queue: they are told of the start when
    -- it is written. Where they do not, they are told at once.
    if p_may_defer and v_lane.first_of_user is not null and v_left > 1 and not v_by_rules then
      return query
      select * from private.take_unwritten(p_worker_id, v_lanes, v_priority, v_left);
      if found then
        v_left := 0;
        exit;
      end if;
    end if;
    if v_by_rules then
      v_jobs := private.lock_jobs(private.pick_by_rules(v_batch_size, p_job_types, v.aged, v.aged_before));
    elsif v_lanes[place + 1].job_priority = v_priority then
      v_jobs := private.lock_jobs(private.pick_next(v_lanes, v_priority, v_left));
    elsif v_left = 1 then
      -- As below: an aggregate costs a single job more than a second text.
      select v_lane.job_type, v_lane.lease, v_lane.max_runtime, false, array[next.entry], array[job.row_id],
        array[next.job_id], next.turn, next.user_id is not null, job.runtime_seconds
      into v_job
      from (
        select waiting.ctid as entry, waiting.job_id, waiting.user_id, waiting.turn
        from private.job_waiting as waiting
        where waiting.job_type = v_lane.job_type and waiting.job_priority = v_lane.job_priority
          and waiting.turn is not null and (waiting.turn, waiting.place) >= (v_lane.from_turn, v_lane.from_place)
          and waiting.scheduled_for <= now() and (waiting.expires_at is null or waiting.expires_at > now())
        order by waiting.turn, waiting.place
        for update skip locked
      ) as next
      cross join lateral (
        select job.ctid as row_id, job.runtime_seconds
        from public.job_queue as job
        where job.id = next.job_id and job.status = 'pending' and job.turn is not null
        for update skip locked
      ) as job
      limit 1;
      v_jobs := array[v_job];
    else
      select v_lane.job_type, v_lane.lease, v_lane.max_runtime, false,
        array_agg(picked.entry), array_agg(picked.row_id), array_agg(picked.job_id), max(picked.turn),
        bool_or(picked.user_id is not null), max(picked.runtime_seconds)
      into v_job
      from (
        select next.*, job.*
        from (
          select waiting.ctid as entry, waiting.job_id, waiting.user_id, waiting.turn
          from private.job_waiting as waiting
          where waiting.job_type = v_lane.job_type and waiting.job_priority = v_lane.job_priority
            and waiting.turn is not null and (waiting.turn, waiting.place) >= (v_lane.from_turn, v_lane.from_place)
            and waiting.scheduled_for <= now() and (waiting.expires_at is null or waiting.expires_at > now())
          order by waiting.turn, waiting.place
          for update skip locked
        ) as next
        cross join lateral (
          -- Nobody's lock is waited for: what is being cancelled, say, is left where it is.
          select job.ctid as row_id, job.runtime_seconds
          from public.job_queue as job
          where job.id = next.job_id and job.status = 'pending' and job.turn is not null
          for update skip locked
        ) as job
        limit v_left
      ) as picked;
      v_jobs := array[v_job];
    end if;

    foreach v_job in array v_jobs loop
      continue when v_job.rows is null;
      -- From this moment: a claim that had to wait must not hand out leases that are half used up.
      v_lease_end := clock_timestamp() + v_job.lease;
      v_lease_ms := date_part('epoch', v_job.lease) * 1000;

      v_said := set_config('job_engine.update', case when v_job.has_owner then 'claimed, of users' else 'claimed' end, true);
      return query
      -- What the trigger does for all others is done here, in the same statement.
      with taken as (
        delete from private.job_waiting where ctid = any(v_job.entries)
      ),
      counted as (
        insert into private.job_count_change (job_type, status, change)
        values (v_job.job_type, 'pending', -cardinality(v_job.rows)),
          (v_job.job_type, 'processing', cardinality(v_job.rows))
      ),
      listed as (
        insert into private.job_lease (job_type, worker_id, check_at, job_ids)
        values (v_job.job_type, p_worker_id,
          least(v_lease_end, now() + v_job.max_runtime - v_job.worked * interval '1 second'),
          v_job.ids)
      ),
      moved as (
        update private.job_lane
        set virtual_time = v_job.last_turn
        -- A lane whose clock another claim is moving right now is left to it.
        where job_priority = v_priority and virtual_time < v_job.last_turn
          and pg_try_advisory_xact_lock(hashtextextended('job_lane', job_priority))
      )
      -- By row address: the rows are locked, and a join would tempt the planner to scan the table.
      update public.job_queue as job
      set status = 'processing',
        worker_id = p_worker_id,
        fencing_token = job.fencing_token + 1,
        is_classic = false,
        lease_expires_at = v_lease_end,
        started_at = coalesce(job.started_at, now()),
        slice_started_at = now(),
        seq = job.seq + 1,
        updated_at = now()
      where job.ctid = any(v_job.rows)
      returning job.id, job.user_id, job.job_type, job.params, job.checkpoint, job.progress_percent, job.retry_count,
        job.max_retries, job.crash_count, job.parent_job_id, job.fencing_token, v_lease_ms;
      v_said := set_config('job_engine.update', '', true);
      v_left := v_left - cardinality(v_job.rows);
      if v_job.is_limited then
        insert into private.job_running (job_id, job_type, user_id)
        select job.id, v_job.job_type, job.user_id
        from public.job_queue as job
        where job.id = any(v_job.ids)
        on conflict do nothing;
        perform private.charge_rates(array_fill(v_job.job_type, array[cardinality(v_job.ids)]));
      end if;
    end loop;
    exit when v_left <= 0;
  end loop;
  if v.has_bundles and not v_by_rules and v_left > 0 then
    return query
    select * from private.take_bundled(p_worker_id, p_job_types, v_left, 10::smallint, 9223372036854775807);
    get diagnostics v_found = row_count;
    v_left := v_left - v_found;
  end if;
  if v.has_bundles and not p_may_defer then
    perform private.write_starts(array(
      select lease_id from private.job_lease where worker_id = p_worker_id and started_at is not null));
  end if;

  -- Moving a floor costs as much as passing over a hundred dead entries.
  if v.has_no_number and random() * 100 < v_batch_size - v_left then
    perform private.move_cursors(v.lanes, v_epoch);
  end if;
end;
$$;
comment on function private.take_jobs(text, int, text[], boolean, boolean) is
  'Body of claim_jobs(): what a worker needs of each job, in no order; p_may_defer: it completes through complete_by_id(), so that starts need not be written (private.write_starts()); p_leave_crashed: it asks for what has crashed apart (private.take_crashed_jobs()). Lends the right to change the queue.';

revoke all on function private.take_jobs(text, int, text[], boolean, boolean) from public, anon, authenticated, service_role;
grant execute on function private.take_jobs(text, int, text[], boolean, boolean) to service_role;

create function public.claim_jobs(
  p_worker_id text, p_batch_size int default 10, p_job_types text[] default null
)
returns setof public.job_queue
language plpgsql volatile rows 10 set search_path = ''
as $$
declare
  v_job_ids constant uuid[] := array(
    select id from private.take_jobs(p_worker_id, p_batch_size, p_job_types));
begin
  return query
  select job.*
  from public.job_queue as job
  where job.id = any(v_job_ids)
  order by job.job_priority, job.turn, job.created_at;
end;
$$;
comment on function public.claim_jobs(text, int, text[]) is
  'Service only. Takes up to p_batch_size due jobs for a worker, each with a new fencing token and a lease.';
revoke all on function public.claim_jobs(text, int, text[]) from public, anon, authenticated, service_role;
grant execute on function public.claim_jobs(text, int, text[]) to service_role;

-- What follows from a change of jobs that are there: as async_job_changes.sql, for updates.

create function private.tg_job_queue__after_update()
returns trigger
language plpgsql volatile security definer set search_path = ''
-- A plan is kept from the first call, which may have seen one row. 500 rows need the hash, also where the
-- caller, who knows its few rows, has switched it off; and real tables are asked by arrays of ids.
set enable_nestloop = off set enable_hashjoin = on set enable_seqscan = off set jit = off
as $$
declare
  v_said constant text := current_setting('job_engine.update', true);
  v record;
  v_is_due boolean := false;
  v_untold_ids uuid[];
  v_unmoved_ids uuid[];
  v_parent_ids uuid[];
  v_job_ids uuid[];
begin
  -- What starts or completes jobs has counted them itself, and said so; the rest is done here.
  if v_said in ('claimed', 'completed') then
    return null;
  elsif v_said <> '' then
    -- What ended unseen has never been listed as running.
    select 1::bigint as jobs, none as was_pending, none as pending,
      starts_with(v_said, 'completed,')::int::bigint as was_processing, none as processing, none as was_ended, ended,
      none as failed, true as has_moved, v_said like '%users%' as has_owner, v_said like '%parents%' as has_parent,
      -- It was said of this statement, not of those that follow from it.
      set_config('job_engine.update', '', true)
    into v
    from (select starts_with(v_said, 'completed')::int::bigint as ended, 0::bigint as none) as what;
  else
    -- One look at both sides, and the counters from it: for a single job what costs is the statements.
    with moved as materialized (
      select job_type, status, sum(before)::int as before, sum(after)::int as after, bool_or(has_owner) as has_owner,
        bool_or(has_parent) as has_parent, bool_or(is_broken) as is_broken, bool_or(is_out_of_range) as is_out_of_range
      from (
        select job_type, status, 0 as before, 1 as after, user_id is not null as has_owner,
          parent_job_id is not null as has_parent,
          -- As tg_job_queue__after_insert() asks.
          not (
            case status
              when 'pending' then coalesce(lease_expires_at, slice_started_at, completed_at) is null
                and worker_id is null
                and (held_by is null or (turn is null and held_by in ('children', 'user_pause', 'user_cap')))
              when 'processing' then lease_expires_at is not null and slice_started_at is not null
                and started_at is not null and worker_id is not null and completed_at is null and held_by is null
              when 'completed' then completed_at is not null and progress_percent = 100
                and coalesce(lease_expires_at, slice_started_at) is null and held_by is null
              when 'failed' then completed_at is not null and error_code is not null
                and coalesce(lease_expires_at, slice_started_at) is null and held_by is null
              when 'cancelled' then completed_at is not null and cancel_requested_at is not null
                and coalesce(lease_expires_at, slice_started_at) is null and held_by is null
              else false
            end and (result is null or status = 'completed')) as is_broken,
          not (
            least(seq, fencing_token, retry_count, max_retries, crash_streak,
              crash_count - crash_streak) >= 0
            and job_priority between 1 and 10 and progress_percent between 0 and 100
            and progress_base_seconds between 0 and runtime_seconds
            and jsonb_typeof(params) = 'object' and (parent_job_id <> id) is not false) as is_out_of_range
        from new_job
        union all
        select job_type, status, 1, 0, false, false, false, false from old_job
      ) as side
      group by job_type, status
    ),
    counted as (
      insert into private.job_count_change (job_type, status, change)
      select job_type, status, after - before from moved where before <> after
    )
    select sum(after) as jobs,
      coalesce(sum(before) filter (where status = 'pending'), 0) as was_pending,
      coalesce(sum(after) filter (where status = 'pending'), 0) as pending,
      coalesce(sum(before) filter (where status = 'processing'), 0) as was_processing,
      coalesce(sum(after) filter (where status = 'processing'), 0) as processing,
      coalesce(sum(before) filter (where status in ('completed', 'failed', 'cancelled')), 0) as was_ended,
      coalesce(sum(after) filter (where status in ('completed', 'failed', 'cancelled')), 0) as ended,
      coalesce(sum(after) filter (where status = 'failed'), 0) as failed,
      bool_or(before <> after) as has_moved, bool_or(has_owner) as has_owner, bool_or(has_parent) as has_parent,
      bool_or(is_broken) as is_broken, bool_or(is_out_of_range) as is_out_of_range
    into v from moved;
    if v.jobs is null then
      return null;
    elsif v.is_broken then
      perform private.refuse_jobs('state_is_whole');
    elsif v.is_out_of_range then
      perform private.refuse_jobs('values_in_range');
    end if;
  end if;

  -- Started other than by a claim, or put under a shorter lease.
  if v.processing > 0 then
    v_job_ids := array(
      select job.id
      from new_job as job join old_job on old_job.id = job.id
      where job.status = 'processing'
        and (old_job.status <> 'processing' or job.lease_expires_at < old_job.lease_expires_at
          or job.slice_started_at < old_job.slice_started_at or job.runtime_seconds > old_job.runtime_seconds));
    if v_job_ids <> '{}' then
      perform private.list_running_jobs(v_job_ids);
    end if;
  end if;

  if v.pending > 0 then
    if v.was_pending > 0 then
      -- Or what a claim has taken since this transaction began would stand in line once more.
      perform private.check_isolation();
    end if;
    with arrived as (
      insert into private.job_waiting as waiting (
        job_id, user_id, job_type, job_priority, is_counted, turn, held_by, scheduled_for, expires_at)
      select job.id, job.user_id, job.job_type, job.job_priority, job.user_id is not null and job.parent_job_id is null,
        case when job.crash_streak = 0 then job.turn end,
        case when job.crash_streak > 0 and job.turn is not null then 'crash' else job.held_by end, job.scheduled_for, job.expires_at
      from new_job as job join old_job on old_job.id = job.id
      where job.status = 'pending' and (old_job.status, old_job.user_id, old_job.job_type, old_job.job_priority,
          old_job.turn, old_job.held_by, old_job.scheduled_for, old_job.expires_at, old_job.crash_streak > 0)
        is distinct from (job.status, job.user_id, job.job_type, job.job_priority,
          job.turn, job.held_by, job.scheduled_for, job.expires_at, job.crash_streak > 0)
      order by job.scheduled_for, job.created_at
      on conflict (job_id) do update
        set user_id = excluded.user_id, is_counted = excluded.is_counted, job_type = excluded.job_type,
          job_priority = excluded.job_priority, turn = excluded.turn, held_by = excluded.held_by,
          scheduled_for = excluded.scheduled_for, expires_at = excluded.expires_at,
          -- Who lines up anew does so at the end.
          place = case when waiting.turn = excluded.turn then waiting.place else excluded.place end
      returning job_type, job_priority, turn
    )
    update private.job_cursor as cursor
    set turn = late.turn, place = 0
    from (select job_type, job_priority, min(turn) as turn from arrived group by job_type, job_priority) as late
    where cursor.job_type = late.job_type and cursor.job_priority = late.job_priority
      and cursor.turn > late.turn;

    -- By somebody who knows of no bundles.
    if v.was_pending > 0 and private.has_unwritten() then
      perform private.write_out(array_agg(job.job_type) filter (where job.user_id is null), array_agg(job.id))
      from new_job as job
      join old_job on old_job.id = job.id and old_job.status = 'pending' and old_job.turn is not null
      where job.status = 'pending' and job.fencing_token = 0;
    end if;

    -- What was lined up from a pause or a cap was lined up by who claims.
    v_is_due := exists (
      select from new_job as job join old_job on old_job.id = job.id
      where job.status = 'pending' and job.turn is not null
        and (old_job.status <> 'pending' or old_job.held_by = 'children')
    );
  end if;
  if v.was_pending > 0 and v.pending < v.jobs then
    delete from private.job_waiting
    where job_id = any(array(select id from new_job where status <> 'pending'));
  end if;
  if v.was_processing > 0 and v.processing < v.jobs and exists (select from private.job_running) then
    delete from private.job_running
    where job_id = any(array(select id from new_job where status <> 'processing'));
  end if;

  if v.has_owner and v.was_processing > 0 and v.processing < v.jobs then
    perform private.forget_active_jobs(array_agg(user_id), array_agg(id))
    from new_job where status <> 'processing' and user_id is not null and parent_job_id is null;
  end if;
  if v.has_owner and (starts_with(v_said, 'claimed') or (v.processing > 0 and v.was_processing < v.jobs)) then
    insert into private.job_active (user_id, job_id) select user_id, id from new_job
    where status = 'processing' and user_id is not null and parent_job_id is null on conflict do nothing;
  end if;
  if v.was_ended > 0 and v.ended < v.jobs then
    perform private.know_users(array_agg(distinct user_id))
    from new_job where user_id is not null and parent_job_id is null and completed_at is null;
    with forgotten as (
      delete from private.job_failure
      where job_id = any(array(select id from new_job where completed_at is null))
    )
    select array_agg(id) into v_job_ids from new_job
    where completed_at is null and user_id is not null
      and job_type in (select name from public.job_type where quota_type is not null);
    if v_job_ids is not null then
      perform private.charge_job_quotas_again(v_job_ids);
    end if;
  end if;
  if v.failed > 0 then
    with listed as (
      insert into private.job_failure (job_id, job_type, failed_at)
      select id, job_type, completed_at from new_job where status = 'failed'
      on conflict (job_id) do update set failed_at = excluded.failed_at
    )
    select array_agg(id) into v_job_ids from new_job
    where status = 'failed' and user_id is not null
      and job_type in (select name from public.job_type where quota_type is not null);
    if v_job_ids is not null then
      perform private.give_back_job_quotas(v_job_ids);
    end if;
  end if;

  if v_is_due then
    perform private.ring_doorbell();
  end if;
  -- Whose status has changed has changed. Only where some kept theirs is each asked what it was before.
  if v.has_owner
    and least(v.was_pending, v.pending) + least(v.was_processing, v.processing) + least(v.was_ended, v.ended) > 0
  then
    select array_agg(job.id) filter (where job.seq = old_job.seq),
      array_agg(job.id) filter (where job.status = old_job.status)
    into v_untold_ids, v_unmoved_ids
    from new_job as job join old_job on old_job.id = job.id;
  end if;
  if v.has_owner and (v_untold_ids is null or cardinality(v_untold_ids) < v.jobs) then
    -- A failure, say no partition, is a warning. Who waits for 50 ms only, for whoever holds a job, comes again.
    begin
      insert into realtime.messages (topic, extension, payload, event, private, inserted_at, id)
      select case when is_of_user then 'user_jobs:' || job.user_id else 'job_status:' || job.id end,
        'broadcast', job.payload, 'job_update', true, clock_timestamp(),
        (message.id_begin || 100000000000 + nextval('private.job_update_number'))::uuid
      from (select left(private.time_ordered_id()::text, 24) as id_begin offset 0) as message
      cross join (
        select told.id, told.user_id, case
          when told.parent_job_id is null and told.result is null then told.payload
          else told.payload || jsonb_strip_nulls(jsonb_build_object('parent_job_id', told.parent_job_id)) || case
            -- A larger result is fetched by the client.
            when octet_length(told.result::text) <= 32768 then jsonb_build_object('result', told.result)
            else '{}'
          end
        end as payload
        from (
          select job.id, job.user_id, job.parent_job_id, job.result, to_jsonb(row(job.seq, job.id, job.status,
            job.user_id, job.job_type, job.error_code, job.updated_at, job.error_message, job.progress_message,
            job.progress_percent)::private.job_update) as payload
          from new_job as job
          where job.user_id is not null
            and (v_untold_ids is null or job.id not in (select unnest(v_untold_ids)))
          offset 0
        ) as told
        offset 0
      ) as job
      cross join (values (true), (false)) as topic (is_of_user);
    exception when lock_not_available then raise; when others then
      raise warning 'job_update was not broadcast: %', sqlerrm;
    end;
  end if;

  -- NOTIFY makes commits queue up for a moment, so it is for changes of status only, as many in one as its
  -- 8 000 bytes hold, and can be switched off in one place.
  if v.has_owner and v.has_moved then
    perform pg_notify('job_status_changed', '{"status": "' || changed.status || '", "job_ids": ["'
      || array_to_string(changed.job_ids[first : first + 149], '", "') || '"]}')
    from private.job_setting as setting
    cross join (
      select job.status, array_agg(job.id) as job_ids
      from new_job as job
      where job.user_id is not null
        and (v_unmoved_ids is null or job.id not in (select unnest(v_unmoved_ids)))
      group by job.status
    ) as changed
    cross join generate_series(1, cardinality(changed.job_ids), 150) as first
    where setting.notify_status_changes;
  end if;

  -- Last, so that a batch is locked only from here to the commit.
  if v.has_parent and (v.was_ended > 0 or v.ended > 0) then
    v_parent_ids := array(
      select distinct parent_job_id from (
        select parent_job_id, completed_at from new_job
        union all
        select parent_job_id, completed_at from old_job
      ) as child
      where parent_job_id is not null and completed_at is not null);
    if private.lock_batches(v_parent_ids) then
      update public.job_batch as batch
      set completed = batch.completed + change.completed,
        failed = batch.failed + change.failed,
        cancelled = batch.cancelled + change.cancelled
      from (
        select parent_job_id,
          coalesce(sum(ended) filter (where status = 'completed'), 0) as completed,
          coalesce(sum(ended) filter (where status = 'failed'), 0) as failed,
          coalesce(sum(ended) filter (where status = 'cancelled'), 0) as cancelled
        from (
          select parent_job_id, status, 1 as ended from new_job
          union all
          -- A retried child had been counted.
          select parent_job_id, status, -1 from old_job
        ) as child
        group by parent_job_id
      ) as change
      where batch.parent_job_id = change.parent_job_id and batch.parent_job_id = any(v_parent_ids);
      perform private.advance_batches(v_parent_ids);
    end if;
  end if;
  return null;
end;
$$;
comment on function private.tg_job_queue__after_update() is
  'Trigger: side tables, counters, doorbell, news, batches. Lends the right to write all of them to whoever changes a job.';

create trigger _100_after_update
  after update on public.job_queue
  referencing old table as old_job new table as new_job
  for each statement execute function private.tg_job_queue__after_update();

revoke all on function private.tg_job_queue__after_update() from public, anon, authenticated, service_role;

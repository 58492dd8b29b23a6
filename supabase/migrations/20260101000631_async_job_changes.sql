-- What follows from a change of jobs, in the statement that makes it: the side tables, the counters, the
-- doorbell, the news for owners and the batches of parents. One trigger per kind of statement, because
-- looking at 500 changed rows costs as much as changing them; it first asks which of all this they can
-- concern, and a system job that starts or ends concerns next to nothing.

create function private.tg_job_queue__after_insert()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_new record;
  v_is_owned boolean;
begin
  -- Who creates these has done all of this in the same statement; their owners are to know.
  if current_setting('job_engine.insert', true) = 'listed' then
    return null;
  elsif current_setting('job_engine.insert', true) = 'listed, of users' then
    v_is_owned := true;
  else
    insert into private.job_waiting (
      job_id, user_id, job_type, job_priority, is_counted, turn, held_by, scheduled_for, expires_at)
    select id, user_id, job_type, job_priority, user_id is not null and parent_job_id is null,
      -- What has crashed its worker stands beside the lane: see async_last_chance.sql.
      case when crash_streak = 0 then turn end,
      case when crash_streak > 0 and turn is not null then 'crash' else held_by end, scheduled_for, expires_at
    from new_job
    where status = 'pending';

    -- Counted and looked through in one statement: for a single job what costs is how many there are.
    with counted as (
      insert into private.job_count_change (job_type, status, change)
      select job_type, status, count(*) from new_job group by job_type, status
    )
    select
      -- As tg_job_queue__after_update() asks.
      count(*) filter (where not (
        case job.status
          when 'pending' then coalesce(job.lease_expires_at, job.slice_started_at, job.completed_at) is null
            and job.worker_id is null
            and (job.held_by is null or (job.turn is null and job.held_by in ('children', 'user_pause', 'user_cap')))
          when 'processing' then job.lease_expires_at is not null and job.slice_started_at is not null
            and job.started_at is not null and job.worker_id is not null and job.completed_at is null and job.held_by is null
          when 'completed' then job.completed_at is not null and job.progress_percent = 100
            and coalesce(job.lease_expires_at, job.slice_started_at) is null and job.held_by is null
          when 'failed' then job.completed_at is not null and job.error_code is not null
            and coalesce(job.lease_expires_at, job.slice_started_at) is null and job.held_by is null
          when 'cancelled' then job.completed_at is not null and job.cancel_requested_at is not null
            and coalesce(job.lease_expires_at, job.slice_started_at) is null and job.held_by is null
          else false
        end and (job.result is null or job.status = 'completed'))) as broken,
      count(*) filter (where not (
        least(job.seq, job.fencing_token, job.retry_count, job.max_retries, job.crash_streak,
          job.crash_count - job.crash_streak) >= 0
        and job.job_priority between 1 and 10 and job.progress_percent between 0 and 100
        and job.progress_base_seconds between 0 and job.runtime_seconds
        and jsonb_typeof(job.params) = 'object' and (job.parent_job_id <> job.id) is not false)) as out_of_range,
      count(*) filter (where job.job_type not in (select name from public.job_type)) as unknown,
      -- Somebody read the lane's time, and the lane has moved on since.
      count(*) filter (where job.turn < cursor.turn and job.status = 'pending') as late,
      -- What a pause holds back rings no bell.
      count(*) filter (where job.status = 'pending' and job.scheduled_for <= now()
        and job.job_type in (select name from public.job_type where not is_paused)) as due,
      count(*) filter (where job.status = 'processing') as processing,
      count(*) filter (where job.status = 'failed') as failed,
      count(*) filter (where job.user_id is not null and job.parent_job_id is null) as owned,
      count(*) filter (where job.user_id is not null and job.completed_at is null
        and job.job_type in (select name from public.job_type where quota_type is not null)) as charged
    into v_new
    from new_job as job
    left join private.job_cursor as cursor
      on cursor.job_type = job.job_type and cursor.job_priority = job.job_priority;
    if v_new.broken > 0 then
      perform private.refuse_jobs('state_is_whole');
    elsif v_new.out_of_range > 0 then
      perform private.refuse_jobs('values_in_range');
    elsif v_new.unknown > 0 then
      perform private.raise_error('UNKNOWN_JOB_TYPE');
    end if;
    -- Before their subscriptions, as everybody locks them.
    if v_new.owned > 0 then
      perform private.know_users(array(
        select user_id
        from new_job
        where user_id is not null and parent_job_id is null and completed_at is null
        group by user_id));
    end if;
    if v_new.charged > 0 then
      perform private.charge_job_quotas(array_agg(job.id), array_agg(job.user_id), array_agg(type.quota_type))
      from new_job as job
      join public.job_type as type on type.name = job.job_type and type.quota_type is not null
      where job.user_id is not null and job.completed_at is null;
    end if;
    if v_new.late > 0 then
      perform private.lower_cursors();
    end if;

    if v_new.processing > 0 then
      insert into private.job_active (user_id, job_id)
      select user_id, id
      from new_job
      where status = 'processing' and user_id is not null and parent_job_id is null;
      perform private.list_running_jobs(array(select id from new_job where status = 'processing'));
    end if;
    if v_new.failed > 0 then
      insert into private.job_failure (job_id, job_type, failed_at)
      select id, job_type, completed_at from new_job where status = 'failed';
    end if;

    -- As private.add_job() asks.
    if v_new.due > 0 and (
      pg_sequence_last_value('private.doorbell_hush') > date_part('epoch', clock_timestamp()) * 1000) is not true
    then
      perform private.ring_doorbell();
    end if;
    v_is_owned := v_new.owned > 0;
  end if;

  if v_is_owned then
    begin
      insert into realtime.messages (topic, extension, payload, event, private, inserted_at, id)
      select 'user_jobs:' || job.user_id, 'broadcast',
        to_jsonb(row(job.seq, job.id, job.status, job.user_id, job.job_type, job.error_code, job.updated_at,
          job.error_message, job.progress_message, job.progress_percent)::private.job_update),
        'job_update', true, clock_timestamp(),
        (message.id_begin || 100000000000 + nextval('private.job_update_number'))::uuid
      from (select left(private.time_ordered_id()::text, 24) as id_begin offset 0) as message
      cross join new_job as job
      -- Children begin by the thousand, and their parent has said so. Nobody can listen on a job's own topic
      -- before its id is known.
      where job.user_id is not null and job.parent_job_id is null;
    exception when others then
      raise warning 'job_update was not broadcast: %', sqlerrm;
    end;
  end if;
  return null;
end;
$$;
comment on function private.tg_job_queue__after_insert() is
  'Trigger: side tables, counters, doorbell, news. Lends the right to write all of them to whoever enqueues.';

create function private.list_running_jobs(p_job_ids uuid[])
returns void
language plpgsql volatile set search_path = ''
-- One job or five thousand: by their ids, whatever the caller needs for its own plan.
set enable_seqscan = off set enable_nestloop = on set enable_hashjoin = on
as $$
begin
  with listed as (
    insert into private.job_lease (job_type, worker_id, check_at, job_ids)
    select job.job_type, job.worker_id, min(least(job.lease_expires_at,
        job.slice_started_at + type.max_runtime - job.runtime_seconds * interval '1 second')), array_agg(job.id)
    from public.job_queue as job
    join public.job_type as type on type.name = job.job_type
    where job.id = any(p_job_ids) and job.status = 'processing'
    group by job.job_type, job.worker_id
  )
  insert into private.job_running (job_id, job_type, user_id)
  select job.id, job.job_type, job.user_id
  from public.job_queue as job
  join public.job_type as type on type.name = job.job_type
  where job.id = any(p_job_ids) and job.status = 'processing'
    and coalesce(type.max_concurrency, type.max_per_user, type.rate_limit) is not null
  on conflict do nothing;
end;
$$;
comment on function private.list_running_jobs(uuid[]) is
  'Lists these jobs as running, or as to be looked at earlier; a claim does so itself.';

create function private.tg_job_queue__after_delete()
returns trigger
language plpgsql volatile security definer set search_path = ''
-- Whatever the caller needs for its own plan.
set enable_indexscan = on set enable_nestloop = on set enable_hashjoin = on
as $$
declare
  v_old record;
begin
  -- One look at 100 000 rows, and the rest from the groups they make.
  with gone as materialized (
    select job_type, status, count(*)::int as jobs, count(user_id) > 0 as had_owner
    from old_job
    group by job_type, status
  ),
  counted as (
    insert into private.job_count_change (job_type, status, change)
    select job_type, status, -jobs from gone
  )
  select count(*) as kinds, bool_or(status = 'pending') as was_pending, bool_or(status = 'processing') as was_running,
    bool_or(had_owner and status = 'processing') as was_active, bool_or(status = 'failed') as had_failed,
    bool_or(had_owner and job_type in (select name from public.job_type where quota_type is not null)) as was_charged
  into v_old
  from gone;
  -- A trigger for statements runs for none, too: here the children's children end.
  if v_old.kinds = 0 then
    return null;
  end if;

  -- Executed as text to be planned anew, for one job or for 100 000.
  if v_old.was_pending then
    execute 'delete from private.job_waiting as entry using old_job where entry.job_id = old_job.id';
  end if;
  if v_old.was_running then
    execute 'delete from private.job_running as entry using old_job where entry.job_id = old_job.id';
  end if;
  if v_old.was_active then
    perform private.forget_active_jobs(array_agg(user_id), array_agg(id))
    from old_job where status = 'processing' and user_id is not null;
  end if;
  if v_old.had_failed then
    execute 'delete from private.job_failure as entry using old_job where entry.job_id = old_job.id';
  end if;
  if v_old.was_charged then
    perform private.forget_job_quotas(array_agg(id))
    from old_job
    where user_id is not null and job_type in (select name from public.job_type where quota_type is not null);
  end if;
  -- In place of foreign keys, which would do this for every row of its own: 1 s per 100 000.
  if exists (select from public.job_batch) then
    execute 'delete from public.job_batch as batch using old_job where batch.parent_job_id = old_job.id';
  end if;
  if exists (select from public.job_queue where parent_job_id is not null) then
    execute 'delete from public.job_queue as child using old_job where child.parent_job_id = old_job.id';
  end if;
  return null;
end;
$$;
comment on function private.tg_job_queue__after_delete() is
  'Trigger: what hangs on a job goes with it. Lends the right to write the counters and to delete children.';

create function private.tg_job_queue__after_truncate()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  -- Deleted, not truncated: that would wait for every reader, and readers of these wait for the queue.
  delete from private.job_count;
  delete from private.job_count_change;
  delete from private.job_waiting;
  delete from private.job_bundle;
  delete from private.job_lease;
  delete from private.job_running;
  delete from private.job_active;
  delete from private.job_failure;
  delete from private.job_quota;
  delete from public.job_batch;
  return null;
end;
$$;
comment on function private.tg_job_queue__after_truncate() is
  'Trigger. Lends the right to empty what belongs to the queue.';

create trigger _100_after_insert
  after insert on public.job_queue
  referencing new table as new_job
  for each statement execute function private.tg_job_queue__after_insert();

create trigger _100_after_delete
  after delete on public.job_queue
  referencing old table as old_job
  for each statement execute function private.tg_job_queue__after_delete();

create trigger _100_after_truncate
  after truncate on public.job_queue
  for each statement execute function private.tg_job_queue__after_truncate();

revoke all on function
  private.tg_job_queue__after_insert(),
  private.list_running_jobs(uuid[]),
  private.tg_job_queue__after_delete(),
  private.tg_job_queue__after_truncate()
from public, anon, authenticated, service_role;

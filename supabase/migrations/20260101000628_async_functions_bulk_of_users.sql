-- As private.create_plain_jobs(), for jobs that have owners: nearly every call has jobs of one type, to be started
-- now, that nobody has asked for before and that their owners have room for. Then nothing has to be sorted out.

create function private.create_plain_user_jobs(p_jobs jsonb)
returns uuid[]
language plpgsql volatile set search_path = ''
-- No joins here: what one array says of another is found by its place.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
as $$
declare
  v_type record;
  v_asked record;
  v_user record;
  v_lane record;
  v_ids uuid[];
  v_said text;
begin
  select type.name, type.max_retries, type.is_paused, now() + type.expires_after as expires_at,
    type.default_priority,
    case
      when (p_jobs -> 0 ->> 'priority')::int between 1 and 10 then (p_jobs -> 0 ->> 'priority')::int
      when p_jobs -> 0 ->> 'priority' is null then type.default_priority
    end::smallint as priority
  into v_type
  from public.job_type as type
  where type.name = p_jobs -> 0 ->> 'job_type' and type.quota_type is null;

  select array_agg(user_id) as user_ids, array_agg(coalesce(params, '{}')) as params,
    -- As private.job_dedupe_key(), written out: a call per job costs as much again.
    array_agg(left(encode(sha256(convert_to(
      v_type.name || ' ' || coalesce(to_jsonb(key)::text, as_text, '{}'), 'UTF8')), 'hex'), 32)) as keys,
    bool_and((job_type = v_type.name and coalesce(priority, v_type.default_priority) = v_type.priority
      and user_id is not null and coalesce(scheduled_for, delay_ms) is null and dedupe is not false
      and coalesce(jsonb_typeof(params) = 'object' and octet_length(as_text) <= 65536, true)
      and coalesce(length(key) between 1 and 200, true)) is true) as are_plain
  into v_asked
  from (
    select given.*, given.params::text as as_text
    from jsonb_to_recordset(p_jobs) as given (
      job_type text, params jsonb, key text, priority int, user_id uuid, scheduled_for text, delay_ms text,
      dedupe boolean)
    -- The text is made once.
    offset 0
  ) as job;
  if v_asked.are_plain is not true then
    return null;
  end if;

  select array_agg(user_id order by user_id) as ids, array_agg(jobs order by user_id) as jobs, sum(keys) as keys
  into v_user
  from (
    select user_id, count(*) as jobs, count(distinct key) as keys
    from unnest(v_asked.user_ids, v_asked.keys) as request (user_id, key)
    group by user_id
  ) as own;
  if cardinality(v_user.ids) > 1000 or v_user.keys < cardinality(v_asked.keys) then
    return null;
  end if;
  -- In the order of create_jobs().
  perform pg_advisory_xact_lock(hashtextextended('job_queue:' || subject.name, 0))
  from (select id::text as name from unnest(v_user.ids) as id order by name) as subject;
  if exists (
    select from private.find_newest_jobs(v_asked.user_ids, v_asked.keys) as known
    -- Or where the clock has been set back: of equal jobs the newest was requested last.
    where known.is_active or known.requested_at >= clock_timestamp())
  then
    return null;
  end if;

  select array_agg(lane.first_turn order by lane.user_id) as turns,
    array_agg(setting.max_active_jobs_per_user - lane.active order by lane.user_id) as rooms
  into v_lane
  from private.line_up_users(v_user.ids, array_fill(v_type.priority, array[cardinality(v_user.ids)])) as lane
  cross join private.job_setting as setting;
  if exists (select from unnest(v_user.jobs, v_lane.rooms) as own (jobs, room) where jobs > room) then
    return null;
  end if;

  v_ids := private.time_ordered_ids(cardinality(v_asked.keys));
  perform private.know_users(v_user.ids);
  -- What the trigger would do but for the news, which is told so.
  v_said := set_config('job_engine.insert', 'listed, of users', true);
  with job as materialized (
    -- In the order in which they will be taken, so that the jobs of a claim are neighbours.
    select v_ids[row_number() over (order by turn, ordinal)] as id, user_id, params, key, turn, ordinal
    from (
      select request.*, v_lane.turns[dense_rank() over (order by user_id)] - 1
        + row_number() over (partition by user_id order by ordinal) as turn
      from unnest(v_asked.user_ids, v_asked.params, v_asked.keys) with ordinality
        as request (user_id, params, key, ordinal)
    ) as request
    order by turn, ordinal
  ),
  created as (
    insert into public.job_queue (
      id, user_id, job_type, job_priority, params, max_retries, scheduled_for, expires_at, dedupe_key, turn)
    select id, user_id, v_type.name, v_type.priority, params, v_type.max_retries, now(), v_type.expires_at, key, turn
    from job
  ),
  waiting as (
    insert into private.job_waiting (
      job_id, user_id, job_type, job_priority, is_counted, turn, scheduled_for, expires_at)
    select id, user_id, v_type.name, v_type.priority, true, turn, now(), v_type.expires_at from job
  ),
  counted as (
    insert into private.job_count_change (job_type, status, change)
    values (v_type.name, 'pending', cardinality(v_ids))
  )
  select array_agg(id order by ordinal) into v_ids from job;
  v_said := set_config('job_engine.insert', '', true);
  if not v_type.is_paused then
    perform private.ring_doorbell();
  end if;
  return v_ids;
end;
$$;
comment on function private.create_plain_user_jobs(jsonb) is
  'Creates jobs of users that are all of one type without a quota and of one priority, to be started now, new to their users, who have room for them; null, and nothing done, if they are anything else.';

revoke all on function private.create_plain_user_jobs(jsonb) from public, anon, authenticated, service_role;

-- What a request for a job must be, and many of them in one call: they are read and checked once, as a
-- whole, into private.job_requests; one statement then creates what is not there yet. Most calls ask for the
-- same of every job and for nothing that is there: async_functions_bulk_of_system.sql, …_of_users.sql.

create function private.check_job_request(p_params jsonb, p_priority int)
returns void
language plpgsql stable set search_path = ''
as $$
begin
  if jsonb_typeof(p_params) <> 'object' then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_params'),
      'Job parameters must be a JSON object.');
  end if;
  -- The text, since what is stored says little of it: 1e131071 takes 16 bytes, and has 131 072 digits.
  if octet_length(p_params::text) > 65536 then
    perform private.raise_error('PARAMS_TOO_LARGE', jsonb_build_object('limit_bytes', 65536));
  end if;
  if p_priority not between 1 and 10 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_priority'),
      'The priority must be between 1 (first) and 10 (last).');
  end if;
end;
$$;
comment on function private.check_job_request(jsonb, int) is
  'Refuses params that are no object or over 64 KB, and priorities outside 1 to 10.';

create type private.job_requests as (
  user_ids uuid[],
  job_types text[],
  params jsonb[],
  priorities smallint[],
  max_retries int[],
  scheduled_for timestamptz[],
  expires_at timestamptz[],
  keys text[],
  dedupe_keys text[],
  joins_since timestamptz[],
  dedupes boolean[]
);
comment on type private.job_requests is
  'Requests for jobs, column by column, since rows of a type are packed and unpacked at every look.';

create function private.read_job_requests(p_jobs jsonb)
returns private.job_requests
language plpgsql volatile set search_path = ''
set enable_nestloop = off set jit = off
as $$
declare
  v_limit constant int := 5000;
  v_read record;
begin
  if coalesce(jsonb_typeof(p_jobs), '') <> 'array' then
    perform private.raise_error('VALIDATION_ERROR', null,
      'The jobs must be a JSON array, or an object with an array of params.');
  elsif jsonb_array_length(p_jobs) > v_limit then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('limit', v_limit),
      'These are too many jobs for one call.');
  end if;

  select array_agg(user_id) as user_ids, array_agg(job_type) as job_types, array_agg(params) as params,
    array_agg(priority) as priorities, array_agg(max_retries) as max_retries,
    array_agg(due_at) as scheduled_for, array_agg(due_at + expires_after) as expires_at, array_agg(key) as keys,
    -- As private.job_dedupe_key(), written out: a call per job costs as much again.
    array_agg(encode(substr(sha256(convert_to(
      job_type || ' ' || coalesce(to_jsonb(key), params)::text, 'UTF8')), 1, 16), 'hex')) as dedupe_keys,
    array_agg(now() - dedupe_window) as joins_since, array_agg(dedupes) as dedupes,
    min(place) filter (where code is not null) as refused, array_agg(code) as codes
  into v_read
  from (
    select job.place, job.user_id, job.job_type, job.key, coalesce(job.params, '{}') as params,
      coalesce(case when job.priority between 1 and 10 then job.priority end, type.default_priority)::smallint as priority,
      type.max_retries, type.expires_after,
      type.dedupe_window, job.dedupe is not false as dedupes,
      greatest(now(), job.scheduled_for, now() + job.delay_ms * interval '1 millisecond') as due_at,
      case
        when type.name is null then 'UNKNOWN_JOB_TYPE'
        when jsonb_typeof(job.params) <> 'object' or job.priority not between 1 and 10
          or length(job.key) not between 1 and 200 or (job.dedupe is false and job.key is not null) then 'VALIDATION_ERROR'
        when octet_length(job.params::text) > 65536 then 'PARAMS_TOO_LARGE'
      end as code
    from rows from (jsonb_to_recordset(p_jobs) as (
        job_type text, params jsonb, key text, priority int, user_id uuid, scheduled_for timestamptz,
        delay_ms double precision, dedupe boolean))
      with ordinality
      as job (job_type, params, key, priority, user_id, scheduled_for, delay_ms, dedupe, place)
    left join public.job_type as type on type.name = job.job_type
    order by job.place
  ) as request;

  if v_read.refused is not null then
    perform private.raise_error(v_read.codes[v_read.refused],
      jsonb_build_object('index', v_read.refused - 1, 'job_type', v_read.job_types[v_read.refused]));
  end if;
  return row(v_read.user_ids, v_read.job_types, v_read.params, v_read.priorities, v_read.max_retries,
    v_read.scheduled_for, v_read.expires_at, v_read.keys, v_read.dedupe_keys, v_read.joins_since,
    v_read.dedupes)::private.job_requests;
end;
$$;
comment on function private.read_job_requests(jsonb) is
  'Reads up to 5 000 requests for jobs, in order; refuses all of them when one is not valid.';

create function private.find_newest_jobs(p_user_ids uuid[], p_keys text[])
returns table (place int, job_id uuid, is_active boolean, requested_at timestamptz, scheduled_for timestamptz)
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  -- As find_newest_job(), for many; the arm that has nothing to do is not run.
  if array_position(p_user_ids, null) is not null then
    return query
      select request.place::int, newest.*
      from unnest(p_user_ids, p_keys) with ordinality as request (user_id, key, place)
      cross join lateral (
        select job.id, job.status in ('pending', 'processing'), job.requested_at, job.scheduled_for
        from public.job_queue as job
        where hashtextextended(job.dedupe_key, 0) = hashtextextended(request.key, 0) and job.user_id is null
          and job.dedupe_key = request.key and job.parent_job_id is null
        order by job.requested_at desc
        limit 1
      ) as newest
      where request.user_id is null;
  end if;
  return query
    select request.place::int, newest.*
    from unnest(p_user_ids, p_keys) with ordinality as request (user_id, key, place)
    cross join lateral (
      select job.id, job.status in ('pending', 'processing'), job.requested_at, job.scheduled_for
      from public.job_queue as job
      where hashtextextended(job.dedupe_key, 0) = hashtextextended(request.key, 0) and job.user_id = request.user_id
        and job.dedupe_key = request.key and job.parent_job_id is null
      order by job.requested_at desc
      limit 1
    ) as newest
    where request.user_id is not null;
end;
$$;
comment on function private.find_newest_jobs(uuid[], text[]) is
  'The newest job that each request equals, by the request''s place, if there is one.';

create function private.create_jobs(p_jobs jsonb)
returns table (ordinal int, job_id uuid, outcome text)
language plpgsql volatile security definer set search_path = ''
-- Five thousand rows or one: hashes are right for the former and cost the latter nothing.
set plan_cache_mode = force_generic_plan set enable_nestloop = off set enable_mergejoin = off set jit = off
as $$
#variable_conflict use_column
declare
  v_jobs jsonb := p_jobs;
  v_asked private.job_requests;
  v_made uuid[];
  v_known int[];
  v_known_ids uuid[];
  v_latest timestamptz;
  v_early_ids uuid[];
  v_early_times timestamptz[];
begin
  perform private.check_isolation();
  -- The short ways first. What is said of all at once is said of each when it does not take the shortest.
  if jsonb_typeof(p_jobs -> 'params') = 'array' then
    v_made := private.create_plain_jobs(p_jobs);
    v_jobs := case when v_made is null then private.spread_job_requests(p_jobs) end;
  end if;
  if (case jsonb_typeof(v_jobs) when 'array' then jsonb_array_length(v_jobs) end) between 1 and 5000 then
    v_made := case when v_jobs -> 0 ->> 'user_id' is null then private.create_plain_jobs(v_jobs)
      else private.create_plain_user_jobs(v_jobs) end;
  end if;
  if v_made is not null then
    return query select generate_series(1, cardinality(v_made)), unnest(v_made), 'created';
    return;
  end if;

  v_asked := private.read_job_requests(v_jobs);
  if v_asked.job_types is null then
    return;
  end if;
  -- What is like nothing meets nobody, now or later.
  if false = any(v_asked.dedupes) then
    v_asked.dedupe_keys := array(
      select case when dedupes then key else gen_random_uuid()::text end
      from unnest(v_asked.dedupe_keys, v_asked.dedupes) with ordinality as request (key, dedupes, place)
      order by place);
  end if;
  -- Each is a lock, and the server's table of locks is shared by everybody.
  if (select count(distinct user_id) from unnest(v_asked.user_ids) as user_id) > 1000 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('limit', 1000),
      'These are too many users for one call.');
  end if;
  -- As find_or_create_job() does for one; of system jobs a whole type, since thousands of keys are too many
  -- locks. In order, so that two calls cannot wait for each other.
  perform pg_advisory_xact_lock(hashtextextended('job_queue:' || subject.name, 0))
  from (
    select distinct coalesce(user_id::text, job_type) as name
    from unnest(v_asked.user_ids, v_asked.job_types) as request (user_id, job_type)
    order by name
  ) as subject;

  for look in 1..2 loop
    -- An active job that is too old to be joined goes on beside its younger equal.
    select array_agg(known.place) filter (where known.may_be_joined),
      array_agg(known.job_id) filter (where known.may_be_joined), max(known.requested_at),
      array_agg(known.job_id) filter (where known.may_be_joined and known.scheduled_for > known.asked_for),
      array_agg(known.asked_for) filter (where known.may_be_joined and known.scheduled_for > known.asked_for)
    into v_known, v_known_ids, v_latest, v_early_ids, v_early_times
    from (
      select newest.*, newest.is_active and newest.requested_at > v_asked.joins_since[newest.place] as may_be_joined,
        v_asked.scheduled_for[newest.place] as asked_for
      from private.find_newest_jobs(v_asked.user_ids, v_asked.dedupe_keys) as newest
    ) as known;
    exit when v_early_ids is null or look = 2;
    -- Once more: one that somebody held may have ended.
    perform private.bring_forward(v_asked.user_ids, v_early_ids, v_early_times);
  end loop;

  return query
  with request as materialized (
    select request.*, known.job_id as known_id
    from unnest(v_asked.user_ids, v_asked.job_types, v_asked.params, v_asked.priorities, v_asked.max_retries,
        v_asked.scheduled_for, v_asked.expires_at, v_asked.dedupe_keys,
        private.time_ordered_ids(cardinality(v_asked.keys)))
      with ordinality as request (
        user_id, job_type, params, job_priority, max_retries, scheduled_for, expires_at, dedupe_key, id, ordinal)
    left join unnest(v_known, v_known_ids) as known (ordinal, job_id) on known.ordinal = request.ordinal
  ),
  fresh as materialized (
    select request.*,
      row_number() over (partition by user_id order by ordinal) as nth,
      row_number() over (partition by user_id, job_priority, scheduled_for <= now() order by ordinal) as place
    from request
    where known_id is null and ordinal in (
      select min(ordinal) from request where known_id is null group by user_id, dedupe_key)
  ),
  own as materialized (
    -- What waits for its time takes no turn.
    select user_id, job_priority, count(*) filter (where scheduled_for <= now())::int as jobs
    from fresh group by user_id, job_priority
  ),
  lane as materialized (
    select user_id, job_priority, private.line_up(null, job_priority, jobs) as first_turn, null::int as room
    from own
    where user_id is null and jobs > 0
    union all
    select lined_up.user_id, lined_up.job_priority, lined_up.first_turn,
      (select setting.max_active_jobs_per_user from private.job_setting as setting) - lined_up.active
    from (
      select array_agg(user_id) as user_ids, array_agg(job_priority) as priorities from own where user_id is not null
    ) as of_users
    cross join lateral private.line_up_users(of_users.user_ids, of_users.priorities) as lined_up
  ),
  accepted as materialized (
    select fresh.*, case when fresh.scheduled_for <= now() then lane.first_turn + fresh.place - 1 end as turn
    from fresh
    left join lane on coalesce(lane.user_id, '00000000-0000-0000-0000-000000000000')
        = coalesce(fresh.user_id, '00000000-0000-0000-0000-000000000000')
      and lane.job_priority = fresh.job_priority
    where lane.room is null or fresh.nth <= lane.room
  ),
  created as (
    insert into public.job_queue (
      id, user_id, job_type, job_priority, params, max_retries, requested_at, scheduled_for, expires_at, dedupe_key,
      turn)
    select id, user_id, job_type, job_priority, params, max_retries,
      greatest(clock_timestamp(), v_latest + interval '1 microsecond'), scheduled_for, expires_at, dedupe_key, turn
    from accepted
    order by ordinal
  )
  select request.ordinal::int, coalesce(request.known_id, accepted.id), case
    when request.known_id is not null then 'joined'
    when accepted.id is null then 'limited'
    when accepted.ordinal = request.ordinal then 'created'
    else 'joined'
  end
  from request
  left join accepted on accepted.dedupe_key = request.dedupe_key
    and coalesce(accepted.user_id, '00000000-0000-0000-0000-000000000000')
      = coalesce(request.user_id, '00000000-0000-0000-0000-000000000000')
  order by request.ordinal;
end;
$$;
comment on function private.create_jobs(jsonb) is
  'Body of create_jobs(). Lends the right to read types and write the queue.';

revoke all on function
  private.check_job_request(jsonb, int),
  private.read_job_requests(jsonb),
  private.find_newest_jobs(uuid[], text[]),
  private.create_jobs(jsonb)
from public, anon, authenticated, service_role;
grant execute on function private.create_jobs(jsonb) to service_role;

create function public.create_jobs(p_jobs jsonb)
returns table (ordinal int, job_id uuid, outcome text)
language sql volatile set search_path = ''
as $$
  select * from private.create_jobs(p_jobs);
$$;
comment on function public.create_jobs(jsonb) is
  'Service only. Up to 5 000, of up to 1 000 users, of [{user_id?, job_type, params, priority?, scheduled_for?, key?, dedupe?}], or one such object with an array of params: each is created, joined to its equal active job (unless dedupe is false), or limited (its user has as many as may be).';
revoke all on function public.create_jobs(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.create_jobs(jsonb) to service_role;

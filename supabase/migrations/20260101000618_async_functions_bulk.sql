-- What a request for a job must be, and many of them in one call: they are read and checked once, as a
-- whole, into rows of private.job_request; one statement then creates what is not there yet.

create function private.check_job_request(p_params jsonb, p_priority int)
returns void
language plpgsql stable set search_path = ''
as $$
begin
  if jsonb_typeof(p_params) <> 'object' then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_params'),
      'Job parameters must be a JSON object.');
  end if;
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

create type private.job_request as (
  ordinal int,
  user_id uuid,
  job_type text,
  params jsonb,
  job_priority smallint,
  max_retries int,
  scheduled_for timestamptz,
  expires_at timestamptz,
  key text,
  dedupe_key text,
  joins_since timestamptz
);

create function private.read_job_requests(p_jobs jsonb)
returns setof private.job_request
language plpgsql volatile set search_path = ''
as $$
declare
  v_limit constant int := 5000;
  v_refused record;
begin
  if coalesce(jsonb_typeof(p_jobs), '') <> 'array' then
    perform private.raise_error('VALIDATION_ERROR', null, 'The jobs must be a JSON array.');
  elsif jsonb_array_length(p_jobs) > v_limit then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('limit', v_limit),
      'These are too many jobs for one call.');
  end if;

  select job.ordinality - 1 as index, job.job_type, verdict.code into v_refused
  from rows from (jsonb_to_recordset(p_jobs) as (job_type text, params jsonb, key text, priority int))
    with ordinality as job (job_type, params, key, priority, ordinality)
  left join public.job_type as type on type.name = job.job_type
  cross join lateral (
    select case
      when type.name is null then 'UNKNOWN_JOB_TYPE'
      when jsonb_typeof(job.params) <> 'object' or job.priority not between 1 and 10
        or length(job.key) not between 1 and 200 then 'VALIDATION_ERROR'
      -- The stored size is a cheap lower bound of a quarter of the text.
      when pg_column_size(job.params) > 16384 and octet_length(job.params::text) > 65536
        then 'PARAMS_TOO_LARGE'
    end as code
  ) as verdict
  where verdict.code is not null
  order by job.ordinality
  limit 1;
  if found then
    perform private.raise_error(v_refused.code,
      jsonb_build_object('index', v_refused.index, 'job_type', v_refused.job_type));
  end if;

  return query
    select job.ordinality::int, job.user_id, type.name, asked.params,
      coalesce(job.priority, type.default_priority)::smallint, type.max_retries, asked.due_at,
      asked.due_at + type.expires_after, job.key,
      private.job_dedupe_key(type.name, coalesce(to_jsonb(job.key), asked.params)), now() - type.dedupe_window
    from rows from (jsonb_to_recordset(p_jobs) as (
        job_type text, params jsonb, key text, priority int, user_id uuid, scheduled_for timestamptz,
        delay_ms double precision))
      with ordinality
      as job (job_type, params, key, priority, user_id, scheduled_for, delay_ms, ordinality)
    join public.job_type as type on type.name = job.job_type
    cross join lateral (
      select coalesce(job.params, '{}') as params,
        greatest(now(), job.scheduled_for, now() + make_interval(secs => job.delay_ms / 1000.0)) as due_at
    ) as asked
    order by job.ordinality;
end;
$$;
comment on function private.read_job_requests(jsonb) is
  'Reads up to 5 000 requests for jobs, in order; refuses all of them when one is not valid.';

create function private.find_active_jobs(p_requests private.job_request[])
returns table (ordinal int, job_id uuid, is_joinable boolean)
language sql volatile set search_path = ''
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  -- As find_active_job(), for many.
  select request.ordinal, newest.id, newest.requested_at > request.joins_since
  from unnest(p_requests) as request
  cross join lateral (
    select job.id, job.status, job.requested_at
    from public.job_queue as job
    where job.user_id = request.user_id and job.dedupe_key = request.dedupe_key and job.parent_job_id is null
    order by job.requested_at desc
    limit 1
  ) as newest
  where request.user_id is not null and newest.status in ('pending', 'processing')
  union all
  select request.ordinal, newest.id, newest.requested_at > request.joins_since
  from unnest(p_requests) as request
  cross join lateral (
    select job.id, job.status, job.requested_at
    from public.job_queue as job
    where job.user_id is null and job.dedupe_key = request.dedupe_key and job.parent_job_id is null
    order by job.requested_at desc
    limit 1
  ) as newest
  where request.user_id is null and newest.status in ('pending', 'processing');
$$;
comment on function private.find_active_jobs(private.job_request[]) is
  'The active job each request equals, if there is one, and whether it is young enough to be joined.';

create function private.create_jobs(p_jobs jsonb)
returns table (ordinal int, job_id uuid, outcome text)
language plpgsql volatile security definer set search_path = ''
-- A plan for any number of rows would join as if there were ten.
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
  v_requests constant private.job_request[] := array(
    select request from private.read_job_requests(p_jobs) as request);
  v_limit int;
begin
  -- Each is a lock, and the server's table of locks is shared by everybody.
  if (select count(distinct user_id) from unnest(v_requests)) > 1000 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('limit', 1000),
      'These are too many users for one call.');
  end if;
  -- As find_or_create_job() does for one; of system jobs a whole type, since thousands of keys are too many
  -- locks. In order, so that two calls cannot wait for each other.
  perform pg_advisory_xact_lock(hashtextextended('job_queue:' || subject.name, 0))
  from (
    select distinct coalesce(user_id::text, job_type) as name from unnest(v_requests) order by name
  ) as subject;
  select setting.max_active_jobs_per_user into v_limit from private.job_setting as setting;

  update public.job_queue as job
  set dedupe_key = gen_random_uuid()::text
  from private.find_active_jobs(v_requests) as known
  where job.id = known.job_id and not known.is_joinable;

  return query
  with request as materialized (
    select * from unnest(v_requests)
  ),
  known as materialized (
    select ordinal, job_id from private.find_active_jobs(v_requests)
  ),
  fresh as materialized (
    select first.*,
      row_number() over (partition by user_id order by ordinal) as nth,
      row_number() over (partition by user_id, job_priority order by ordinal) as place
    from (
      select distinct on (user_id, dedupe_key) *
      from request
      where ordinal not in (select ordinal from known)
      order by user_id, dedupe_key, ordinal
    ) as first
  ),
  lane as materialized (
    select user_id, job_priority, private.count_active_jobs(user_id) as active,
      private.line_up(user_id, job_priority, jobs) as first_turn
    from (select user_id, job_priority, count(*)::int as jobs from fresh group by user_id, job_priority) as own
  ),
  created as (
    insert into public.job_queue as job (
      user_id, job_type, job_priority, params, max_retries, scheduled_for, expires_at, dedupe_key, turn)
    select fresh.user_id, fresh.job_type, fresh.job_priority, fresh.params, fresh.max_retries,
      fresh.scheduled_for, fresh.expires_at, fresh.dedupe_key,
      case when fresh.scheduled_for <= now() then lane.first_turn + fresh.place - 1 end
    from fresh
    join lane on lane.user_id is not distinct from fresh.user_id and lane.job_priority = fresh.job_priority
    where fresh.user_id is null or lane.active + fresh.nth <= v_limit
    order by fresh.ordinal
    returning job.id, job.user_id, job.dedupe_key
  )
  select request.ordinal, coalesce(known.job_id, created.id), case
    when known.job_id is not null then 'joined'
    when created.id is null then 'limited'
    when request.ordinal in (select ordinal from fresh) then 'created'
    else 'joined'
  end
  from request
  left join known on known.ordinal = request.ordinal
  left join created on created.dedupe_key = request.dedupe_key
    and created.user_id is not distinct from request.user_id
  order by request.ordinal;
end;
$$;
comment on function private.create_jobs(jsonb) is
  'Body of create_jobs(). Lends the right to read types and write the queue.';

revoke all on function
  private.check_job_request(jsonb, int),
  private.read_job_requests(jsonb),
  private.find_active_jobs(private.job_request[]),
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
  'Service only. Up to 5 000, of up to 1 000 users, of [{user_id?, job_type, params, priority?, scheduled_for?, key?}]: each is created, joined to its equal active job, or limited (its user has as many as may be).';
revoke all on function public.create_jobs(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.create_jobs(jsonb) to service_role;

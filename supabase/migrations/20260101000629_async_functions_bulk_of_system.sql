-- The short way of create_jobs() for jobs of the system. What each of thousands costs is its row, its entry
-- beside the queue and one in each index of both; so little else happens per job here.

create function private.time_ordered_ids(p_count int)
returns uuid[]
language plpgsql volatile set search_path = ''
as $$
declare
  v_random constant text := encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex');
  v_head constant text := lpad(to_hex((date_part('epoch', clock_timestamp()) * 1000)::bigint), 12, '0')
    || '7' || left(v_random, 3);
  -- Two bits of the variant and 60 at random; from there on in steps of up to 48, which 5 000 cannot carry over.
  v_first constant bigint := -9223372036854775808 + ('x' || substr(v_random, 18, 15))::bit(60)::bigint;
  v_step constant bigint := 1 + ('x' || substr(v_random, 33, 12))::bit(48)::bigint;
begin
  return array(
    select (v_head || to_hex(number.n))::uuid
    from (select generate_series(v_first, v_first + (p_count - 1) * v_step, v_step) as n) as number);
end;
$$;
comment on function private.time_ordered_ids(int) is
  'Up to 5 000 ids as of time_ordered_id(), in order, for a tenth of the price: at random is where they begin and how far apart they are.';

create function private.spread_job_requests(p_jobs jsonb)
returns jsonb
language plpgsql immutable set search_path = ''
as $$
declare
  v_common constant jsonb := p_jobs - 'params';
begin
  return coalesce((
    select jsonb_agg(v_common || jsonb_build_object('params', params) order by place)
    from jsonb_array_elements(p_jobs -> 'params') with ordinality as job (params, place)), '[]');
end;
$$;
comment on function private.spread_job_requests(jsonb) is
  '{job_type, params: [...], ...} as an array of requests, each with its own params.';

create function private.create_plain_jobs(p_jobs jsonb)
returns uuid[]
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  -- What the first asks for but its params is what all of them must ask for.
  v_first constant jsonb := case jsonb_typeof(p_jobs) when 'object' then p_jobs - 'params' else p_jobs -> 0 end;
  -- Variables and not a record, whose fields would be looked up for every job.
  v_type_name constant text := v_first ->> 'job_type';
  v_priority smallint;
  v_default_priority smallint;
  v_max_retries int;
  v_expires_at timestamptz;
  v_joins_since timestamptz;
  v_is_limited boolean;
  v_is_paused boolean;
  -- If not, they have no key, no look for equals and no entry in its index: a third of what a job costs here.
  v_dedupes constant boolean := (v_first ->> 'dedupe')::boolean is not false;
  v_params jsonb[];
  v_keys text[];
  v_numbers bigint[];
  v_are_plain boolean;
  v_ids uuid[];
  v_turn bigint;
  v_said text;
begin
  if jsonb_typeof(p_jobs) = 'object' and jsonb_array_length(p_jobs -> 'params') not between 1 and 5000 then
    return null;
  end if;
  select type.default_priority,
    case
      when (v_first ->> 'priority')::int between 1 and 10 then (v_first ->> 'priority')::int
      when v_first ->> 'priority' is null then type.default_priority
    end,
    type.max_retries, now() + type.expires_after, now() - type.dedupe_window, type.is_paused,
    coalesce(type.max_concurrency, type.max_per_user, type.rate_limit) is not null
  into v_default_priority, v_priority, v_max_retries, v_expires_at, v_joins_since, v_is_paused, v_is_limited
  from public.job_type as type
  where type.name = v_type_name;

  -- The keys as private.job_dedupe_key(), written out: a call per job costs as much again. The limit is
  -- private.check_job_request()'s; the text is made once, behind a fence.
  if jsonb_typeof(p_jobs) = 'object' then
    select array_agg(params),
      array_agg(encode(substr(sha256(convert_to(v_type_name || ' ' || as_text, 'UTF8')), 1, 16), 'hex'))
        filter (where v_dedupes),
      bool_and(jsonb_typeof(params) = 'object' and octet_length(as_text) <= 65536) and v_priority is not null
        and coalesce(v_first ->> 'user_id', v_first ->> 'scheduled_for', v_first ->> 'delay_ms', v_first ->> 'key') is null
    into v_params, v_keys, v_are_plain
    from (
      select params, params::text as as_text from jsonb_array_elements(p_jobs -> 'params') as params offset 0
    ) as job;
  else
    select array_agg(coalesce(params, '{}')),
      array_agg(encode(substr(sha256(convert_to(
        v_type_name || ' ' || coalesce(to_jsonb(key)::text, as_text, '{}'), 'UTF8')), 1, 16), 'hex'))
        filter (where v_dedupes),
      bool_and((job_type = v_type_name and coalesce(priority, v_default_priority) = v_priority
        and coalesce(dedupe, true) = v_dedupes and (v_dedupes or key is null)
        and coalesce(user_id, scheduled_for, delay_ms) is null
        and coalesce(jsonb_typeof(params) = 'object' and octet_length(as_text) <= 65536, true)
        and coalesce(length(key) between 1 and 200, true)) is true)
    into v_params, v_keys, v_are_plain
    from (
      select given.*, given.params::text as as_text
      from jsonb_to_recordset(p_jobs) as given (
        job_type text, params jsonb, key text, priority int, user_id text, scheduled_for text, delay_ms text,
        dedupe boolean)
      offset 0
    ) as job;
  end if;
  if v_are_plain is not true then
    return null;
  end if;

  if v_dedupes then
    -- By their numbers in the index. Keys that only share one, in the call or with a job there is, go the long way.
    v_numbers := array(select hashtextextended(key, 0) as number from unnest(v_keys) as key group by number);
    if cardinality(v_numbers) < cardinality(v_keys) then
      return null;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('job_queue:' || v_type_name, 0));
    if exists (
      select from public.job_queue
      where hashtextextended(dedupe_key, 0) = any(v_numbers) and user_id is null and parent_job_id is null
        and requested_at > v_joins_since
        -- Or where the clock has been set back: of equal jobs the newest was requested last.
        and (status in ('pending', 'processing') or requested_at >= clock_timestamp()))
    then
      return null;
    end if;
  end if;

  v_ids := private.time_ordered_ids(cardinality(v_params));
  v_turn := private.line_up(null, v_priority, cardinality(v_ids));
  -- What the trigger would do, which is told so.
  v_said := set_config('job_engine.insert', 'listed', true);
  insert into public.job_queue (
    id, job_type, job_priority, params, max_retries, scheduled_for, expires_at, dedupe_key, turn)
  -- Side by side in a list of columns, arrays are not first written down as tables.
  select job.id, v_type_name, v_priority, job.params, v_max_retries, now(), v_expires_at, job.key, job.turn
  from (
    select unnest(v_ids) as id, unnest(v_params) as params, unnest(v_keys) as key,
      generate_series(v_turn, v_turn + cardinality(v_ids) - 1) as turn
  ) as job;
  v_said := set_config('job_engine.insert', '', true);
  if cardinality(v_ids) >= 20 and not v_is_limited then
    perform private.enter_bundles(v_type_name, v_priority, v_turn, v_ids, v_expires_at);
  else
    insert into private.job_waiting (job_id, job_type, job_priority, turn, scheduled_for, expires_at)
    select job.id, v_type_name, v_priority, v_turn + job.ordinal - 1, now(), v_expires_at
    from unnest(v_ids) with ordinality as job (id, ordinal);
  end if;
  insert into private.job_count_change (job_type, status, change)
  values (v_type_name, 'pending', cardinality(v_ids));
  if not v_is_paused then
    perform private.ring_doorbell();
  end if;
  return v_ids;
end;
$$;
comment on function private.create_plain_jobs(jsonb) is
  'Creates jobs of the system that are all of one type and priority, to be started now, and that nobody has asked for before or are not compared; null, and nothing done, if they are anything else.';

revoke all on function
  private.time_ordered_ids(int),
  private.spread_job_requests(jsonb),
  private.create_plain_jobs(jsonb)
from public, anon, authenticated, service_role;

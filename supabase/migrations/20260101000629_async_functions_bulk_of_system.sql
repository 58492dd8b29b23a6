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
    select (v_head || to_hex(v_first + n * v_step))::uuid from generate_series(0::bigint, p_count - 1) as n);
end;
$$;
comment on function private.time_ordered_ids(int) is
  'Up to 5 000 ids as of time_ordered_id(), in order, for a tenth of the price: at random is where they begin and how far apart they are.';

create function private.create_plain_jobs(p_jobs jsonb)
returns uuid[]
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  v_type record;
  v_asked record;
  v_ids uuid[];
  v_turn bigint;
  v_said text;
begin
  select type.*, now() + type.expires_after as expires_at,
    case
      when (p_jobs -> 0 ->> 'priority')::int between 1 and 10 then (p_jobs -> 0 ->> 'priority')::int
      when p_jobs -> 0 ->> 'priority' is null then type.default_priority
    end::smallint as priority
  into v_type
  from public.job_type as type
  where type.name = p_jobs -> 0 ->> 'job_type';

  select array_agg(coalesce(params, '{}')) as params,
    -- As private.job_dedupe_key(), written out: a call per job costs as much again.
    array_agg(left(encode(sha256(convert_to(
      v_type.name || ' ' || coalesce(to_jsonb(key), params, '{}')::text, 'UTF8')), 'hex'), 32)) as keys,
    bool_and((job_type = v_type.name and coalesce(priority, v_type.default_priority) = v_type.priority
      and coalesce(user_id, scheduled_for, delay_ms) is null
      and coalesce(jsonb_typeof(params) = 'object' and pg_column_size(params) <= 16384, true)
      and coalesce(length(key) between 1 and 200, true)) is true) as are_plain
  into v_asked
  from jsonb_to_recordset(p_jobs) as job (
    job_type text, params jsonb, key text, priority int, user_id text, scheduled_for text, delay_ms text);
  if v_asked.are_plain is not true
    or (select count(*) from (select from unnest(v_asked.keys) as key group by key) as different)
      < cardinality(v_asked.keys)
  then
    return null;
  end if;

  perform pg_advisory_xact_lock(hashtextextended('job_queue:' || v_type.name, 0));
  if exists (
    select from public.job_queue
    -- Another key with the same number costs the long way.
    where hashtextextended(dedupe_key, 0) = any(array(select hashtextextended(key, 0) from unnest(v_asked.keys) as key))
      and user_id is null and parent_job_id is null
      and requested_at > now() - v_type.dedupe_window
      -- Or where the clock has been set back: of equal jobs the newest was requested last.
      and (status in ('pending', 'processing') or requested_at >= clock_timestamp()))
  then
    return null;
  end if;

  v_ids := private.time_ordered_ids(cardinality(v_asked.keys));
  v_turn := private.line_up(null, v_type.priority, cardinality(v_ids));
  -- What the trigger would do, which is told so.
  v_said := set_config('job_engine.insert', 'listed', true);
  insert into public.job_queue (
    id, job_type, job_priority, params, max_retries, scheduled_for, expires_at, dedupe_key, turn)
  select job.id, v_type.name, v_type.priority, job.params, v_type.max_retries, now(), v_type.expires_at, job.key,
    v_turn + job.ordinal - 1
  from unnest(v_ids, v_asked.params, v_asked.keys) with ordinality as job (id, params, key, ordinal);
  v_said := set_config('job_engine.insert', '', true);
  insert into private.job_waiting (job_id, job_type, job_priority, turn, scheduled_for, expires_at)
  select job.id, v_type.name, v_type.priority, v_turn + job.ordinal - 1, now(), v_type.expires_at
  from unnest(v_ids) with ordinality as job (id, ordinal);
  insert into private.job_count_change (job_type, status, change)
  values (v_type.name, 'pending', cardinality(v_ids));
  if not v_type.is_paused then
    perform private.ring_doorbell();
  end if;
  return v_ids;
end;
$$;
comment on function private.create_plain_jobs(jsonb) is
  'Creates jobs of the system that are all of one type and priority, to be started now, and that nobody has asked for before; null, and nothing done, if they are anything else.';

revoke all on function
  private.time_ordered_ids(int),
  private.create_plain_jobs(jsonb)
from public, anon, authenticated, service_role;

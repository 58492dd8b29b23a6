-- How a worker completes jobs, single and in batches, one body. A job that is no longer the worker's is
-- refused row by row; the others of the batch count. A job that has a lease is one that runs (see the progress
-- functions for why the lease is asked), or one whose start is not written (async_deferred_starts.sql).

create function private.complete_by_id(p_job_ids uuid[], p_fencing_tokens bigint[], p_results jsonb default null)
returns uuid[]
language plpgsql volatile security definer set search_path = ''
-- Some known rows of a large table: the planner, which cannot know, must not scan or hash it.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_nestloop = off set enable_hashjoin = off set jit = off
as $$
declare
  v_jobs int := coalesce(cardinality(p_job_ids), 0);
  v_fencing_token bigint := p_fencing_tokens[1];
  v_job_ids uuid[] := p_job_ids;
  v_fencing_tokens bigint[] := p_fencing_tokens;
  v_results jsonb := p_results;
  v_too_large jsonb;
  v_recorded uuid[];
  v_deferred uuid[] := '{}';
  v_said text;
begin
  if p_results is not null then
    -- The text, since what is stored says little of it: 1e131071 takes 16 bytes, and has 131 072 digits. As a rule
    -- all of them together are not over the limit of one.
    if pg_column_size(p_results) > 262144 or octet_length(p_results::text) > 262144 then
      select jsonb_agg(p_job_ids[place]) into v_too_large
      from jsonb_array_elements(p_results) with ordinality as given (result, place)
      where octet_length(result::text) > 262144;
    end if;
    if v_too_large is not null then
      perform private.raise_error('RESULT_TOO_LARGE',
        jsonb_build_object('limit_bytes', 262144, 'job_ids', v_too_large));
    end if;
  end if;

  if v_fencing_token >= 1000000000000 or (v_jobs > 1 and 1000000000000 <= any(p_fencing_tokens)) then
    if p_fencing_tokens = array_fill(v_fencing_token, array[v_jobs]) then
      v_deferred := private.complete_deferred(v_fencing_token - 1000000000000, p_job_ids, p_results);
    else
      v_deferred := private.complete_unwritten(p_job_ids, p_fencing_tokens, p_results);
    end if;
    if cardinality(v_deferred) = v_jobs then
      return '{}';
    elsif v_deferred <> '{}' then
      select array_agg(given.job_id), array_agg(given.fencing_token),
        case when p_results is not null then jsonb_agg(given.result) end
      into v_job_ids, v_fencing_tokens, v_results
      from rows from (unnest(p_job_ids), unnest(p_fencing_tokens), jsonb_array_elements(p_results))
        as given (job_id, fencing_token, result)
      where given.job_id not in (select unnest(v_deferred));
      v_jobs := cardinality(v_job_ids);
      v_fencing_token := v_fencing_tokens[1];
    end if;
  end if;

  -- What the trigger does for all others is done here, in the same statement, and it is told so. In id order, as
  -- every statement that waits for several jobs: no two of them can deadlock.
  if v_fencing_tokens = array_fill(v_fencing_token, array[v_jobs]) and (v_results is null or v_jobs = 1) then
    -- Most attempts are first ones, and there is nothing to tell them apart by.
    with completed as (
      update public.job_queue as job
      set status = 'completed',
        progress_percent = 100,
        result = nullif(v_results -> 0, 'null'),
        error_code = null,
        error_message = null,
        completed_at = now(),
        lease_expires_at = null,
        -- The clock may have been set back since; an outcome must not fail over that (nor below).
        runtime_seconds = job.runtime_seconds + greatest(0, date_part('epoch', now() - job.slice_started_at)),
        slice_started_at = null,
        seq = job.seq + 1,
        updated_at = now()
      where job.id = any(v_job_ids) and job.lease_expires_at is not null
        and (job.fencing_token = v_fencing_token or (v_fencing_token is null and job.is_classic))
      returning job.id, job.job_type, job.user_id is not null as has_owner, job.parent_job_id is not null as has_parent
    ),
    counted as (
      insert into private.job_count_change (job_type, status, change)
      select ended.job_type, side.status, ended.jobs * side.sign
      from (select job_type, count(*)::int as jobs from completed group by job_type) as ended,
        (values ('processing', -1), ('completed', 1)) as side (status, sign)
    )
    select array_agg(id), set_config('job_engine.update', concat('completed',
      case when bool_or(has_owner) then ', of users' end, case when bool_or(has_parent) then ', of parents' end,
      case when exists (select from private.job_running) then ', of limited types' end), true)
    into v_recorded, v_said
    from completed;
  else
    with completed as (
      update public.job_queue as job
      set status = 'completed',
        progress_percent = 100,
        result = nullif(given.result, 'null'),
        error_code = null,
        error_message = null,
        completed_at = now(),
        lease_expires_at = null,
        runtime_seconds = job.runtime_seconds + greatest(0, date_part('epoch', now() - job.slice_started_at)),
        slice_started_at = null,
        seq = job.seq + 1,
        updated_at = now()
      from (
        select job_id, fencing_token, result
        from rows from (unnest(v_job_ids), unnest(v_fencing_tokens), jsonb_array_elements(v_results))
          as given (job_id, fencing_token, result)
        order by job_id
      ) as given
      where job.id = any(v_job_ids) and job.lease_expires_at is not null
        and job.id = given.job_id
        and (job.fencing_token = given.fencing_token or (given.fencing_token is null and job.is_classic))
      returning job.id, job.job_type, job.user_id is not null as has_owner, job.parent_job_id is not null as has_parent
    ),
    counted as (
      insert into private.job_count_change (job_type, status, change)
      select ended.job_type, side.status, ended.jobs * side.sign
      from (select job_type, count(*)::int as jobs from completed group by job_type) as ended,
        (values ('processing', -1), ('completed', 1)) as side (status, sign)
    )
    select array_agg(id), set_config('job_engine.update', concat('completed',
      case when bool_or(has_owner) then ', of users' end, case when bool_or(has_parent) then ', of parents' end,
      case when exists (select from private.job_running) then ', of limited types' end), true)
    into v_recorded, v_said
    from completed;
  end if;
  v_said := set_config('job_engine.update', '', true);

  if cardinality(v_recorded) = v_jobs then
    return '{}';
  end if;
  return array(select unnest(v_job_ids) except select unnest(v_recorded));
end;
$$;
comment on function private.complete_by_id(uuid[], bigint[], jsonb) is
  'Completes jobs, each once, with the token of its attempt and, unless all results are null, an array of results. Returns the jobs that were refused. Lends the right to change the queue.';

create function private.complete_free(
  p_job_ids uuid[], p_fencing_tokens bigint[], p_results jsonb default null, out refused uuid[], out held uuid[]
)
language plpgsql volatile set search_path = ''
set lock_timeout = '50ms'
as $$
declare
  v_free record;
begin
  begin
    -- Hardly ever does anybody hold one, so nobody asks before.
    refused := private.complete_by_id(p_job_ids, p_fencing_tokens, p_results);
    return;
  exception when lock_not_available then
    perform set_config('lock_timeout', '0', true);
  end;
  held := private.hold_free(p_job_ids, p_fencing_tokens);
  select array_agg(given.job_id) as job_ids, array_agg(given.fencing_token) as fencing_tokens,
    case when p_results is not null then jsonb_agg(given.result) end as results
  into v_free
  from rows from (unnest(p_job_ids), unnest(p_fencing_tokens), jsonb_array_elements(p_results))
    as given (job_id, fencing_token, result)
  where given.job_id not in (select unnest(held));
  refused := private.complete_by_id(v_free.job_ids, v_free.fencing_tokens, v_free.results);
end;
$$;
comment on function private.complete_free(uuid[], bigint[], jsonb) is
  'As complete_by_id(), but waits for nobody who holds one of the jobs: it is left as it is, and returned as held.';

create function private.complete_jobs(p_jobs jsonb)
returns table (job_id uuid, recorded boolean)
language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_column
declare
  v_ids uuid[];
  v_tokens bigint[];
  v_results jsonb;
  v_refused uuid[];
  v_held uuid[];
begin
  select array_agg(job_id), array_agg(fencing_token), jsonb_agg(result)
  into v_ids, v_tokens, v_results
  from (
    select distinct on (job_id) job_id, fencing_token, result
    from jsonb_to_recordset(p_jobs) as job (job_id uuid, fencing_token bigint, result jsonb)
    where job_id is not null
    -- Of two attempts at one job only the newer can hold it.
    order by job_id, fencing_token desc nulls last
  ) as given;
  select refused, held into v_refused, v_held from private.complete_free(v_ids, v_tokens, v_results);
  return query
  select given.job_id, case when given.job_id = any(v_held) is not true then given.job_id <> all(v_refused) end
  from unnest(v_ids) as given (job_id);
end;
$$;
comment on function private.complete_jobs(jsonb) is
  'Reads [{job_id, fencing_token, result?}] for complete_free().';

revoke all on function
  private.complete_by_id(uuid[], bigint[], jsonb), private.complete_free(uuid[], bigint[], jsonb),
  private.complete_jobs(jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  private.complete_by_id(uuid[], bigint[], jsonb), private.complete_free(uuid[], bigint[], jsonb),
  private.complete_jobs(jsonb)
to service_role;

create function public.complete_job(
  p_job_id uuid, p_result jsonb default null, p_fencing_token bigint default null
)
returns boolean
language plpgsql volatile set search_path = ''
as $$
begin
  return private.complete_by_id(array[p_job_id], array[p_fencing_token], jsonb_build_array(p_result)) = '{}';
end;
$$;
comment on function public.complete_job(uuid, jsonb, bigint) is
  'Service only. Records a job''s result; false when the lease is lost.';

create function public.complete_jobs(p_jobs jsonb)
returns table (job_id uuid, recorded boolean)
language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
    select * from private.complete_jobs(p_jobs);
end;
$$;
comment on function public.complete_jobs(jsonb) is
  'Service only. Batch form of complete_job(): [{job_id, fencing_token, result}]. Null: somebody else holds that job this moment, ask again.';

revoke all on function
  public.complete_job(uuid, jsonb, bigint),
  public.complete_jobs(jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  public.complete_job(uuid, jsonb, bigint),
  public.complete_jobs(jsonb)
to service_role;

-- How requests for a job meet: what makes two of them equal, the lock under which one at a time looks for
-- its equal, and the limit of a user's active jobs.
-- What every enqueue calls is plpgsql, which keeps its plans (PostgreSQL before 18 plans the body of an SQL
-- function anew in every call), and of few statements: an enqueue is paid for by the statement.

create function private.job_dedupe_key(p_job_type text, p_params jsonb)
returns text
language plpgsql immutable set search_path = ''
as $$
begin
  -- jsonb prints keys in one order, so that equal params have equal text. Half of the digest is enough: who
  -- finds two requests that meet in it has only joined two requests of his own.
  return left(encode(sha256(convert_to(p_job_type || ' ' || p_params::text, 'UTF8')), 'hex'), 32);
end;
$$;
comment on function private.job_dedupe_key(text, jsonb) is 'Digest under which equal requests meet.';

create function private.check_isolation()
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  -- Blind to what others commit, it would find no equal job and no limit reached.
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    perform private.raise_error('CONFLICT', null, 'Jobs are created and retried under read committed only.');
  end if;
end;
$$;
comment on function private.check_isolation() is
  'Refuses transactions that do not see what was committed since they began.';

create function private.lock_requests(p_user_id uuid, p_job_type text, p_key text)
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  if p_user_id is not null then
    perform pg_advisory_xact_lock(hashtextextended('job_queue:' || p_user_id, 0));
  else
    -- Beside each other, but not beside create_jobs(), which locks a whole type.
    perform pg_advisory_xact_lock_shared(hashtextextended('job_queue:' || p_job_type, 0));
    perform pg_advisory_xact_lock(hashtextextended('job_queue:' || p_key, 0));
  end if;
end;
$$;
comment on function private.lock_requests(uuid, text, text) is
  'Lets one request at a time, to the end of its transaction, look for its equal and create a job: per user, or per type and key of system jobs.';

create function private.find_newest_job(
  p_user_id uuid, p_key text,
  out job_id uuid, out status text, out created_at timestamptz, out requested_at timestamptz
)
language plpgsql volatile set search_path = ''
-- Planned on a young table, it would read all of it ever after.
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  -- Of equal requests the newest is the one that others join; it was requested later than those before, also
  -- where the clock has been set back. Two arms, since an "or" or "is not distinct from" would keep a prepared
  -- plan from the index.
  if p_user_id is null then
    select job.id, job.status, job.created_at, job.requested_at
    into job_id, status, created_at, requested_at
    from public.job_queue as job
    where hashtextextended(job.dedupe_key, 0) = hashtextextended(p_key, 0) and job.user_id is null
      and job.dedupe_key = p_key and job.parent_job_id is null
    order by job.requested_at desc
    limit 1;
  else
    select job.id, job.status, job.created_at, job.requested_at
    into job_id, status, created_at, requested_at
    from public.job_queue as job
    where hashtextextended(job.dedupe_key, 0) = hashtextextended(p_key, 0) and job.user_id = p_user_id
      and job.dedupe_key = p_key and job.parent_job_id is null
    order by job.requested_at desc
    limit 1;
  end if;
end;
$$;
comment on function private.find_newest_job(uuid, text) is
  'The newest top-level job under this key; nulls when there is none. Volatile: must see what was committed after a lock.';

create function private.find_result(p_user_id uuid, p_key text, p_ttl interval)
returns table (job_id uuid, created_at timestamptz, completed_at timestamptz)
language plpgsql volatile rows 1 set search_path = ''
set enable_seqscan = off
as $$
begin
  -- The last hundred requests say enough: a key that many jobs share must not make each of them search.
  if p_user_id is null then
    return query
      select latest.id, latest.created_at, latest.completed_at
      from (
        select job.id, job.created_at, job.completed_at, job.status
        from public.job_queue as job
        where hashtextextended(job.dedupe_key, 0) = hashtextextended(p_key, 0) and job.user_id is null
          and job.dedupe_key = p_key and job.parent_job_id is null
        order by job.requested_at desc
        limit 100
      ) as latest
      where latest.status = 'completed' and latest.completed_at > now() - p_ttl
      order by latest.completed_at desc
      limit 1;
  else
    return query
      select latest.id, latest.created_at, latest.completed_at
      from (
        select job.id, job.created_at, job.completed_at, job.status
        from public.job_queue as job
        where hashtextextended(job.dedupe_key, 0) = hashtextextended(p_key, 0) and job.user_id = p_user_id
          and job.dedupe_key = p_key and job.parent_job_id is null
        order by job.requested_at desc
        limit 100
      ) as latest
      where latest.status = 'completed' and latest.completed_at > now() - p_ttl
      order by latest.completed_at desc
      limit 1;
  end if;
end;
$$;
comment on function private.find_result(uuid, text, interval) is
  'The newest completed top-level job under this key that ended within p_ttl.';

create function private.count_active_jobs(p_user_id uuid)
returns int
language plpgsql volatile set search_path = ''
as $$
begin
  -- Counting stops early: more than this says nothing more.
  return (
    select count(*) from (
      select from private.job_active where user_id = p_user_id limit 1000) as active);
end;
$$;
comment on function private.count_active_jobs(uuid) is
  'A user''s active top-level jobs. Volatile: must see what was committed after a lock.';

revoke all on function
  private.job_dedupe_key(text, jsonb),
  private.check_isolation(),
  private.lock_requests(uuid, text, text),
  private.find_newest_job(uuid, text),
  private.find_result(uuid, text, interval),
  private.count_active_jobs(uuid)
from public, anon, authenticated, service_role;

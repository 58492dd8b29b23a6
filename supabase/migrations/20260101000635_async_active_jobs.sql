-- A user's active jobs, of which there may be max_active_jobs_per_user: children apart, what waits
-- (job_waiting_user_idx), what runs (job_active), and what has been started but not in its row (job_lease.user_ids).
-- A job goes from one of the three to the next in the statement or the transaction that changes it: one statement
-- which looks at all of them finds each job once, and two would miss what is started between them.

create function private.know_users(p_user_ids uuid[])
returns void
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
declare
  v_known int;
begin
  if cardinality(p_user_ids) > 1 then
    perform private.keep_users(p_user_ids);
  end if;
  -- Who is just going is waited for, and who is known stays until the job is there.
  perform from public.users where id = any(p_user_ids) for key share;
  get diagnostics v_known = row_count;
  if v_known < cardinality(p_user_ids) then
    raise foreign_key_violation using message = 'There is no such user.', table = 'job_queue', schema = 'public';
  end if;
end;
$$;
comment on function private.know_users(uuid[]) is
  'Nobody has a job who is not there, or is just going: asked, in place of a foreign key, by whatever creates jobs or wakes them; each user is named once.';

create function private.keep_users(p_user_ids uuid[])
returns void
language plpgsql volatile set search_path = ''
-- Shorter than deadlock_timeout.
set lock_timeout = '900ms' set enable_seqscan = off
as $$
begin
  perform from public.users where id = any(p_user_ids) order by id for key share;
exception when lock_not_available then
  perform private.raise_error('CONFLICT', null, 'One of these users is just being deleted. Ask again.');
end;
$$;
comment on function private.keep_users(uuid[]) is
  'These users stay to the end of the transaction. A statement that deletes several users does so in no order, and a circle must not end the deletion: who asks for several gives way.';

create function private.keep_owners(p_job_ids uuid[])
returns uuid[]
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
begin
  return array(
    select id
    from public.users
    where id = any(array(select user_id from public.job_queue where id = any(p_job_ids) and user_id is not null))
    for key share skip locked);
end;
$$;
comment on function private.keep_owners(uuid[]) is
  'The owners of these jobs, who are there from now to the end of the transaction; who is just going, or somebody holds, is left out. For what ends jobs one after the other and waits for nobody: PostgreSQL looks for the user when one transaction gives units back twice.';

create function private.count_deferred_jobs(p_user_ids uuid[])
returns int[]
language plpgsql stable set search_path = ''
-- Hashes, also where the caller wants none: of hundreds of users and as many starts there are many pairs.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = on set enable_nestloop = off
set jit = off
as $$
begin
  if not exists (select from private.job_lease where started_at is not null and user_ids is not null) then
    return null;
  end if;
  return array(
    select count(held.user_id)::int
    from unnest(p_user_ids) with ordinality as asked (user_id, place)
    left join (
      select own.user_id
      from private.job_lease as lease
      cross join lateral unnest(lease.job_ids, lease.user_ids) as own (job_id, user_id)
      -- Who has been cancelled or deleted since is held no more.
      cross join lateral (
        select from public.job_queue as job
        where job.id = own.job_id and job.status = 'pending' and job.fencing_token = 0
        offset 0
      ) as job
      where lease.started_at is not null and lease.user_ids is not null
        -- Of many, those that are not asked for are few.
        and (cardinality(p_user_ids) > 10 or own.user_id = any(p_user_ids))
    ) as held on held.user_id = asked.user_id
    group by asked.place
    order by asked.place);
end;
$$;
comment on function private.count_deferred_jobs(uuid[]) is
  'How many jobs of each of these users have started, but not in their rows; null for none at all. Stable: it sees what the statement sees that calls it, and counts with it.';

create function private.count_active_jobs(p_user_id uuid)
returns int
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
begin
  -- Counting stops early: more than this says nothing more.
  return (
    select count(*)
    from (
      select from private.job_waiting where user_id = p_user_id and is_counted
      union all
      select from private.job_active where user_id = p_user_id
      limit 1000
    ) as active
  ) + coalesce((private.count_deferred_jobs(array[p_user_id]))[1], 0);
end;
$$;
comment on function private.count_active_jobs(uuid) is
  'A user''s active top-level jobs. Volatile: must see what was committed after a lock.';

create function private.active_jobs(p_user_id uuid)
returns uuid[]
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
begin
  return array(
    select job_id from private.job_waiting where user_id = p_user_id and is_counted
    union all
    select job_id from private.job_active where user_id = p_user_id
    union all
    select own.job_id
    from private.job_lease as lease
    cross join lateral unnest(lease.job_ids, lease.user_ids) as own (job_id, user_id)
    where lease.started_at is not null and lease.user_ids is not null and own.user_id = p_user_id);
end;
$$;
comment on function private.active_jobs(uuid) is
  'A user''s active top-level jobs, and what has ended in the lease of a start that is not written. Volatile, as count_active_jobs().';

revoke all on function
  private.know_users(uuid[]),
  private.keep_users(uuid[]),
  private.keep_owners(uuid[]),
  private.count_deferred_jobs(uuid[]),
  private.count_active_jobs(uuid),
  private.active_jobs(uuid)
from public, anon, authenticated, service_role;

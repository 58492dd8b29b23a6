-- What follows for jobs from a change of their type, and how all that triggers keep is filled anew.

-- In place of a foreign key. Whoever inserts meanwhile waits, and then finds the type gone or renamed.
create function private.tg_job_type__keep_jobs()
returns trigger
language plpgsql volatile security definer set search_path = ''
-- As tg_job_type__count_running(); longer, since vacuum gives way only after a while.
set lock_timeout = '10s'
as $$
begin
  lock table public.job_queue in share row exclusive mode;
  if tg_op = 'UPDATE' then
    -- By the name under which they are listed.
    perform private.write_out(array[old.name]);
    update public.job_queue set job_type = new.name where job_type = old.name;
    update private.job_lease set job_type = new.name where job_type = old.name;
  elsif exists (select from public.job_queue where job_type = old.name) then
    raise foreign_key_violation using message = format('There are jobs of the type "%s".', old.name);
  end if;
  return null;
end;
$$;
comment on function private.tg_job_type__keep_jobs() is
  'Trigger: jobs follow their type''s new name, and keep it from being deleted. Lends the right to change the queue.';

create trigger _100_keep_jobs_on_rename
  after update on public.job_type
  for each row when (old.name <> new.name)
  execute function private.tg_job_type__keep_jobs();

create trigger _100_keep_jobs_on_delete
  after delete on public.job_type
  for each row execute function private.tg_job_type__keep_jobs();

-- When a type gets its first limit, what runs already counts.
create function private.tg_job_type__count_running()
returns trigger
language plpgsql volatile security definer set search_path = ''
-- Whoever comes behind this waits, too: all claims and heartbeats. A transaction that stays open, say of one who
-- has handed over a job, must not stop them for longer than a heartbeat may take.
set lock_timeout = '3s'
as $$
begin
  if coalesce(old.max_concurrency, old.max_per_user, old.rate_limit) is null
    and coalesce(new.max_concurrency, new.max_per_user, new.rate_limit) is not null
  then
    -- Claims that are under way have not counted theirs, and who comes after them knows of the limit.
    lock table private.job_lease in exclusive mode;
    perform private.write_out(array[new.name]);
    insert into private.job_running (job_id, job_type, user_id)
    select job.id, job.job_type, job.user_id
    from private.job_lease as lease
    join public.job_queue as job on job.id = any(lease.job_ids)
    where lease.job_type = old.name and job.status = 'processing' and job.job_type = new.name
    on conflict do nothing;
  end if;
  return null;
end;
$$;
comment on function private.tg_job_type__count_running() is
  'Trigger. Lends the right to count running jobs to whoever tunes a type.';

create trigger _200_count_running
  after update on public.job_type
  for each row execute function private.tg_job_type__count_running();

create function private.rebuild_side_tables()
returns void
language plpgsql volatile security definer set search_path = ''
as $$
begin
  -- Writers wait: what is under way would be listed twice or not at all. (A job that is started otherwise
  -- than by a claim locks the other way round: of two that meet so, one has to be repeated.)
  lock table private.job_lease in access exclusive mode;
  lock table public.job_queue in share mode;
  perform private.write_starts(array(select lease_id from private.job_lease where started_at is not null));
  truncate private.job_waiting, private.job_bundle, private.job_lease, private.job_running, private.job_active, private.job_failure;
  insert into private.job_waiting (
    job_id, user_id, job_type, job_priority, is_counted, turn, held_by, scheduled_for, expires_at)
  select id, user_id, job_type, job_priority, user_id is not null and parent_job_id is null,
    case when crash_streak = 0 then turn end,
    case when crash_streak > 0 and turn is not null then 'crash' else held_by end, scheduled_for, expires_at
  from public.job_queue
  where status = 'pending'
  order by job_priority, turn, created_at;
  perform private.list_running_jobs(array(select id from public.job_queue where status = 'processing'));
  insert into private.job_active (user_id, job_id)
  select user_id, id
  from public.job_queue
  where user_id is not null and parent_job_id is null and status = 'processing';
  perform private.know_users(array(
    select user_id
    from public.job_queue
    where user_id is not null and parent_job_id is null and completed_at is null
    group by user_id));
  insert into private.job_failure (job_id, job_type, failed_at)
  select id, job_type, completed_at from public.job_queue where status = 'failed';
  perform private.recount_jobs();
  perform private.lower_cursors();
end;
$$;
comment on function private.rebuild_side_tables() is
  'Fills everything that triggers keep from the jobs themselves, after a load without triggers; writers wait meanwhile. Lends the right to write the side tables.';

revoke all on function
  private.tg_job_type__keep_jobs(),
  private.tg_job_type__count_running(),
  private.rebuild_side_tables()
from public, anon, authenticated, service_role;

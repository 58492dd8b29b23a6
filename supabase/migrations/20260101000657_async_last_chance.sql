-- A job that kills its worker must not fail those that happened to run beside it. Who was guilty nobody sees: every
-- job that ran in the process counts a crash. So what has crashed runs apart from all that has not, and among fewer
-- of its kind after every crash: where a worker runs n jobs at once, and max_crashes is 3, among n at first, then
-- among the square root of n, and at its last chance alone.
--
-- A job that has crashed since it last moved on stands in no lane. Its own row is that of any job which stands in
-- line; its entry of job_waiting has no turn, and is held by 'crash' (async_job_updates.sql). So no claim passes over
-- it, and a queue in which nothing has crashed pays for one look into an empty index where somebody asks. A worker of
-- ours is told by its heartbeat that such jobs are due, and takes some (take_crashed_jobs()) when nothing else runs in
-- its process, and nothing else until they have ended. Whoever does not say that it will ask for them so, such as
-- claim_jobs(), is given them among the others, and start_job() starts any.

create function private.crashed_users(p_open private.open_job_type[])
returns table (job_type text, user_id uuid)
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  return query
  -- As private.capped_users_with_room(): a hundred from a random one on, round and round, and the system.
  with recursive holder as (
    select open_type.name, open_type.blocked_users, first.user_id, first.user_id as first_user_id, 1 as step
    from (select *, gen_random_uuid() as from_user_id from unnest(p_open)) as open_type
    cross join lateral (
      select coalesce(
        (select user_id from private.job_waiting
          where held_by = 'crash' and job_type = open_type.name and user_id > open_type.from_user_id
          order by user_id limit 1),
        (select user_id from private.job_waiting
          where held_by = 'crash' and job_type = open_type.name and user_id is not null
          order by user_id limit 1)) as user_id
    ) as first
    where first.user_id is not null
    union all
    select holder.name, holder.blocked_users, next.user_id, holder.first_user_id, holder.step + 1
    from holder
    cross join lateral (
      select coalesce(
        (select user_id from private.job_waiting
          where held_by = 'crash' and job_type = holder.name and user_id > holder.user_id
          order by user_id limit 1),
        (select user_id from private.job_waiting
          where held_by = 'crash' and job_type = holder.name and user_id is not null
          order by user_id limit 1)) as user_id
    ) as next
    where holder.step < 100 and next.user_id <> holder.first_user_id
  )
  select name, user_id from holder where user_id <> all(blocked_users)
  union all
  select open_type.name, null
  from unnest(p_open) as open_type
  -- Not exists(): the planner might hash all of them.
  where (
    select true from private.job_waiting as waiting
    where waiting.held_by = 'crash' and waiting.job_type = open_type.name and waiting.user_id is null
    limit 1);
end;
$$;
comment on function private.crashed_users(private.open_job_type[]) is
  'Who has jobs of these types that have crashed and may be started; null = the system.';

create function private.crashed_heads(p_open private.open_job_type[], p_limit int)
returns table (job_id uuid, job_type text, user_id uuid, job_priority smallint, place bigint, scheduled_for timestamptz)
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  if not exists (select from private.job_waiting where held_by = 'crash') then
    return;
  end if;
  return query
  with holder as materialized (
    select job_type, user_id, ceil(p_limit::double precision / count(*) over ())::int as share
    from private.crashed_users(p_open)
  )
  select first.*
  from holder
  cross join lateral (
    (select waiting.job_id, waiting.job_type, waiting.user_id, waiting.job_priority, waiting.place, waiting.scheduled_for
    from private.job_waiting as waiting
    where waiting.held_by = 'crash' and waiting.job_type = holder.job_type and waiting.user_id = holder.user_id
      and (waiting.expires_at is null or waiting.expires_at > now())
    -- The whole of the index, or it would sort all there are.
    order by waiting.user_id, waiting.job_priority, waiting.place
    limit holder.share)
    union all
    (select waiting.job_id, waiting.job_type, waiting.user_id, waiting.job_priority, waiting.place, waiting.scheduled_for
    from private.job_waiting as waiting
    where holder.user_id is null and waiting.held_by = 'crash' and waiting.job_type = holder.job_type
      and waiting.user_id is null and (waiting.expires_at is null or waiting.expires_at > now())
    order by waiting.user_id, waiting.job_priority, waiting.place
    limit holder.share)
  ) as first
  where first.scheduled_for <= now();
end;
$$;
comment on function private.crashed_heads(private.open_job_type[], int) is
  'Some p_limit jobs of these types that have crashed and may be started, the same share of each user.';

create function private.crashed_since(p_open private.open_job_type[])
returns table (job_type text, due_at timestamptz)
language plpgsql volatile set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select job_type, min(scheduled_for) from private.crashed_heads(p_open, 50) group by job_type;
end;
$$;
comment on function private.crashed_since(private.open_job_type[]) is
  'Those of these types with jobs that have crashed and could start this moment, and since when.';

create function private.crashed_ms()
returns bigint
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
begin
  if not exists (select from private.job_waiting where held_by = 'crash') then
    return null;
  end if;
  return (
    -- The clock may have been set back since.
    select greatest(0, date_part('epoch', clock_timestamp() - min(due_at)) * 1000)::bigint
    from private.crashed_since(array(select open_type from private.open_job_types(1) as open_type))
    having count(*) > 0);
end;
$$;
comment on function private.crashed_ms() is
  'For how many milliseconds jobs that have crashed could have run; null = there is none.';

create function private.line_up_crashed_jobs(p_job_types text[])
returns int
language plpgsql volatile set search_path = ''
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
as $$
declare
  v_lined_up int;
  v_job_ids uuid[] := array(
    select job_id
    from private.job_waiting
    where held_by = 'crash' and job_type = any(coalesce(p_job_types, array(select name from public.job_type)))
    limit 1000
    for update skip locked);
begin
  v_job_ids := array(
    select id from public.job_queue where id = any(v_job_ids) and status = 'pending' and turn is not null);
  with arrived as (
    update private.job_waiting as waiting
    set held_by = null, turn = (select turn from public.job_queue where id = waiting.job_id)
    where waiting.job_id = any(v_job_ids)
    returning waiting.job_type, waiting.job_priority, waiting.turn
  ),
  -- As tg_job_queue__after_update(): they may come to stand below where a claim looks; also at the same turn, for
  -- their places are old ones.
  lowered as (
    update private.job_cursor as cursor
    set turn = late.turn, place = 0
    from (select job_type, job_priority, min(turn) as turn from arrived group by job_type, job_priority) as late
    where cursor.job_type = late.job_type and cursor.job_priority = late.job_priority and cursor.turn >= late.turn
  )
  select count(*) into v_lined_up from arrived;
  return v_lined_up;
end;
$$;
comment on function private.line_up_crashed_jobs(text[]) is
  'Puts jobs that have crashed among the others, for workers that know of no difference; returns how many.';

revoke all on function
  private.crashed_users(private.open_job_type[]),
  private.crashed_heads(private.open_job_type[], int),
  private.crashed_since(private.open_job_type[]),
  private.crashed_ms(),
  private.line_up_crashed_jobs(text[])
from public, anon, authenticated, service_role;

-- What the tick puts right in lines of the system's jobs, and in what counts as running.

create function private.unfold_limited()
returns int
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
declare
  v_bundle_ids constant bigint[] := array(
    select bundle.bundle_id
    from public.job_type as type
    join private.job_bundle as bundle on bundle.job_type = type.name
    where coalesce(type.max_concurrency, type.max_per_user, type.rate_limit) is not null
    limit 10
    for update of bundle skip locked);
begin
  if v_bundle_ids <> '{}' then
    perform private.unfold_bundles(v_bundle_ids);
    perform private.ring_doorbell();
  end if;
  return cardinality(v_bundle_ids);
end;
$$;
comment on function private.unfold_limited() is
  'A claim starts bundled jobs without counting them. So where a type got its first limit while jobs of it were created, no claim takes them before they stand alone; returns how many bundles that were.';

create function private.pull_in_system_turns()
returns int
language plpgsql volatile set search_path = ''
set enable_seqscan = off
as $$
declare
  -- As in private.enter_line().
  v_line constant bigint := hashtextextended('job_epoch', pg_sequence_last_value('private.job_epoch'));
  v_lane record;
  v_last bigint;
  v_pulled_in int := 0;
begin
  -- Who has lined up and not committed is not seen, and whoever came next would stand before them. Taken and given
  -- back in one expression: between two statements a call may be cancelled, and everybody would wait for this session.
  if not (case when pg_try_advisory_lock(v_line) then pg_advisory_unlock(v_line) else false end) then
    return 0;
  end if;
  for v_lane in
    select job_priority, virtual_time, system_turns
    from private.job_lane
    where pg_sequence_last_value(system_turns) > virtual_time
  loop
    select greatest(v_lane.virtual_time, max(last.waiting), max(last.bundled)) into v_last
    from public.job_type as type
    cross join lateral (
      select (
        select waiting.turn from private.job_waiting as waiting
        where waiting.job_type = type.name and waiting.job_priority = v_lane.job_priority and waiting.turn is not null
        order by waiting.turn desc, waiting.place desc limit 1
      ) as waiting, (
        select bundle.turn + bundle.jobs - 1 from private.job_bundle as bundle
        where bundle.job_type = type.name and bundle.job_priority = v_lane.job_priority
        order by bundle.turn desc limit 1
      ) as bundled
    ) as last;
    -- Who lines up this very moment may come to stand between others: that is all.
    if pg_sequence_last_value(v_lane.system_turns) > v_last then
      perform setval(v_lane.system_turns, greatest(v_last, 1));
      v_pulled_in := v_pulled_in + 1;
    end if;
  end loop;
  return v_pulled_in;
end;
$$;
comment on function private.pull_in_system_turns() is
  'Sets back where the system''s next job lines up, in lanes whose last ones were cancelled or never committed: else it would stand as many turns behind all users. Returns how many lanes; none while anybody lines up.';

create function private.forget_ended_jobs()
returns int
language plpgsql volatile set search_path = ''
-- What runs of limited types, each looked up.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_forgotten int;
begin
  delete from private.job_running as running
  where not exists (
    select from public.job_queue as job where job.id = running.job_id and job.status = 'processing');
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end;
$$;
comment on function private.forget_ended_jobs() is
  'What was counted as running when its type got its first limit, and was ending at that moment, would take a slot for ever; returns how many that were.';

revoke all on function
  private.forget_ended_jobs(),
  private.unfold_limited(),
  private.pull_in_system_turns()
from public, anon, authenticated, service_role;

-- What runs when. A schedule calls one named function and holds no URL and no key: only
-- private.invoke_function() knows Vault and pg_net. Between two ticks the doorbell wakes a worker (async_doorbell.sql).

create extension if not exists pg_cron with schema pg_catalog;
create extension if not exists pg_net with schema extensions;

create function private.invoke_function(p_name text, p_body jsonb default '{}')
returns bigint
language plpgsql volatile set search_path = ''
as $$
declare
  v_url text;
  v_key text;
begin
  select
    max(decrypted_secret) filter (where name = 'project_url'),
    max(decrypted_secret) filter (where name = 'automation_key')
  into v_url, v_key
  from vault.decrypted_secrets
  where name in ('project_url', 'automation_key');

  -- A null header would be sent without complaint and refused where nobody looks.
  if coalesce(v_url, '') = '' or coalesce(v_key, '') = '' then
    perform private.raise_error('SERVICE_UNAVAILABLE', null,
      'Vault lacks the secret project_url or automation_key.');
  end if;

  return net.http_post(
    url := rtrim(v_url, '/') || '/functions/v1/' || p_name,
    body := p_body,
    headers := jsonb_build_object('Content-Type', 'application/json', 'apikey', v_key),
    timeout_milliseconds := 5000
  );
end;
$$;
comment on function private.invoke_function(text, jsonb) is
  'Posts to one of our edge functions through pg_net, at commit; returns the id of the request.';

create function private.last_ring_status()
returns int
language plpgsql volatile set search_path = ''
as $$
begin
  -- pg_net keeps answers for hours, and finds them by time only.
  return (
    select response.status_code
    from private.job_tick as tick
    join net._http_response as response on response.id = any(tick.ring_ids)
      and response.created between tick.rang_at - interval '1 minute' and tick.rang_at + interval '1 minute'
    order by response.id desc
    limit 1
  );
exception when insufficient_privilege then
  return null;
end;
$$;
comment on function private.last_ring_status() is
  'HTTP status of the newest answer to a ring of the tick; null = none yet, or no answer came.';

create function private.process_background_jobs()
returns text
language plpgsql volatile set search_path = ''
as $$
declare
  v_worked boolean;
  v_ring_id bigint;
  v_outcome text := 'idle';
begin
  -- Workers do this too when they claim; the tick does it when there is no worker.
  v_worked := private.put_queue_right();
  v_worked := private.lower_cursors() > 0 or v_worked;
  v_worked := private.unfold_limited() > 0 or v_worked;
  v_worked := private.forget_ended_jobs() > 0 or v_worked;
  perform private.pull_in_system_turns();
  -- What was created for a paused user since the pause, or was locked when it began.
  v_worked := private.put_blocked_jobs_aside(
    array(select open_type from private.open_job_types(1) as open_type)) > 0 or v_worked;
  -- A fault in one of these keeps nobody from being woken.
  begin
    v_worked := private.sweep_batches() > 0 or v_worked;
  exception when others then
    raise warning 'the batches were not swept: %', sqlerrm;
  end;
  begin
    perform private.roll_up_job_counts();
  exception when others then
    raise warning 'the counters were not added up: %', sqlerrm;
  end;
  delete from public.job_worker where heartbeat_at < now() - interval '1 minute';
  delete from private.job_sleeper
  where sleeper_id in (
    select sleeper_id from private.job_sleeper where hears_until < now() - interval '1 minute' for update skip locked);

  -- A refusal is asked about again, or health would not see that it has been put right.
  if private.oldest_due_at() is not null or private.last_ring_status() in (401, 403) then
    if (select live from private.live_workers()) >= (select max_workers from private.job_setting) then
      v_outcome := 'busy';
    else
      -- Rings even if a worker looks idle: it may have died since it said so.
      begin
        v_ring_id := private.invoke_function('job-processor');
        v_outcome := 'rang';
      exception when others then
        raise warning 'the doorbell did not ring: %', sqlerrm;
        v_outcome := 'failed';
      end;
    end if;
  end if;

  update private.job_tick
  set ticked_at = clock_timestamp(),
    rang_at = case when v_outcome = 'rang' then clock_timestamp() else rang_at end,
    ring_ids = case when v_outcome = 'rang' then (v_ring_id || ring_ids)[1:3] else ring_ids end,
    worked_at = case when v_worked then clock_timestamp() else worked_at end
  where id;
  return v_outcome;
end;
$$;
comment on function private.process_background_jobs() is
  'The tick: recovers, expires, promotes, holds, sweeps batches, adds up counters, and rings when due work waits; returns idle, rang, busy or failed.';

create function private.keep_house()
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  perform private.ensure_job_log_partitions();
  perform private.drop_job_log_partitions();
  -- pg_cron keeps every run for ever.
  delete from cron.job_run_details where end_time < now() - interval '3 days';
end;
$$;
comment on function private.keep_house() is
  'Daily: makes and drops log partitions, trims the run history of pg_cron.';

create view private.timetable (name, schedule, command) with (security_invoker = true) as
values
  ('process-background-jobs', '10 seconds', 'select private.process_background_jobs()'),
  ('detect-stuck', '* * * * *', 'select private.recover_lost_jobs()'),
  ('expire-stale', '* * * * *', 'select private.expire_pending_jobs()'),
  ('cleanup-jobs', '17 3 * * *', 'select private.cleanup_old_jobs()'),
  ('cleanup-rate-limits', '27 3 * * *', 'select private.cleanup_rate_limits()'),
  ('refresh-tokens', '13 */6 * * *', 'select private.enqueue_token_refreshes()'),
  ('auto-sync', '*/5 * * * *', 'select private.enqueue_due_syncs()'),
  ('follower-sync', '23 */6 * * *', 'select private.enqueue_follower_syncs()'),
  ('settle-search', '* * * * *', 'select private.settle_content_search()'),
  ('cleanup-sync-passes', '41 * * * *', 'select private.cleanup_sync_passes()'),
  ('cleanup-oauth-states', '47 * * * *', 'select private.cleanup_oauth_states()'),
  ('cleanup-orphaned-grants', '51 * * * *', 'select private.cleanup_orphaned_grants()'),
  ('cleanup-cache', '57 * * * *', 'select private.cleanup_cache_store()'),
  ('cleanup-notifications', '7 * * * *', 'select private.cleanup_notifications()'),
  ('cleanup-audit-log', '9 * * * *', 'select private.cleanup_audit_log()'),
  -- Cycles end at any time of any day; nothing to do is one look at an index.
  ('reset-quotas', '* * * * *', 'select private.reset_quotas()'),
  ('keep-house', '37 3 * * *', 'select private.keep_house()');

comment on view private.timetable is
  'Every schedule of the product. After changing it: select private.apply_timetable().';

create function private.apply_timetable()
returns void
language plpgsql volatile set search_path = ''
as $$
declare
  -- pg_cron before 1.5, such as Debian 12's, knows no seconds: there the tick comes once a minute.
  v_knows_seconds constant boolean := coalesce(
    (select string_to_array(regexp_replace(extversion, '[^0-9.].*', ''), '.')::int[] >= array[1, 5]
     from pg_extension where extname = 'pg_cron'),
    true);
begin
  -- Retired names go; what somebody else scheduled stays.
  perform cron.unschedule(job.jobid)
  from cron.job as job
  where job.command like 'select private.%'
    and job.jobname not in (select name from private.timetable);
  perform cron.schedule(
    name, case when schedule like '% seconds' and not v_knows_seconds then '* * * * *' else schedule end, command)
  from private.timetable;
end;
$$;
comment on function private.apply_timetable() is 'Makes pg_cron run what the timetable says; repeatable.';

revoke all on private.timetable from public, anon, authenticated, service_role;
revoke all on function
  private.invoke_function(text, jsonb),
  private.last_ring_status(),
  private.process_background_jobs(),
  private.keep_house(),
  private.apply_timetable()
from public, anon, authenticated, service_role;

select private.apply_timetable();

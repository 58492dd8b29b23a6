-- 002 Content meets 006 Async: accounts are synced when they are due, without anybody asking.

-- Accounts are locked before the jobs, against the order that everybody else keeps (end_connection.sql). So nobody is
-- waited for: accounts and owners that somebody holds are passed over, as are owners who ask for a job just now.
-- They are due in the next run, too; and two runs at once share the work.
create function private.enqueue_due_syncs(p_limit int default 500)
returns int
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_account record;
  v_next_at timestamptz;
  v_quota record;
  v_made record;
  v_code text;
  v_created int := 0;
begin
  for v_account in
    with due as materialized (
      select account.id, account.user_id, account.platform_name, account.sync_interval, account.connection_id
      from public.social_account as account
      join public.users as owner on owner.id = account.user_id
      where account.sync_mode = 'auto' and account.is_active and account.status = 'active'
        and account.deleted_at is null and account.next_sync_at <= now()
      order by account.next_sync_at
      limit p_limit
      -- A job needs its owner's row, too. Whoever deletes a user comes from there to the accounts, so an owner
      -- who is locked is passed over.
      for no key update of account skip locked for key share of owner skip locked
    )
    select due.*, type.quota_type,
      type.name is not null and platform.is_enabled and coalesce(setting.auto_sync_enabled, true)
        and exists (select from public.platform_connection as connection
          where connection.id = due.connection_id and connection.status = 'active') as is_wanted,
      (select max(quota.exhausted_until) from private.provider_quota as quota
        where quota.platform = due.platform_name and quota.bucket = 'default'
          and quota.exhausted_until > now()) as exhausted_until
    from due
    join public.platform on platform.name = due.platform_name
    left join public.job_type as type on type.name = 'sync_' || due.platform_name
    left join public.user_setting as setting on setting.user_id = due.user_id
    order by due.user_id, due.id
  loop
    v_next_at := private.next_sync_at(v_account.user_id, v_account.sync_interval);
    -- Who does not want to be synced, or cannot be, is looked at again when another sync would be due.
    if v_account.is_wanted then
      select * into v_quota from private.read_quota(v_account.user_id, v_account.quota_type);
      if v_account.quota_type is not null and coalesce(v_quota.used >= v_quota.max_units, true) then
        -- When there are units again, though not with everybody in the same second.
        v_next_at := greatest(v_next_at, coalesce(v_quota.resets_at, now()) + random() * interval '1 hour');
      elsif v_account.exhausted_until is not null then
        v_next_at := v_account.exhausted_until + random() * interval '1 hour';
      else
        -- As private.lock_requests().
        continue when not pg_try_advisory_xact_lock(hashtextextended('job_queue:' || v_account.user_id, 0));
        begin
          -- Spread to the next run. Joined however old it is: two syncs of one account would only fight.
          select * into v_made from private.find_or_create_job(
            v_account.user_id, 'sync_' || v_account.platform_name,
            jsonb_build_object('social_account_id', v_account.id),
            p_dedupe_window => interval '10 years',
            p_scheduled_for => now() + random() * interval '4 minutes');
          v_created := v_created + (v_made.outcome = 'created')::int;
        exception when others then
          get stacked diagnostics v_code = pg_exception_hint;
          if v_code in ('JOB_LIMIT_REACHED', 'QUOTA_EXCEEDED') then
            v_next_at := now() + (1 + random()) * interval '15 minutes';
          else
            raise warning 'account % was not enqueued: %', v_account.id, sqlerrm;
          end if;
        end;
      end if;
    end if;
    update public.social_account set next_sync_at = v_next_at where id = v_account.id;
  end loop;
  return v_created;
end;
$$;
comment on function private.enqueue_due_syncs(int) is
  'Every five minutes: a sync job for each account that is due, longest due first; who cannot be synced now is due again later. Returns how many jobs were created. Lends the right to read connections and enqueue.';
revoke all on function private.enqueue_due_syncs(int) from public, anon, authenticated, service_role;

-- Between syncs, and for those who are synced rarely: one call per account. The jobs are the system's and
-- cost their owner nothing.
insert into public.job_type (
  name, category, description, default_priority, max_retries, backoff_base, backoff_cap, lease,
  max_runtime, expires_after, dedupe_window, cache_ttl, max_concurrency, user_creatable, retention
) values (
  'follower_sync', 'platform_sync', 'Asks a platform how many follow an account.', 8, 3,
  '1 minute', '1 hour', '30 seconds', '5 minutes', '12 hours',
  -- As long as any of them may live: one job for an account.
  '1 day', null, 5, false, '2 days'
);

create function private.enqueue_follower_syncs()
returns int
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_batch record;
  v_last_id uuid := '00000000-0000-0000-0000-000000000000';
  v_created int := 0;
begin
  loop
    select jsonb_agg(jsonb_build_object('job_type', 'follower_sync', 'key', due.id,
        'params', jsonb_build_object('social_account_id', due.id),
        -- Over the hours until the next round, so that providers see a trickle.
        'delay_ms', floor(random() * 5 * 3600000))) as jobs,
      count(*) as size, (array_agg(due.id order by due.id desc))[1] as last_id
    into v_batch
    from (
      select account.id
      from public.social_account as account
      join public.platform_connection as connection on connection.id = account.connection_id
      join public.platform on platform.name = account.platform_name
      where account.id > v_last_id and account.deleted_at is null and account.is_active
        and account.status = 'active' and connection.status = 'active' and platform.is_enabled
        -- A sync has asked meanwhile.
        and account.facts_updated_at < now() - interval '6 hours'
        and exists (select from public.job_type where name = 'sync_' || account.platform_name)
      order by account.id
      limit 1000
    ) as due;
    exit when v_batch.size = 0;

    v_created := v_created + (
      select count(*) from private.create_jobs(v_batch.jobs) as made where made.outcome = 'created');
    v_last_id := v_batch.last_id;
  end loop;
  return v_created;
end;
$$;
comment on function private.enqueue_follower_syncs() is
  'Every six hours: a job for each account whose followers were not asked for meanwhile and which has none yet; returns how many. Lends the right to read connections and enqueue.';
revoke all on function private.enqueue_follower_syncs() from public, anon, authenticated, service_role;

-- 001 Platform connections meets 006 Async: tokens are renewed before they end, so that a sync finds good
-- ones and a grant that is gone is noticed without one. The jobs are the system's: the owner has not asked
-- for them, so they take none of their places and none of their quota; how it went stands on the connection.

insert into public.job_type (
  name, category, description, default_priority, max_retries, backoff_base, backoff_cap, lease,
  max_runtime, expires_after, dedupe_window, cache_ttl, max_concurrency, user_creatable, retention
) values (
  'token_refresh', 'token_refresh', 'Renews the tokens of a connected account before they end.', 6, 5,
  '1 minute', '1 hour',
  -- Longer than the worker that holds the tokens is waited for.
  '2 minutes',
  '10 minutes', '12 hours',
  -- As long as any of them may live: one job for a connection.
  '1 day', null, 10, false, '2 days'
);

-- Spread over what is left of the time, at most five of the six hours until the next round: providers see a
-- trickle, and a worker other work in between. What has ended already can only be renewed by a refresh token,
-- which is in no hurry.
create function private.token_refresh_due_at(p_connection_id uuid, p_token_expires_at timestamptz)
returns timestamptz
language sql stable set search_path = ''
as $$
  select now() + (hashtextextended(p_connection_id::text, 0) & 65535) / 65536.0 * case
    when p_token_expires_at <= now() then interval '5 hours'
    else least(interval '5 hours', greatest(interval '0', p_token_expires_at - now() - interval '30 minutes'))
  end;
$$;
comment on function private.token_refresh_due_at(uuid, timestamptz) is
  'When the tokens of a connection are renewed: any time until shortly before they end, always the same for one.';
revoke all on function private.token_refresh_due_at(uuid, timestamptz)
  from public, anon, authenticated, service_role;

create function private.enqueue_token_refreshes()
returns int
language plpgsql volatile security definer set search_path = ''
as $$
declare
  batch record;
  last_expiry timestamptz := '-infinity';
  last_id uuid := '00000000-0000-0000-0000-000000000000';
  created int := 0;
begin
  loop
    select jsonb_agg(jsonb_build_object(
        'job_type', 'token_refresh', 'key', due.id, 'params', jsonb_build_object(
          'social_account_id', due.account_id, 'token_version', due.token_version),
        'scheduled_for', private.token_refresh_due_at(due.id, due.token_expires_at))) as jobs,
      count(*) as size, max(due.token_expires_at) as last_expiry,
      (array_agg(due.id order by due.token_expires_at desc, due.id desc))[1] as last_id
    into batch
    from (
      select connection.id, connection.token_expires_at, connection.token_version, account.id as account_id
      from public.platform_connection as connection
      join public.platform on platform.name = connection.platform_name
      cross join lateral (
        select own.id from public.social_account as own
        where own.connection_id = connection.id and own.deleted_at is null
        limit 1
      ) as account
      where connection.status = 'active' and connection.token_expires_at < now() + platform.refresh_ahead
        and (connection.token_expires_at, connection.id) > (last_expiry, last_id)
      order by connection.token_expires_at, connection.id
      limit 1000
    ) as due;
    exit when batch.size = 0;

    created := created + (
      select count(*) from private.create_jobs(batch.jobs) as made where made.outcome = 'created');
    last_expiry := batch.last_expiry;
    last_id := batch.last_id;
  end loop;
  return created;
end;
$$;
comment on function private.enqueue_token_refreshes() is
  'Every six hours: a job for each connection whose tokens end soon (platform.refresh_ahead) and which has none yet; returns how many. Lends the right to read connections and enqueue.';
revoke all on function private.enqueue_token_refreshes() from public, anon, authenticated, service_role;
grant execute on function private.enqueue_token_refreshes() to service_role;

create function public.enqueue_token_refreshes()
returns int
language sql volatile set search_path = ''
as $$
  select private.enqueue_token_refreshes();
$$;
comment on function public.enqueue_token_refreshes() is
  'Service only. Enqueues a refresh for each connection whose tokens end soon; returns how many are new.';
revoke all on function public.enqueue_token_refreshes() from public, anon, authenticated, service_role;
grant execute on function public.enqueue_token_refreshes() to service_role;

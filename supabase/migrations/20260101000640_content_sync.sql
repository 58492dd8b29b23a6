-- 002 Content meets 006 Async: asking for a sync.

-- On the way of every sync that a user asks for: few statements, each of which costs more than what it
-- reads, and plpgsql, which keeps its plans.
create function private.request_sync(
  p_platform text, p_social_account_id uuid, p_max_results int,
  out job_id uuid, out status text, out outcome text
)
language plpgsql volatile security definer set search_path = ''
as $$
declare
  owner_id constant uuid := auth.uid();
  account record;
  job record;
begin
  if owner_id is null then
    perform private.raise_error('UNAUTHENTICATED');
  end if;

  -- Without a name the choice must be clear; an account whose grant is gone is no choice.
  select own.id, own.status, own.is_active, own.connection_id,
    exists (select from public.platform where name = p_platform and is_enabled) as is_platform_enabled,
    p_social_account_id is null and (
      select count(*) from public.social_account as usable
      where usable.user_id = owner_id and usable.platform_name = p_platform
        and usable.deleted_at is null and usable.status <> 'disconnected') > 1 as is_ambiguous
  into account
  from public.social_account as own
  where own.user_id = owner_id and own.platform_name = p_platform and own.deleted_at is null
    and (p_social_account_id is null or own.id = p_social_account_id)
  order by own.status = 'disconnected'
  limit 1;

  if account.is_platform_enabled is not true then
    perform private.check_platform_enabled(p_platform);
  end if;
  if p_max_results not between 1 and 20000 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_max_results'),
      'The number of results must be between 1 and 20 000.');
  end if;
  if account.is_ambiguous then
    perform private.raise_error('SOCIAL_ACCOUNT_AMBIGUOUS');
  elsif account.id is null then
    perform private.raise_error('SOCIAL_ACCOUNT_NOT_FOUND');
  elsif account.status = 'disconnected' or account.connection_id is null then
    perform private.raise_error('CONNECTION_REVOKED');
  elsif account.status <> 'active' or not account.is_active then
    perform private.raise_error('CONFLICT', jsonb_build_object('status', account.status, 'is_active', account.is_active),
      'This account is paused or suspended.');
  end if;

  -- Counted here, since the data API reaches this function too and a provider's quota is shared by all.
  perform private.assert_rate_limit('sync-' || p_platform, owner_id);

  -- One sync of an account at a time, however many results are asked for. The schedule spreads its syncs over
  -- minutes: who asks does not wait for that.
  job := private.find_or_create_job(owner_id, 'sync_' || p_platform,
    jsonb_strip_nulls(jsonb_build_object('social_account_id', account.id, 'max_results', p_max_results)),
    p_asks_for => jsonb_build_object('social_account_id', account.id));
  job_id := job.job_id;
  status := job.status;
  outcome := job.outcome;
end;
$$;
comment on function private.request_sync(text, uuid, int) is
  'Body of request_sync(). Lends the right to enqueue a job type that users may not create directly.';
revoke all on function private.request_sync(text, uuid, int) from public, anon, authenticated, service_role;
grant execute on function private.request_sync(text, uuid, int) to authenticated;

create function public.request_sync(
  p_platform text, p_social_account_id uuid default null, p_max_results int default null
)
returns table (job_id uuid, status text, outcome text)
language plpgsql volatile rows 1 set search_path = ''
as $$
declare
  made constant record := private.request_sync(p_platform, p_social_account_id, p_max_results);
begin
  job_id := made.job_id;
  status := made.status;
  outcome := made.outcome;
  return next;
end;
$$;
comment on function public.request_sync(text, uuid, int) is
  'Enqueues a sync of the caller''s account (their only one of the platform when none is named), or joins the one under way, which then begins at once if it has only been scheduled.';
revoke all on function public.request_sync(text, uuid, int) from public, anon, authenticated, service_role;
grant execute on function public.request_sync(text, uuid, int) to authenticated;

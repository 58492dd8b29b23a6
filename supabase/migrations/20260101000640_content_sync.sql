-- 002 Content meets 006 Async: asking for a sync, and what a sync stores.
-- The rule to know: a batch of content and the checkpoint that says it is stored are one transaction,
-- so that a sync that goes on elsewhere neither skips nor recounts anything.

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
  if p_max_results < 1 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_max_results'),
      'The number of results must be at least 1.');
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

  -- One sync of an account at a time, however many results are asked for.
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
  'Enqueues a sync of the caller''s account (their only one of the platform when none is named), or joins the one under way.';
revoke all on function public.request_sync(text, uuid, int) from public, anon, authenticated, service_role;
grant execute on function public.request_sync(text, uuid, int) to authenticated;

create function private.save_content_batch(
  p_job_id uuid, p_fencing_token bigint, p_social_account_id uuid, p_items jsonb, p_checkpoint jsonb,
  p_progress_percent int, p_progress_message text
)
returns table (new_count int, updated_count int, unchanged_count int)
language plpgsql volatile security definer set search_path = ''
as $$
declare
  job public.job_queue;
  batch record;
  total record;
begin
  -- Held to the end: nobody can cancel or take over the job between this check and the checkpoint.
  select * into job from public.job_queue as held
  where held.id = p_job_id and held.status = 'processing'
    and (held.fencing_token = p_fencing_token or (p_fencing_token is null and held.is_classic))
  for no key update;
  if not found then
    perform private.raise_error('LEASE_LOST', jsonb_build_object('job_id', p_job_id));
  end if;

  update public.social_account set
    last_synced_at = now(),
    next_sync_at = case when sync_mode = 'auto' and is_active then now() + sync_interval end
  where id = p_social_account_id and user_id = job.user_id and deleted_at is null;
  if not found then
    perform private.raise_error('SOCIAL_ACCOUNT_NOT_FOUND');
  end if;

  select * into batch from private.save_content(p_social_account_id, p_items);
  select
    coalesce((job.checkpoint ->> 'new')::int, 0) + batch.new_count as new,
    coalesce((job.checkpoint ->> 'updated')::int, 0) + batch.updated_count as updated,
    coalesce((job.checkpoint ->> 'unchanged')::int, 0) + batch.unchanged_count as unchanged
  into total;

  if public.save_job_checkpoint(p_job_id, p_fencing_token, coalesce(p_checkpoint, '{}') || to_jsonb(total),
    p_progress_percent, p_progress_message) is not true
  then
    perform private.raise_error('LEASE_LOST', jsonb_build_object('job_id', p_job_id));
  end if;

  return query select total.new, total.updated, total.unchanged;
end;
$$;
comment on function private.save_content_batch(uuid, bigint, uuid, jsonb, jsonb, int, text) is
  'Body of save_content_batch(). Lends the right to write content, accounts and the job that is held.';
revoke all on function private.save_content_batch(uuid, bigint, uuid, jsonb, jsonb, int, text)
  from public, anon, authenticated, service_role;
grant execute on function private.save_content_batch(uuid, bigint, uuid, jsonb, jsonb, int, text) to service_role;

create function public.save_content_batch(
  p_job_id uuid, p_fencing_token bigint, p_social_account_id uuid, p_items jsonb, p_checkpoint jsonb,
  p_progress_percent int, p_progress_message text
)
returns table (new_count int, updated_count int, unchanged_count int)
language sql volatile set search_path = ''
as $$
  select * from private.save_content_batch(
    p_job_id, p_fencing_token, p_social_account_id, p_items, p_checkpoint, p_progress_percent, p_progress_message);
$$;
comment on function public.save_content_batch(uuid, bigint, uuid, jsonb, jsonb, int, text) is
  'Service only. Stores a batch and the checkpoint behind it in one transaction, or raises LEASE_LOST. Returns the job''s running totals.';
revoke all on function public.save_content_batch(uuid, bigint, uuid, jsonb, jsonb, int, text)
  from public, anon, authenticated, service_role;
grant execute on function public.save_content_batch(uuid, bigint, uuid, jsonb, jsonb, int, text) to service_role;

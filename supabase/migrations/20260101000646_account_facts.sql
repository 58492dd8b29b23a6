-- 001 Platform connections meets 006 Async: what the platform says of an account, told by whatever job has
-- just asked it.

create function private.update_account_facts(
  p_job_id uuid, p_fencing_token bigint, p_social_account_id uuid, p_account jsonb
)
returns void
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user_id constant uuid := (select user_id from public.social_account where id = p_social_account_id);
  v_job public.job_queue;
begin
  -- In the order in which everybody locks them: user, job, account.
  perform from public.users where id = v_user_id for no key update;
  v_job := private.hold_job(p_job_id, p_fencing_token);

  update public.social_account as account set
    handle = coalesce(p_account ->> 'handle', account.handle),
    display_name = coalesce(nullif(p_account ->> 'display_name', ''), account.display_name),
    avatar_url = coalesce(p_account ->> 'avatar_url', account.avatar_url),
    follower_count = private.count_or_null(p_account -> 'follower_count'),
    facts_updated_at = now()
  where account.id = p_social_account_id and account.deleted_at is null
    -- The owner's job, or the system's job for just this account.
    and (account.user_id = v_job.user_id
      or v_job.user_id is null and v_job.params ->> 'social_account_id' = p_social_account_id::text);
  if not found then
    perform private.raise_error('SOCIAL_ACCOUNT_NOT_FOUND');
  end if;
end;
$$;
comment on function private.update_account_facts(uuid, bigint, uuid, jsonb) is
  'Body of update_account_facts(). Lends the right to write accounts and profiles and to hold a job.';

create function public.update_account_facts(
  p_job_id uuid, p_fencing_token bigint, p_social_account_id uuid, p_account jsonb
)
returns void
language sql volatile set search_path = ''
as $$
  select private.update_account_facts(p_job_id, p_fencing_token, p_social_account_id, p_account);
$$;
comment on function public.update_account_facts(uuid, bigint, uuid, jsonb) is
  'Service only. Stores handle, display_name, avatar_url and follower_count of an account (null followers: hidden) for the job that is held, or raises LEASE_LOST.';

revoke all on function
  private.update_account_facts(uuid, bigint, uuid, jsonb), public.update_account_facts(uuid, bigint, uuid, jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  private.update_account_facts(uuid, bigint, uuid, jsonb), public.update_account_facts(uuid, bigint, uuid, jsonb)
to service_role;

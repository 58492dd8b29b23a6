-- 001 Platform connections: the end of a connection, by its owner or by the platform.
-- Locks are taken in one order everywhere: user, connection, jobs, account, then what else goes with the user. Whose
-- row refers to the user needs theirs too, and so does, for PostgreSQL looks again, whoever changes it twice in one
-- transaction: they lock the user first, or pass over one that is not free.

create function private.end_connection(p_connection_id uuid, p_token_version int, p_error text)
returns public.platform_connection
language plpgsql volatile set search_path = ''
as $$
declare
  ended public.platform_connection;
begin
  update public.platform_connection set
    status = 'disconnected',
    last_refresh_error = left(p_error, 500),
    token_expires_at = null
  where id = p_connection_id and status <> 'disconnected'
    and token_version = coalesce(p_token_version, token_version)
  returning * into ended;

  if found then
    delete from vault.secrets where name = ended.vault_secret_name;
    delete from private.token_lease where connection_id = p_connection_id;
  end if;
  return ended;
end;
$$;
comment on function private.end_connection(uuid, int, text) is
  'Ends an active connection and removes its tokens; null when it had ended, or has other tokens than those of this version.';
revoke all on function private.end_connection(uuid, int, text) from public, anon, authenticated, service_role;

create function private.mark_connection_revoked(p_connection_id uuid, p_error text, p_token_version int)
returns void
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user_id constant uuid := (select user_id from public.platform_connection where id = p_connection_id);
  connection public.platform_connection;
  account public.social_account;
begin
  -- What the user is told refers to their row, and whoever deletes them comes from there to the connection.
  perform from public.users where id = v_user_id for key share;
  connection := private.end_connection(p_connection_id, p_token_version, p_error);
  if connection.id is null then
    return;
  end if;

  for account in
    update public.social_account set
      status = case when status = 'suspended' then status else 'disconnected' end,
      next_sync_at = null
    where connection_id = p_connection_id and deleted_at is null
    returning *
  loop
    perform private.write_audit(account.user_id, 'connection.revoked', jsonb_build_object(
        'social_account_id', account.id, 'platform', account.platform_name, 'reason', connection.last_refresh_error)),
      private.notify(account.user_id, 'connection_revoked', 'Connection lost',
        format('%s has to be connected again.', coalesce(account.handle, account.display_name, 'Your account')),
        jsonb_build_object('social_account_id', account.id, 'platform', account.platform_name));
  end loop;
end;
$$;
comment on function private.mark_connection_revoked(uuid, text, int) is
  'Ends a connection whose grant is gone and tells its owner, once. Lends the right to write connections, accounts, audit and notifications and to delete from Vault.';
revoke all on function private.mark_connection_revoked(uuid, text, int) from public, anon, authenticated, service_role;
grant execute on function private.mark_connection_revoked(uuid, text, int) to service_role;

create function public.mark_connection_revoked(
  p_connection_id uuid, p_error text, p_token_version int default null
)
returns void
language sql volatile set search_path = ''
as $$
  select private.mark_connection_revoked(p_connection_id, p_error, p_token_version);
$$;
comment on function public.mark_connection_revoked(uuid, text, int) is
  'Service only. Sets connection and accounts to disconnected and removes the tokens. With a token_version, only if the tokens were not renewed meanwhile.';
revoke all on function public.mark_connection_revoked(uuid, text, int) from public, anon, authenticated, service_role;
grant execute on function public.mark_connection_revoked(uuid, text, int) to service_role;

-- What waits or runs for an account that is leaving. A sync that comes after this look finds no tokens.
create function private.cancel_account_syncs(p_user_id uuid, p_social_account_id uuid)
returns void
language plpgsql volatile set search_path = ''
as $$
declare
  v_active constant uuid[] := private.active_jobs(p_user_id);
begin
  perform private.cancel_job_tree(sync.id)
  from (
    select job.id
    from public.job_queue as job
    join public.job_type as type on type.name = job.job_type and type.category = 'platform_sync'
    where job.id = any(v_active) and job.completed_at is null
      and job.params ->> 'social_account_id' = p_social_account_id::text
    order by job.id
  ) as sync;
end;
$$;
comment on function private.cancel_account_syncs(uuid, uuid) is 'Cancels the active syncs of an account.';
revoke all on function private.cancel_account_syncs(uuid, uuid) from public, anon, authenticated, service_role;

create function private.disconnect_account(
  p_user_id uuid, p_social_account_id uuid, p_token_version int, p_is_revoked boolean
)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  account public.social_account;
  current_version int;
begin
  -- The lock that connecting takes: an account is made or removed, never both at once.
  perform from public.users where id = p_user_id for no key update;
  select * into account from public.social_account
  where id = p_social_account_id and user_id = p_user_id and deleted_at is null;
  if not found then
    perform private.raise_error('SOCIAL_ACCOUNT_NOT_FOUND');
  end if;

  select token_version into current_version from public.platform_connection
  where id = account.connection_id for no key update;
  if current_version is distinct from p_token_version then
    return false;
  end if;

  perform private.end_connection(account.connection_id, current_version, null),
    private.cancel_account_syncs(p_user_id, account.id);
  update public.social_account set
    deleted_at = now(),
    status = case when status = 'suspended' then status else 'disconnected' end,
    next_sync_at = null
  where id = account.id;
  perform private.write_audit(p_user_id, 'account.disconnected', jsonb_build_object(
    'social_account_id', account.id, 'platform', account.platform_name, 'revoked', p_is_revoked), p_user_id);
  return true;
end;
$$;
comment on function private.disconnect_account(uuid, uuid, int, boolean) is
  'Body of disconnect_account(). Lends the right to write connections, accounts, jobs and audit and to delete from Vault.';
revoke all on function private.disconnect_account(uuid, uuid, int, boolean)
  from public, anon, authenticated, service_role;
grant execute on function private.disconnect_account(uuid, uuid, int, boolean) to service_role;

create function public.disconnect_account(
  p_user_id uuid, p_social_account_id uuid, p_token_version int default null, p_is_revoked boolean default false
)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.disconnect_account(p_user_id, p_social_account_id, p_token_version, p_is_revoked);
$$;
comment on function public.disconnect_account(uuid, uuid, int, boolean) is
  'Service only. Removes an account of this user with its tokens and active syncs; its content stays, and connecting again finds it. False, and nothing done, when the tokens are no longer those of this version (null: the account has no connection).';
revoke all on function public.disconnect_account(uuid, uuid, int, boolean)
  from public, anon, authenticated, service_role;
grant execute on function public.disconnect_account(uuid, uuid, int, boolean) to service_role;

-- 001 Platform connections: a creator comes back with a grant, for an account that is new, known or renewed.

-- What lost its grant or was removed takes no place; connecting it again does.
create function private.check_account_limit(p_user_id uuid)
returns void
language plpgsql volatile set search_path = ''
as $$
declare
  account_limit constant int := private.account_limit(p_user_id);
  used constant int := (
    select count(*) from public.social_account
    where user_id = p_user_id and deleted_at is null and status <> 'disconnected');
begin
  if used >= account_limit then
    perform private.raise_error('ACCOUNT_LIMIT_REACHED',
      jsonb_build_object('limit', account_limit, 'used', used));
  end if;
end;
$$;
comment on function private.check_account_limit(uuid) is
  'Refuses one more account of a user who has as many as the plan allows. The caller holds the lock on the user''s row.';
revoke all on function private.check_account_limit(uuid) from public, anon, authenticated, service_role;

-- The user's row is the lock: of two callbacks at once the second finds what the first made, and the
-- accounts are counted without a race.
create function private.connect_platform_account(
  p_user_id uuid, p_platform text, p_account jsonb, p_tokens jsonb, p_scopes text[], p_token_expires_at timestamptz
)
returns uuid
language plpgsql volatile security definer set search_path = ''
as $$
declare
  external_id constant text := p_account ->> 'platform_account_id';
  account public.social_account;
  connection public.platform_connection;
  is_new boolean;
  violated text;
begin
  perform private.check_platform_enabled(p_platform);
  if coalesce(external_id, '') = '' or coalesce(p_tokens ->> 'access_token', '') = '' then
    perform private.raise_error('VALIDATION_ERROR', null, 'An account id and an access token are needed.');
  end if;

  perform from public.users where id = p_user_id for no key update;
  if not found then
    perform private.raise_error('NOT_FOUND', null, 'There is no such user.');
  end if;

  select * into account from public.social_account
  where user_id = p_user_id and platform_name = p_platform and platform_account_id = external_id;

  is_new := account.id is null or account.deleted_at is not null or account.status = 'disconnected';
  if is_new then
    perform private.check_account_limit(p_user_id);
  end if;

  update public.platform_connection set
    status = 'active',
    scopes = coalesce(p_scopes, '{}'),
    token_expires_at = p_token_expires_at,
    token_version = token_version + 1,
    last_refresh_error = null,
    last_refreshed_at = now()
  where id = account.connection_id
  returning * into connection;

  if not found then
    insert into public.platform_connection
      (id, user_id, platform_name, vault_secret_name, scopes, token_expires_at, last_refreshed_at)
    select new.id, p_user_id, p_platform, 'platform_connection:' || new.id, coalesce(p_scopes, '{}'),
      p_token_expires_at, now()
    from (select gen_random_uuid() as id) as new
    returning * into connection;
  end if;

  -- Whoever renews the old tokens this moment has nothing to do with these.
  delete from private.token_lease where connection_id = connection.id;
  perform private.write_tokens(
    connection.vault_secret_name, p_tokens ->> 'access_token', nullif(p_tokens ->> 'refresh_token', ''));

  insert into public.social_account as stored
    (user_id, connection_id, platform_name, platform_account_id, handle, display_name, avatar_url, follower_count,
      next_sync_at)
  values (
    p_user_id, connection.id, p_platform, external_id,
    p_account ->> 'handle', p_account ->> 'display_name', p_account ->> 'avatar_url',
    private.count_or_null(p_account -> 'follower_count'), now())
  on conflict on constraint social_account_owner_key do update set
    connection_id = excluded.connection_id,
    handle = excluded.handle,
    display_name = excluded.display_name,
    avatar_url = excluded.avatar_url,
    follower_count = excluded.follower_count,
    facts_updated_at = now(),
    -- Consent brings back what its absence ended; a suspension is not the owner's to lift.
    status = case when stored.status = 'suspended' then stored.status else 'active' end,
    -- Due at once, unless a date stands already or nothing is to be synced.
    next_sync_at = case
      when stored.sync_mode = 'auto' and stored.is_active and stored.status <> 'suspended'
      then coalesce(stored.next_sync_at, excluded.next_sync_at)
    end,
    deleted_at = null
  returning * into account;

  update public.users
  set onboarding_state = case onboarding_state when 'registered' then 'platform_connected' else 'completed' end
  where id = p_user_id and onboarding_state in ('registered', 'profile_completed');

  if is_new then
    perform private.write_audit(p_user_id, 'account.connected',
        jsonb_build_object('social_account_id', account.id, 'platform', p_platform), p_user_id),
      private.notify(p_user_id, 'account_connected', 'Account connected',
        format('%s is connected.', coalesce(account.handle, account.display_name, 'Your account')),
        jsonb_build_object('social_account_id', account.id, 'platform', p_platform));
  else
    perform private.write_audit(p_user_id, 'account.renewed',
      jsonb_build_object('social_account_id', account.id, 'platform', p_platform), p_user_id);
  end if;
  return account.id;
exception when unique_violation then
  get stacked diagnostics violated = constraint_name;
  if violated = 'social_account_claimed_key' then
    perform private.raise_error('ACCOUNT_ALREADY_CONNECTED', jsonb_build_object('platform', p_platform));
  end if;
  raise;
end;
$$;
comment on function private.connect_platform_account(uuid, text, jsonb, jsonb, text[], timestamptz) is
  'Connects or reconnects an account and stores its tokens, all or nothing. Lends the right to write connections, accounts, Vault, audit and notifications.';
revoke all on function private.connect_platform_account(uuid, text, jsonb, jsonb, text[], timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function private.connect_platform_account(uuid, text, jsonb, jsonb, text[], timestamptz)
  to service_role;

create function public.connect_platform_account(
  p_user_id uuid, p_platform text, p_account jsonb, p_tokens jsonb, p_scopes text[], p_token_expires_at timestamptz
)
returns uuid
language sql volatile set search_path = ''
as $$
  select private.connect_platform_account(
    p_user_id, p_platform, p_account, p_tokens, p_scopes, p_token_expires_at);
$$;
comment on function public.connect_platform_account(uuid, text, jsonb, jsonb, text[], timestamptz) is
  'Service only. Connects an account, or renews one: ACCOUNT_LIMIT_REACHED when the plan allows no more, ACCOUNT_ALREADY_CONNECTED when another user holds it. Returns the social account.';
revoke all on function public.connect_platform_account(uuid, text, jsonb, jsonb, text[], timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function public.connect_platform_account(uuid, text, jsonb, jsonb, text[], timestamptz)
  to service_role;

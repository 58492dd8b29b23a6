-- 001 Platform connections: making a connection and keeping its tokens.
-- Tokens enter and leave Vault here and nowhere else, as {"access_token", "refresh_token"}, and only
-- the service role may ask.

create function private.write_tokens(p_secret_name text, p_access_token text, p_refresh_token text)
returns void
language plpgsql volatile security definer set search_path = ''
as $$
declare
  stored record;
begin
  select id, decrypted_secret::jsonb ->> 'refresh_token' as refresh_token into stored
  from vault.decrypted_secrets
  where name = p_secret_name;

  -- A refresh answers without a refresh token when the old one stays valid: writing its null would
  -- end the connection an hour later.
  if stored.id is null then
    perform vault.create_secret(
      jsonb_build_object('access_token', p_access_token, 'refresh_token', p_refresh_token)::text,
      p_secret_name, 'Tokens of a platform connection');
  else
    perform vault.update_secret(stored.id, jsonb_build_object(
      'access_token', p_access_token,
      'refresh_token', coalesce(p_refresh_token, stored.refresh_token))::text);
  end if;
end;
$$;
comment on function private.write_tokens(text, text, text) is
  'Stores the tokens of a connection; callers hold the lock on its row. Lends the right to write to Vault.';
revoke all on function private.write_tokens(text, text, text) from public, anon, authenticated, service_role;

-- The user's row is the lock: of two callbacks at once the second finds what the first made. It is
-- also where a limit on the number of accounts can be counted without a race.
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

  perform private.write_tokens(
    connection.vault_secret_name, p_tokens ->> 'access_token', nullif(p_tokens ->> 'refresh_token', ''));

  insert into public.social_account as stored
    (user_id, connection_id, platform_name, platform_account_id, handle, display_name, avatar_url, follower_count)
  values (
    p_user_id, connection.id, p_platform, external_id,
    p_account ->> 'handle', p_account ->> 'display_name', p_account ->> 'avatar_url',
    private.count_or_null(p_account -> 'follower_count'))
  on conflict on constraint social_account_owner_key do update set
    connection_id = excluded.connection_id,
    handle = excluded.handle,
    display_name = excluded.display_name,
    avatar_url = excluded.avatar_url,
    follower_count = excluded.follower_count,
    -- Consent brings back what its absence ended; a suspension is not the owner's to lift.
    status = case when stored.status = 'suspended' then stored.status else 'active' end,
    deleted_at = null
  returning * into account;

  update public.users set onboarding_state = 'platform_connected'
  where id = p_user_id and onboarding_state in ('registered', 'profile_completed');

  return account.id;
exception when unique_violation then
  get stacked diagnostics violated = constraint_name;
  if violated = 'social_account_claimed_key' then
    perform private.raise_error('CONFLICT', jsonb_build_object('platform', p_platform),
      'This account is already connected by another user.');
  end if;
  raise;
end;
$$;
comment on function private.connect_platform_account(uuid, text, jsonb, jsonb, text[], timestamptz) is
  'Connects or reconnects an account and stores its tokens, all or nothing. Lends the right to write connections, accounts and Vault.';
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
  'Service only. Connects or reconnects an account; CONFLICT when another user holds it. Returns the social account.';
revoke all on function public.connect_platform_account(uuid, text, jsonb, jsonb, text[], timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function public.connect_platform_account(uuid, text, jsonb, jsonb, text[], timestamptz)
  to service_role;

create function private.get_connection_tokens(p_social_account_id uuid)
returns table (
  connection_id uuid, platform_name text, access_token text, refresh_token text,
  token_expires_at timestamptz, token_version int, status text
)
language sql stable security definer set search_path = ''
as $$
  select connection.id, connection.platform_name,
    secret.tokens ->> 'access_token', secret.tokens ->> 'refresh_token',
    connection.token_expires_at, connection.token_version, connection.status
  from public.social_account as account
  join public.platform_connection as connection on connection.id = account.connection_id
  left join lateral (
    select decrypted_secret::jsonb as tokens from vault.decrypted_secrets
    where name = connection.vault_secret_name
  ) as secret on true
  where account.id = p_social_account_id and account.deleted_at is null;
$$;
comment on function private.get_connection_tokens(uuid) is
  'The tokens behind an account. Lends the right to read them from Vault.';
revoke all on function private.get_connection_tokens(uuid) from public, anon, authenticated, service_role;
grant execute on function private.get_connection_tokens(uuid) to service_role;

create function public.get_connection_tokens(p_social_account_id uuid)
returns table (
  connection_id uuid, platform_name text, access_token text, refresh_token text,
  token_expires_at timestamptz, token_version int, status text
)
language sql stable set search_path = ''
as $$
  select * from private.get_connection_tokens(p_social_account_id);
$$;
comment on function public.get_connection_tokens(uuid) is
  'Service only. Tokens, expiry, version and state behind an account; no row for an unknown or removed one, null tokens for a revoked one.';
revoke all on function public.get_connection_tokens(uuid) from public, anon, authenticated, service_role;
grant execute on function public.get_connection_tokens(uuid) to service_role;

create function private.store_refreshed_tokens(
  p_connection_id uuid, p_token_version int, p_access_token text, p_refresh_token text, p_token_expires_at timestamptz
)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  secret_name text;
begin
  update public.platform_connection set
    token_version = token_version + 1,
    token_expires_at = p_token_expires_at,
    last_refresh_error = null,
    last_refreshed_at = now()
  where id = p_connection_id and token_version = p_token_version and status = 'active'
  returning vault_secret_name into secret_name;

  if not found then
    return false;
  end if;
  perform private.write_tokens(secret_name, p_access_token, nullif(p_refresh_token, ''));
  return true;
end;
$$;
comment on function private.store_refreshed_tokens(uuid, int, text, text, timestamptz) is
  'Stores refreshed tokens if the version is still the one that was read. Lends the right to write connections and Vault.';
revoke all on function private.store_refreshed_tokens(uuid, int, text, text, timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function private.store_refreshed_tokens(uuid, int, text, text, timestamptz) to service_role;

create function public.store_refreshed_tokens(
  p_connection_id uuid, p_token_version int, p_access_token text, p_refresh_token text, p_token_expires_at timestamptz
)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.store_refreshed_tokens(
    p_connection_id, p_token_version, p_access_token, p_refresh_token, p_token_expires_at);
$$;
comment on function public.store_refreshed_tokens(uuid, int, text, text, timestamptz) is
  'Service only. Compare-and-swap by token_version: false means that somebody else changed the tokens, read them again. A null refresh token keeps the stored one.';
revoke all on function public.store_refreshed_tokens(uuid, int, text, text, timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function public.store_refreshed_tokens(uuid, int, text, text, timestamptz) to service_role;

create function private.mark_connection_revoked(p_connection_id uuid, p_error text, p_token_version int)
returns void
language plpgsql volatile security definer set search_path = ''
as $$
declare
  secret_name text;
begin
  update public.platform_connection set
    status = 'disconnected',
    last_refresh_error = left(p_error, 500),
    token_expires_at = null
  where id = p_connection_id and status <> 'disconnected'
    and token_version = coalesce(p_token_version, token_version)
  returning vault_secret_name into secret_name;

  if found then
    update public.social_account set status = 'disconnected', next_sync_at = null
    where connection_id = p_connection_id and status <> 'suspended';
    delete from vault.secrets where name = secret_name;
  end if;
end;
$$;
comment on function private.mark_connection_revoked(uuid, text, int) is
  'Ends a connection whose grant is gone. Lends the right to write connections and accounts and to delete from Vault.';
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

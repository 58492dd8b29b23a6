-- 001 Platform connections: keeping the tokens of a connection.
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

-- Who talks to a provider about a grant. A refresh token that rotates and is used twice ends the grant, so
-- whoever refreshes or revokes holds this first; whoever does not get it waits for the tokens instead.
create table private.token_lease (
  connection_id uuid primary key references public.platform_connection (id) on delete cascade,
  holder uuid not null,
  expires_at timestamptz not null
);
comment on table private.token_lease is
  'The one worker that may use a connection''s refresh token now. Runs out by itself, so that a crash leaks nothing.';
alter table private.token_lease enable row level security;
revoke all on table private.token_lease from public, anon, authenticated, service_role;

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
  -- A sub-select and no join, which might read every secret there is before it compares names.
  cross join lateral (
    select (
      select decrypted_secret from vault.decrypted_secrets where name = connection.vault_secret_name
    )::jsonb as tokens
    offset 0
  ) as secret
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

-- The lock on the connection makes version and lease one look: whoever stores new tokens holds it too, and
-- gives up the lease in the same transaction. Longer than a provider's answer is waited for (15 seconds),
-- storing it is tried (20) and the last try may take (15): when a lease runs out, its holder is dead.
create function private.claim_token_lease(p_connection_id uuid, p_token_version int, p_holder uuid)
returns text
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform from public.platform_connection
  where id = p_connection_id and token_version = p_token_version and status = 'active'
  for no key update;
  if not found then
    return 'stale';
  end if;

  insert into private.token_lease as lease (connection_id, holder, expires_at)
  values (p_connection_id, p_holder, clock_timestamp() + interval '60 seconds')
  on conflict (connection_id) do update
    set holder = excluded.holder, expires_at = excluded.expires_at
    where lease.expires_at <= clock_timestamp();
  return case when found then 'claimed' else 'busy' end;
end;
$$;
comment on function private.claim_token_lease(uuid, int, uuid) is
  'Body of claim_token_lease(). Lends the right to read connections and write private.token_lease.';
revoke all on function private.claim_token_lease(uuid, int, uuid) from public, anon, authenticated, service_role;
grant execute on function private.claim_token_lease(uuid, int, uuid) to service_role;

create function public.claim_token_lease(p_connection_id uuid, p_token_version int, p_holder uuid)
returns text
language sql volatile set search_path = ''
as $$
  select private.claim_token_lease(p_connection_id, p_token_version, p_holder);
$$;
comment on function public.claim_token_lease(uuid, int, uuid) is
  'Service only. claimed: the caller alone may use the tokens of this version at the provider. busy: somebody else does. stale: they are no longer these, or the connection has ended.';
revoke all on function public.claim_token_lease(uuid, int, uuid) from public, anon, authenticated, service_role;
grant execute on function public.claim_token_lease(uuid, int, uuid) to service_role;

create function private.release_token_lease(p_connection_id uuid, p_holder uuid)
returns void
language sql volatile security definer set search_path = ''
as $$
  delete from private.token_lease where connection_id = p_connection_id and holder = p_holder;
$$;
comment on function private.release_token_lease(uuid, uuid) is
  'Body of release_token_lease(). Lends the right to delete from private.token_lease.';
revoke all on function private.release_token_lease(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function private.release_token_lease(uuid, uuid) to service_role;

create function public.release_token_lease(p_connection_id uuid, p_holder uuid)
returns void
language sql volatile set search_path = ''
as $$
  select private.release_token_lease(p_connection_id, p_holder);
$$;
comment on function public.release_token_lease(uuid, uuid) is
  'Service only. Gives a lease back whose tokens did not change; somebody else''s stays.';
revoke all on function public.release_token_lease(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function public.release_token_lease(uuid, uuid) to service_role;

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

  if found then
    perform private.write_tokens(secret_name, p_access_token, nullif(p_refresh_token, ''));
    delete from private.token_lease where connection_id = p_connection_id;
    return true;
  end if;

  -- Deleted while the platform answered: these are the tokens its grant is ended with.
  update private.orphaned_grant set token_version = token_version + 1
  where connection_id = p_connection_id and token_version = p_token_version
  returning vault_secret_name into secret_name;
  if found then
    perform private.write_tokens(secret_name, p_access_token, nullif(p_refresh_token, ''));
  end if;
  return false;
end;
$$;
comment on function private.store_refreshed_tokens(uuid, int, text, text, timestamptz) is
  'Stores refreshed tokens if the version is still the one that was read, and ends the lease; those of a deleted connection go to its orphaned grant. Lends the right to write connections, orphaned grants, leases and Vault.';
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


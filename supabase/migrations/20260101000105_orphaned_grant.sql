-- 001 Platform connections: the grant of a connection that was deleted, as a rule with its user.
-- Nobody would be left who knows the tokens, and the platform would go on honouring them. So they outlive
-- the connection, with nothing about whose they were, until a job has ended the grant at the platform:
-- minutes as a rule, two days at most.

create table private.orphaned_grant (
  connection_id uuid primary key,
  platform_name text not null references public.platform (name) on update cascade on delete restrict,
  platform_account_ids text[] not null,
  vault_secret_name text not null,
  token_version int not null,
  created_at timestamptz not null default now(),
  constraint orphaned_grant_vault_secret_name_key unique (vault_secret_name)
);
comment on table private.orphaned_grant is
  'Grants without a connection, to be ended at their platforms by a job grant_revoke each. Holds no token.';
comment on column private.orphaned_grant.connection_id is 'Of the connection that is gone.';
comment on column private.orphaned_grant.platform_account_ids is
  'What it was a grant for: who connects one of these anew has a grant that must not end with this one.';

create index orphaned_grant_platform_name_idx on private.orphaned_grant (platform_name);
-- Serves cleanup_orphaned_grants.
create index orphaned_grant_created_at_idx on private.orphaned_grant (created_at);

create trigger _500_remove_connection_secret
  after delete on private.orphaned_grant
  for each row execute function private.remove_connection_secret();

alter table private.orphaned_grant enable row level security;
revoke all on table private.orphaned_grant from public, anon, authenticated, service_role;

create function private.keep_grant(p_connection_id uuid)
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  insert into private.orphaned_grant
    (connection_id, platform_name, platform_account_ids, vault_secret_name, token_version)
  select connection.id, connection.platform_name,
    array(select platform_account_id from public.social_account as account where account.connection_id = connection.id),
    connection.vault_secret_name, connection.token_version
  from public.platform_connection as connection
  where connection.id = p_connection_id and connection.status <> 'disconnected'
  -- Tokens that are being stored are waited for.
  for update
  on conflict (connection_id) do nothing;
  if not found then
    return;
  end if;

  perform private.find_or_create_job(
    null, 'grant_revoke', jsonb_build_object('connection_id', p_connection_id),
    -- Whoever renews the tokens this moment may yet hand in others.
    p_scheduled_for => (select expires_at from private.token_lease where connection_id = p_connection_id));
end;
$$;
comment on function private.keep_grant(uuid) is
  'Has a job end the grant of a connection that is about to be deleted, once; one that has ended needs none.';

-- The accounts are still there when their user goes; in the cascade they may go before the connection. And connections
-- are locked before jobs and accounts, as everybody does.
create function private.tg_users__keep_grants()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform private.keep_grant(connection.id)
  from (select id from public.platform_connection where user_id = old.id order by id) as connection;
  return old;
end;
$$;
comment on function private.tg_users__keep_grants() is
  'Trigger: the grants of a deleted user are ended. Lends the right to read connections, write private.orphaned_grant and enqueue.';

create function private.tg_platform_connection__keep_grant()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform private.keep_grant(old.id);
  return old;
end;
$$;
comment on function private.tg_platform_connection__keep_grant() is
  'Trigger: the grant of a deleted connection is ended. Lends the right to read connections, write private.orphaned_grant and enqueue.';

create trigger _500_keep_grants
  before delete on public.users
  for each row execute function private.tg_users__keep_grants();
create trigger _500_keep_grant
  before delete on public.platform_connection
  for each row execute function private.tg_platform_connection__keep_grant();

create function private.get_orphaned_grant(p_connection_id uuid)
returns table (platform_name text, access_token text, refresh_token text)
language sql stable security definer set search_path = ''
as $$
  select orphan.platform_name, secret.tokens ->> 'access_token', secret.tokens ->> 'refresh_token'
  from private.orphaned_grant as orphan
  -- A sub-select and no join, as in get_connection_tokens().
  cross join lateral (
    select (
      select decrypted_secret from vault.decrypted_secrets where name = orphan.vault_secret_name
    )::jsonb as tokens
    offset 0
  ) as secret
  where orphan.connection_id = p_connection_id
    and not exists (
      select from public.social_account as account
      join public.platform_connection as connection on connection.id = account.connection_id
      where account.platform_name = orphan.platform_name
        and account.platform_account_id = any(orphan.platform_account_ids)
        and account.deleted_at is null and account.status <> 'disconnected'
        and connection.status <> 'disconnected');
$$;
comment on function private.get_orphaned_grant(uuid) is
  'Body of get_orphaned_grant(). Lends the right to read private.orphaned_grant, accounts and Vault.';

create function public.get_orphaned_grant(p_connection_id uuid)
returns table (platform_name text, access_token text, refresh_token text)
language sql stable set search_path = ''
as $$
  select * from private.get_orphaned_grant(p_connection_id);
$$;
comment on function public.get_orphaned_grant(uuid) is
  'Service only. The tokens of a grant whose connection was deleted; no row when it has been forgotten, or when its account was connected anew: platforms take back all that a person has allowed us, the new grant too.';

create function private.forget_orphaned_grant(p_connection_id uuid)
returns void
language sql volatile security definer set search_path = ''
as $$
  delete from private.orphaned_grant where connection_id = p_connection_id;
$$;
comment on function private.forget_orphaned_grant(uuid) is
  'Body of forget_orphaned_grant(). Lends the right to delete from private.orphaned_grant and, by its trigger, from Vault.';

create function public.forget_orphaned_grant(p_connection_id uuid)
returns void
language sql volatile set search_path = ''
as $$
  select private.forget_orphaned_grant(p_connection_id);
$$;
comment on function public.forget_orphaned_grant(uuid) is
  'Service only. Removes a grant that has been ended, or must not be, with its tokens; repeatable.';

create function private.cleanup_orphaned_grants()
returns bigint
language sql volatile set search_path = ''
as $$
  with gone as (
    delete from private.orphaned_grant where created_at < now() - interval '2 days' returning 1
  )
  select count(*) from gone;
$$;
comment on function private.cleanup_orphaned_grants() is
  'Hourly: drops the tokens of grants that nobody could end within two days; returns how many.';

revoke all on function
  private.keep_grant(uuid),
  private.tg_users__keep_grants(),
  private.tg_platform_connection__keep_grant(),
  private.get_orphaned_grant(uuid), public.get_orphaned_grant(uuid),
  private.forget_orphaned_grant(uuid), public.forget_orphaned_grant(uuid),
  private.cleanup_orphaned_grants()
from public, anon, authenticated, service_role;
grant execute on function
  private.get_orphaned_grant(uuid), public.get_orphaned_grant(uuid),
  private.forget_orphaned_grant(uuid), public.forget_orphaned_grant(uuid)
to service_role;

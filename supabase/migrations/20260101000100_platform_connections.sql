-- 001 Platform connections: which accounts a user has connected, and on what terms.
-- The rule to know: a token is only ever in Vault. These rows say that a connection exists and how it
-- fares; they may be read by their owner because nothing secret is in them.

-- Providers send counts as numbers or as strings, leave hidden ones out, and a few send -1 for them.
create function private.count_or_null(p_count jsonb)
returns bigint
language sql immutable set search_path = ''
as $$
  select case when p_count #>> '{}' ~ '^[0-9]{1,18}$' then (p_count #>> '{}')::bigint end;
$$;
comment on function private.count_or_null(jsonb) is
  'A provider''s count as a number; null when it is absent, negative or not a count: unknown is not zero.';
revoke all on function private.count_or_null(jsonb) from public, anon, authenticated, service_role;

create table public.platform (
  name text primary key,
  display_name text not null,
  is_enabled boolean not null default false,
  scopes text[] not null default '{}',
  refresh_ahead interval not null default '24 hours',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint platform_refresh_ahead_is_positive check (refresh_ahead > interval '0'),
  constraint platform_name_is_snake_case check (name ~ '^[a-z][a-z0-9_]*$')
);
comment on table public.platform is 'The platforms a creator can connect; disabled ones are refused.';
comment on column public.platform.refresh_ahead is
  'How long before their end tokens are renewed: days where an ended token cannot be renewed any more.';
comment on column public.platform.scopes is 'What we ask for. What was granted stands on the connection.';

create trigger _100_update_updated_at
  before update on public.platform
  for each row execute function private.update_updated_at();

alter table public.platform enable row level security;
revoke all on table public.platform from public, anon, authenticated, service_role;
grant select on table public.platform to anon, authenticated;
grant select, insert, update, delete on table public.platform to service_role;

create policy select_all on public.platform
  for select to anon, authenticated
  using (true);

insert into public.platform (name, display_name, is_enabled, scopes) values
  ('youtube', 'YouTube', true, '{https://www.googleapis.com/auth/youtube.readonly}'),
  ('instagram', 'Instagram', true, '{instagram_business_basic}'),
  ('tiktok', 'TikTok', true, '{user.info.basic,user.info.profile,user.info.stats,video.list}'),
  ('facebook', 'Facebook', true, '{pages_show_list,pages_read_engagement}'),
  ('twitter', 'Twitter', false, '{}');
update public.platform set refresh_ahead = '20 days' where name = 'instagram';

create table public.account_status (
  name text primary key,
  description text not null,
  created_at timestamptz not null default now()
);
comment on table public.account_status is 'The states of a connection and of a connected account.';

alter table public.account_status enable row level security;
revoke all on table public.account_status from public, anon, authenticated, service_role;
grant select on table public.account_status to anon, authenticated, service_role;

create policy select_all on public.account_status
  for select to anon, authenticated
  using (true);

insert into public.account_status (name, description) values
  ('active', 'Works; is synced.'),
  ('inactive', 'Paused by its owner.'),
  ('suspended', 'Stopped by a moderator or by the platform.'),
  ('disconnected', 'The grant is gone; the owner has to connect again.');

-- One grant of one user at one platform. The tokens are in Vault under vault_secret_name.
create table public.platform_connection (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.users (id) on delete cascade,
  platform_name text not null references public.platform (name) on update cascade on delete restrict,
  vault_secret_name text not null,
  scopes text[] not null default '{}',
  token_expires_at timestamptz,
  token_version int not null default 1,
  status text not null default 'active'
    references public.account_status (name) on update cascade on delete restrict,
  last_refresh_error text,
  last_refreshed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint platform_connection_vault_secret_name_key unique (vault_secret_name),
  -- Target of the key that ties an account to a connection of the same user and platform.
  constraint platform_connection_identity_key unique (id, user_id, platform_name),
  constraint platform_connection_token_version_is_positive check (token_version > 0)
);
comment on table public.platform_connection is 'A grant at a platform: its scopes, expiry and state. Holds no token.';
comment on column public.platform_connection.scopes is 'What the platform granted, read from its token response.';
comment on column public.platform_connection.token_version is
  'Grows whenever the tokens change; a refresh stores its result only if nobody else did meanwhile.';

-- Serves the owner's list.
create index platform_connection_user_id_idx on public.platform_connection (user_id);
-- Serve the foreign keys, and counting a platform's connections by state.
create index platform_connection_platform_name_idx on public.platform_connection (platform_name, status);
create index platform_connection_status_idx on public.platform_connection (status);
-- Serves the schedule that refreshes tokens before they end.
create index platform_connection_token_expires_at_idx
  on public.platform_connection (token_expires_at, id)
  where status = 'active';

create trigger _100_update_updated_at
  before update on public.platform_connection
  for each row execute function private.update_updated_at();

alter table public.platform_connection enable row level security;
revoke all on table public.platform_connection from public, anon, authenticated, service_role;
grant select on table public.platform_connection to authenticated;
grant select, insert, update, delete on table public.platform_connection to service_role;

create policy select_own on public.platform_connection
  for select to authenticated
  using (user_id = (select auth.uid()));

-- A connection is removed by its owner's account going away as well as directly: whichever way, no secret
-- stays behind, but for the one that its grant is still to be ended with.
create function private.remove_connection_secret()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  delete from vault.secrets
  where name = old.vault_secret_name
    and not exists (select from private.orphaned_grant where vault_secret_name = old.vault_secret_name);
  return null;
end;
$$;
comment on function private.remove_connection_secret() is
  'Trigger: a deleted connection takes its tokens along, unless an orphaned grant needs them. Lends the right to delete from Vault.';
revoke all on function private.remove_connection_secret() from public, anon, authenticated, service_role;

create trigger _500_remove_connection_secret
  after delete on public.platform_connection
  for each row execute function private.remove_connection_secret();

-- The channel, page or profile itself. It outlives its connection: reconnecting finds it again.
create table public.social_account (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.users (id) on delete cascade,
  connection_id uuid,
  platform_name text not null references public.platform (name) on update cascade on delete restrict,
  platform_account_id text not null,
  handle text,
  display_name text,
  avatar_url text,
  follower_count bigint,
  facts_updated_at timestamptz not null default now(),
  status text not null default 'active'
    references public.account_status (name) on update cascade on delete restrict,
  sync_mode text not null default 'auto',
  sync_interval interval,
  next_sync_at timestamptz,
  last_synced_at timestamptz,
  is_active boolean not null default true,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint social_account_connection_is_own
    foreign key (connection_id, user_id, platform_name)
    references public.platform_connection (id, user_id, platform_name)
    on update cascade on delete set null (connection_id),
  -- Counts deleted rows too: connecting again revives the row and finds its content.
  constraint social_account_owner_key unique (user_id, platform_name, platform_account_id),
  constraint social_account_platform_account_id_is_filled
    check (char_length(platform_account_id) between 1 and 255),
  constraint social_account_follower_count_is_not_negative check (follower_count >= 0),
  constraint social_account_sync_mode_is_known check (sync_mode in ('auto', 'manual')),
  constraint social_account_sync_interval_is_sane
    check (sync_interval between interval '15 minutes' and interval '30 days'),
  -- Compared, a month is 30 days: beside days that make up for them, months below zero would pass.
  constraint social_account_sync_interval_goes_forward
    check (least(extract(year from sync_interval), extract(month from sync_interval), extract(day from sync_interval),
      extract(hour from sync_interval), extract(minute from sync_interval), extract(second from sync_interval)) >= 0)
);
comment on table public.social_account is 'A connected channel, page or profile, with its sync settings.';
comment on column public.social_account.follower_count is 'Null where the platform hides it.';
comment on column public.social_account.sync_interval is 'Null: as often as its owner''s settings say.';
comment on column public.social_account.facts_updated_at is
  'When the platform last told name, picture and followers.';
comment on column public.social_account.connection_id is 'Null once the connection has been removed.';

-- A channel belongs to one user at a time; one that lost its grant or was removed can be claimed anew.
create unique index social_account_claimed_key
  on public.social_account (platform_name, platform_account_id)
  where deleted_at is null and status <> 'disconnected';
-- Serves tokens by connection and the foreign key.
create index social_account_connection_id_idx
  on public.social_account (connection_id, user_id, platform_name);
-- Serves the schedule that finds due accounts.
create index social_account_next_sync_at_idx
  on public.social_account (next_sync_at)
  where sync_mode = 'auto' and is_active and status = 'active' and deleted_at is null;
-- Serve the foreign keys of the two catalogues.
create index social_account_platform_name_idx on public.social_account (platform_name);
create index social_account_status_idx on public.social_account (status);

create trigger _100_update_updated_at
  before update on public.social_account
  for each row execute function private.update_updated_at();

alter table public.social_account enable row level security;
revoke all on table public.social_account from public, anon, authenticated, service_role;
grant select on table public.social_account to authenticated;
grant update (sync_mode, sync_interval, is_active) on table public.social_account to authenticated;
grant select, insert, update, delete on table public.social_account to service_role;

create policy select_own on public.social_account
  for select to authenticated
  using (user_id = (select auth.uid()) and deleted_at is null);

create policy update_own on public.social_account
  for update to authenticated
  using (user_id = (select auth.uid()) and deleted_at is null)
  with check (user_id = (select auth.uid()));

-- 000 Base core: who a user is. A row per account with what they say of themselves; what they say is
-- cleaned by a trigger and judged by constraints, whichever way it comes in.

-- The public half of an account: one row per auth.users row, made at sign-up.
-- Only the owner reads it directly; public creator pages are served by functions that choose columns.
create table public.users (
  id uuid primary key references auth.users (id) on delete cascade,
  display_name text not null default '',
  bio text,
  avatar_url text,
  category text,
  profile_slug text not null,
  is_public boolean not null default false,
  onboarding_state text not null default 'registered',
  total_followers bigint not null default 0,
  notification_preferences jsonb not null default '{}',
  push_token text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint users_display_name_is_short check (char_length(display_name) <= 100),
  constraint users_bio_is_short check (char_length(bio) <= 2000),
  constraint users_avatar_url_is_short check (char_length(avatar_url) <= 2048),
  -- Browsers and servers fetch it. A host is a name under a domain, and the domain has a letter in it: that
  -- refuses addresses in every notation (127.0.0.1, 2130706433, 0x7f.1, [::1]), ports, user names, escapes.
  constraint users_avatar_url_is_https_at_a_named_host
    check (avatar_url ~* '^https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+([a-z]{2,63}|xn--[a-z0-9-]{2,59})([/?#][^[:space:][:cntrl:]\\]*)?$'),
  -- Names that mean the machine itself or its neighbours, and services that make a name of any address.
  constraint users_avatar_url_is_not_at_a_private_host
    check (avatar_url !~* '^https://([^/?#]*[.])?(localhost|local|localdomain|internal|intranet|private|corp|lan|home|arpa|svc|cluster|onion|nip[.]io|sslip[.]io|xip[.]io|localtest[.]me|lvh[.]me|vcap[.]me|lacolhost[.]com)([/?#]|$)'),
  constraint users_category_is_short check (char_length(category) <= 100),
  constraint users_profile_slug_fits_a_url
    check (profile_slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(profile_slug) <= 80),
  constraint users_onboarding_state_is_known
    check (onboarding_state in ('registered', 'profile_completed', 'platform_connected', 'completed')),
  constraint users_display_name_is_filled_once_completed
    check (display_name <> '' or onboarding_state not in ('profile_completed', 'completed')),
  constraint users_total_followers_is_not_negative check (total_followers >= 0),
  constraint users_notification_preferences_is_small_object
    check (jsonb_typeof(notification_preferences) = 'object'
      and octet_length(notification_preferences::text) <= 8192),
  constraint users_push_token_is_short check (char_length(push_token) <= 4096)
);
comment on table public.users is 'A user''s profile, one to one with auth.users; made by a trigger at sign-up.';
comment on column public.users.total_followers is 'Sum over the connected accounts; maintained, never edited.';

-- Serves the look-up of a creator page and decides who gets a slug.
create unique index users_profile_slug_key on public.users (profile_slug);

create trigger _100_update_updated_at
  before update on public.users
  for each row execute function private.update_updated_at();

alter table public.users enable row level security;

revoke all on table public.users from public, anon, authenticated, service_role;
grant select on table public.users to authenticated;
grant update (display_name, bio, avatar_url, category, is_public, notification_preferences, push_token)
  on table public.users to authenticated;
grant select, insert, update, delete on table public.users to service_role;

create policy select_own on public.users
  for select to authenticated
  using (id = (select auth.uid()));

create policy update_own on public.users
  for update to authenticated
  using (id = (select auth.uid()))
  with check (id = (select auth.uid()));

create function private.clean_profile()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  new.display_name := private.clean_text(new.display_name);
  new.bio := nullif(private.clean_text(new.bio, true), '');
  new.category := nullif(private.clean_text(new.category), '');
  new.avatar_url := nullif(btrim(new.avatar_url), '');
  return new;
end;
$$;
comment on function private.clean_profile() is
  'Trigger: tidies what a user says of themselves. Lends the right to call clean_text.';
revoke all on function private.clean_profile() from public, anon, authenticated, service_role;

create trigger _200_clean_profile
  before insert or update of display_name, bio, category, avatar_url on public.users
  for each row execute function private.clean_profile();

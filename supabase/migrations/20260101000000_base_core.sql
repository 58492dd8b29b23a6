-- 000 Base core: the ground rules every later file relies on, and who a user is.
-- The rule to know: nothing is granted unless a migration says so. `public` is the API; `private` is
-- everything else, and the only place where a function may run with its owner's rights.

create schema if not exists extensions;
create extension if not exists pg_trgm with schema extensions;

create schema private;
comment on schema private is 'What the API must not see. Definer functions live here, behind invoker wrappers in public.';
revoke all on schema private from public;
-- Usage is what lets an invoker wrapper in public reach the one function it was granted.
grant usage on schema private to authenticated, service_role;

-- Projects differ in what new objects are granted by default; from here on ours get nothing.
-- For PUBLIC only the form without a schema works: per-schema defaults can add rights, not take them.
alter default privileges revoke execute on functions from public;
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from anon, authenticated, service_role;
alter default privileges in schema public revoke execute on functions from anon, authenticated, service_role;

create function private.update_updated_at()
returns trigger
language plpgsql volatile set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end;
$$;
comment on function private.update_updated_at() is 'Trigger: stamps updated_at on every change of a row.';
revoke all on function private.update_updated_at() from public, anon, authenticated, service_role;

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
  constraint users_avatar_url_is_web_address
    check (avatar_url ~ '^https?://' and char_length(avatar_url) <= 2048),
  constraint users_category_is_short check (char_length(category) <= 100),
  constraint users_profile_slug_fits_a_url
    check (profile_slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(profile_slug) <= 80),
  constraint users_onboarding_state_is_known
    check (onboarding_state in ('registered', 'profile_completed', 'platform_connected', 'completed')),
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

-- Accents fold by decomposition; the few Latin letters that do not decompose are translated by hand.
-- A name with nothing left (emoji, another script, empty) becomes "creator". The digits are the id's
-- last ones: the first of a time-ordered id are the same for everybody who signs up in that minute.
create function private.generate_profile_slug(p_display_name text, p_user_id uuid)
returns text
language sql volatile set search_path = ''
as $$
  with folded as (
    select translate(
      regexp_replace(
        normalize(left(coalesce(p_display_name, ''), 200), nfkd), '[\u0300-\u036f]', '', 'g'),
      'ABCDEFGHIJKLMNOPQRSTUVWXYZØøŁłĐđıßÆæŒœ',
      'abcdefghijklmnopqrstuvwxyzoollddisaaoo') as name
  ),
  base as (
    select coalesce(
      nullif(btrim(left(btrim(regexp_replace(name, '[^a-z0-9]+', '-', 'g'), '-'), 40), '-'), ''),
      'creator') as slug
    from folded
  ),
  candidate as (
    select 1 as attempt, slug from base where slug <> 'creator'
    union all
    select 2, slug || '-' || right(p_user_id::text, 8) from base
    union all
    select 3, slug || '-' || replace(p_user_id::text, '-', '') from base
  )
  select candidate.slug
  from candidate
  where not exists (select from public.users as taken where taken.profile_slug = candidate.slug)
  order by candidate.attempt
  limit 1;
$$;
comment on function private.generate_profile_slug(text, uuid) is
  'The nicest free slug for a name: the name, then with the last 8 digits of the user id, then with all 32. Volatile: a second call must see who took the first answer.';
revoke all on function private.generate_profile_slug(text, uuid) from public, anon, authenticated, service_role;

-- Whatever it raises would break the sign-up itself ("Database error saving new user"), so the
-- user-written metadata is only ever shortened or dropped here, never rejected.
create function private.create_profile()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  meta constant jsonb := coalesce(new.raw_user_meta_data, '{}');
  wanted_name constant text := left(btrim(coalesce(
    nullif(btrim(meta ->> 'display_name'), ''), nullif(btrim(meta ->> 'full_name'), ''), meta ->> 'name', '')), 100);
  wanted_avatar constant text := case
    when meta ->> 'avatar_url' ~ '^https?://' and char_length(meta ->> 'avatar_url') <= 2048
    then meta ->> 'avatar_url'
  end;
begin
  -- Two sign-ups may want one slug at once: the unique index decides, the loser takes its next candidate.
  for attempt in 1..3 loop
    insert into public.users (id, display_name, avatar_url, profile_slug)
    values (new.id, wanted_name, wanted_avatar, private.generate_profile_slug(wanted_name, new.id))
    on conflict do nothing;
    exit when found;
  end loop;
  return new;
end;
$$;
comment on function private.create_profile() is
  'Trigger on auth.users. Lends the right to insert the profile row to whichever role signs the user up.';
revoke all on function private.create_profile() from public, anon, authenticated, service_role;

create trigger _500_create_profile
  after insert on auth.users
  for each row execute function private.create_profile();

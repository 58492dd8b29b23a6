-- Settings: how a user wants things done for them. Made with the profile, changed by their owner.

create table public.user_setting (
  user_id uuid primary key references public.users (id) on delete cascade,
  auto_sync_enabled boolean not null default true,
  auto_sync_interval interval not null default interval '1 day',
  channels text[] not null default '{in_app,email}',
  locale text not null default 'en',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint user_setting_auto_sync_interval_is_sane
    check (auto_sync_interval between interval '15 minutes' and interval '30 days'),
  -- Compared, a month is 30 days: beside days that make up for them, months below zero would pass.
  constraint user_setting_auto_sync_interval_goes_forward
    check (least(extract(year from auto_sync_interval), extract(month from auto_sync_interval),
      extract(day from auto_sync_interval), extract(hour from auto_sync_interval),
      extract(minute from auto_sync_interval), extract(second from auto_sync_interval)) >= 0),
  constraint user_setting_channels_are_known
    check (channels <@ array['in_app', 'email', 'push'] and array_position(channels, null) is null),
  constraint user_setting_channels_are_named_once
    check (cardinality(channels)
      = ('in_app' = any (channels))::int + ('email' = any (channels))::int + ('push' = any (channels))::int),
  constraint user_setting_locale_is_a_language_tag
    check (locale ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$')
);
comment on table public.user_setting is 'A user''s settings: syncs by themselves, how to reach them, their language.';
comment on column public.user_setting.channels is 'Where notifications go: in_app, email, push.';

create trigger _100_update_updated_at
  before update on public.user_setting
  for each row execute function private.update_updated_at();

alter table public.user_setting enable row level security;
revoke all on table public.user_setting from public, anon, authenticated, service_role;
grant select on table public.user_setting to authenticated;
grant update (auto_sync_enabled, auto_sync_interval, channels, locale)
  on table public.user_setting to authenticated;
grant select, insert, update, delete on table public.user_setting to service_role;

create policy select_own on public.user_setting
  for select to authenticated
  using (user_id = (select auth.uid()));

create policy update_own on public.user_setting
  for update to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

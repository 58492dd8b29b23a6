-- Notifications: what a user is told inside the product. Each is broadcast to its recipient when the
-- change that caused it commits; a lost broadcast costs nothing but time, for the row is there.

create table public.notification (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.users (id) on delete cascade,
  kind text not null,
  title text not null,
  body text not null,
  data jsonb not null default '{}',
  read_at timestamptz,
  created_at timestamptz not null default now(),
  constraint notification_kind_is_snake_case check (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
  constraint notification_title_is_short check (char_length(title) between 1 and 200),
  constraint notification_body_is_short check (char_length(body) <= 2000),
  constraint notification_data_is_small_object
    check (jsonb_typeof(data) = 'object' and octet_length(data::text) <= 8192)
);
comment on table public.notification is 'What a user was told; its recipient reads it and marks it as read.';
comment on column public.notification.kind is 'What it is about: connection_revoked, quota_reset, …; a client picks its icon and its link by it.';

-- Serves the recipient's list, newest first.
create index notification_user_id_created_at_idx on public.notification (user_id, created_at desc, id);
-- Serves the number on the bell.
create index notification_unread_idx on public.notification (user_id) where read_at is null;
-- Serves cleanup_notifications.
create index notification_created_at_idx on public.notification (created_at);

create function private.stamp_read_at()
returns trigger
language plpgsql volatile set search_path = ''
as $$
begin
  -- A client says that it was read; when, says the clock here.
  if new.read_at is not null then
    new.read_at := coalesce(old.read_at, now());
  end if;
  return new;
end;
$$;
comment on function private.stamp_read_at() is 'Trigger: the first reading counts, at the time it reached us.';

create trigger _100_stamp_read_at
  before update of read_at on public.notification
  for each row execute function private.stamp_read_at();

create function private.broadcast_notifications()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  begin
    insert into realtime.messages (topic, extension, payload, event, private)
    select 'notifications:' || user_id, 'broadcast', to_jsonb(sent), 'notification', true
    from new_notification as sent;
  -- A failure, say no partition, is a warning.
  exception when others then
    raise warning 'notification was not broadcast: %', sqlerrm;
  end;
  return null;
end;
$$;
comment on function private.broadcast_notifications() is
  'Trigger: sends new notifications to their recipients. Lends the right to write to realtime.messages.';

create trigger _500_broadcast
  after insert on public.notification
  referencing new table as new_notification
  for each statement execute function private.broadcast_notifications();

alter table public.notification enable row level security;
revoke all on table public.notification from public, anon, authenticated, service_role;
grant select on table public.notification to authenticated;
grant update (read_at) on table public.notification to authenticated;
grant select, insert, update, delete on table public.notification to service_role;

create policy select_own on public.notification
  for select to authenticated
  using (user_id = (select auth.uid()));

create policy update_own on public.notification
  for update to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

-- Receiving only, and one's own topic only.
create policy select_own_notification_topic on realtime.messages
  for select to authenticated
  using (extension = 'broadcast' and (select realtime.topic()) = 'notifications:' || (select auth.uid()));

do $$
begin
  if exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime')
    and not exists (
      select from pg_catalog.pg_publication_tables
      where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'notification')
  then
    alter publication supabase_realtime add table public.notification;
  end if;
end;
$$;

create function private.notify(p_user_id uuid, p_kind text, p_title text, p_body text, p_data jsonb default '{}')
returns uuid
language sql volatile security definer set search_path = ''
as $$
  -- Whom nobody can tell any more is no reason for what they would be told of to fail.
  insert into public.notification (user_id, kind, title, body, data)
  select id, p_kind, left(p_title, 200), left(p_body, 2000), coalesce(p_data, '{}')
  from public.users
  where id = p_user_id
  for key share
  returning id;
$$;
comment on function private.notify(uuid, text, text, text, jsonb) is
  'Tells a user something; returns the notification, null when there is no such user. Lends the right to write notifications.';

create function private.cleanup_notifications(p_keep interval default interval '90 days')
returns bigint
language sql volatile set search_path = ''
as $$
  with gone as (
    delete from public.notification
    where id in (
      select id from public.notification
      where created_at < now() - p_keep
      order by created_at limit 10000)
    returning 1
  )
  select count(*) from gone;
$$;
comment on function private.cleanup_notifications(interval) is
  'Hourly: removes notifications of more than 90 days ago, or the time given, 10 000 at most; returns how many.';

revoke all on function
  private.stamp_read_at(),
  private.broadcast_notifications(),
  private.notify(uuid, text, text, text, jsonb),
  private.cleanup_notifications(interval)
from public, anon, authenticated, service_role;

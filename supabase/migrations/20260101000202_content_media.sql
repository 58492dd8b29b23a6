-- 002 Content: the pictures and videos that one item consists of. Most have one, which stands on the item
-- itself; a carousel has several, in an order.

create table public.content_media (
  content_item_id uuid not null references public.content_item (id) on delete cascade,
  position int not null,
  user_id uuid not null references public.users (id) on delete cascade,
  platform_media_id text,
  media_type text not null,
  url text,
  thumbnail_url text,
  created_at timestamptz not null default now(),
  primary key (content_item_id, position),
  constraint content_media_position_is_not_negative check (position >= 0),
  constraint content_media_media_type_is_known check (media_type in ('image', 'video')),
  constraint content_media_platform_media_id_is_filled check (char_length(platform_media_id) between 1 and 255)
);
comment on table public.content_media is 'The pictures and videos of an item, in their order from 0.';
comment on column public.content_media.url is
  'As the platform sent it last; signed ones end within hours. Null where the platform gives none.';

-- Serves whoever asks for all media: their own and not everybody's are looked through; and the foreign key.
create index content_media_user_id_idx on public.content_media (user_id);

alter table public.content_media enable row level security;
revoke all on table public.content_media from public, anon, authenticated, service_role;
grant select on table public.content_media to authenticated;
grant select, insert, update, delete on table public.content_media to service_role;

-- Whoever sees the item sees its media: the item's own policies decide. The owner is asked for as well, since an
-- index finds no rows by what another table says.
create policy select_own on public.content_media
  for select to authenticated
  using (
    user_id = (select auth.uid())
    and exists (select from public.content_item as item where item.id = content_item_id)
  );

-- 002 Content: what a creator changed at the source. Written by a trigger, so that no way of saving content
-- can forget it; counts change with every sync and are no revision.

create table public.content_revision (
  id uuid primary key default gen_random_uuid(),
  content_item_id uuid not null references public.content_item (id) on delete cascade,
  user_id uuid not null references public.users (id) on delete cascade,
  changes jsonb not null,
  changed_at timestamptz not null default now(),
  constraint content_revision_says_what_changed check (jsonb_typeof(changes) = 'object' and changes <> '{}')
);
comment on table public.content_revision is 'What changed at the source in an item''s title, description, tags or thumbnail.';
comment on column public.content_revision.changes is
  'Only what changed: {"title": {"old": …, "new": …}, "description": …, "tags": …, "thumbnail_url": …}.';
comment on column public.content_revision.changed_at is 'When we noticed, which is the sync after the change.';

-- Serves an item's history, newest first, and the foreign key.
create index content_revision_content_item_id_idx on public.content_revision (content_item_id, changed_at desc);
-- Serves the owner's latest changes, and the foreign key.
create index content_revision_user_id_idx on public.content_revision (user_id, changed_at desc);

alter table public.content_revision enable row level security;
revoke all on table public.content_revision from public, anon, authenticated, service_role;
grant select on table public.content_revision to authenticated;
grant select, insert, delete on table public.content_revision to service_role;

create policy select_own on public.content_revision
  for select to authenticated
  using (user_id = (select auth.uid()));

-- Once for all that a statement changes, since new titles come by the page. What is behind the question mark of
-- an address is its signature, which is new in every answer.
create function private.write_content_revisions()
returns trigger
language plpgsql volatile security definer set search_path = ''
-- Whoever stores a page has switched these off.
set enable_hashjoin = on set enable_mergejoin = on
as $$
begin
  insert into public.content_revision (content_item_id, user_id, changes)
  select now_is.id, now_is.user_id,
    case when was.title <> now_is.title then
      jsonb_build_object('title', jsonb_build_object('old', was.title, 'new', now_is.title)) else '{}' end
    || case when coalesce(was.description, '') <> coalesce(now_is.description, '') then
      jsonb_build_object('description', jsonb_build_object('old', was.description, 'new', now_is.description))
      else '{}' end
    || case when was.tags <> now_is.tags then
      jsonb_build_object('tags', jsonb_build_object('old', was.tags, 'new', now_is.tags)) else '{}' end
    || case when split_part(was.thumbnail_url, '?', 1) is distinct from split_part(now_is.thumbnail_url, '?', 1) then
      jsonb_build_object('thumbnail_url', jsonb_build_object('old', was.thumbnail_url, 'new', now_is.thumbnail_url))
      else '{}' end
  from old_items as was
  join new_items as now_is on now_is.id = was.id
  where was.title <> now_is.title
    or coalesce(was.description, '') <> coalesce(now_is.description, '')
    or was.tags <> now_is.tags
    or was.thumbnail_url is distinct from now_is.thumbnail_url
      and split_part(was.thumbnail_url, '?', 1) is distinct from split_part(now_is.thumbnail_url, '?', 1);
  return null;
end;
$$;
comment on function private.write_content_revisions() is
  'Trigger: keeps what items were before a change at the source. Lends the right to write revisions.';
revoke all on function private.write_content_revisions() from public, anon, authenticated, service_role;

create trigger _300_write_revisions
  after update on public.content_item
  referencing old table as old_items new table as new_items
  for each statement execute function private.write_content_revisions();

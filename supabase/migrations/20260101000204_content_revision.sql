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

create function private.write_content_revision()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  -- Field by field, and not by a query over a list of them: new titles come by the page.
  insert into public.content_revision (content_item_id, user_id, changes)
  values (new.id, new.user_id,
    case when old.title <> new.title then
      jsonb_build_object('title', jsonb_build_object('old', old.title, 'new', new.title)) else '{}' end
    || case when coalesce(old.description, '') <> coalesce(new.description, '') then
      jsonb_build_object('description', jsonb_build_object('old', old.description, 'new', new.description))
      else '{}' end
    || case when old.tags <> new.tags then
      jsonb_build_object('tags', jsonb_build_object('old', old.tags, 'new', new.tags)) else '{}' end
    || case when split_part(old.thumbnail_url, '?', 1) is distinct from split_part(new.thumbnail_url, '?', 1) then
      jsonb_build_object('thumbnail_url', jsonb_build_object('old', old.thumbnail_url, 'new', new.thumbnail_url))
      else '{}' end);
  return null;
end;
$$;
comment on function private.write_content_revision() is
  'Trigger: keeps what an item was before a change at the source. Lends the right to write revisions.';
revoke all on function private.write_content_revision() from public, anon, authenticated, service_role;

-- What is behind the question mark of an address is its signature, which is new in every answer.
create trigger _300_write_revision
  after update on public.content_item
  for each row
  when (
    (old.title, coalesce(old.description, ''), old.tags, split_part(old.thumbnail_url, '?', 1))
    is distinct from
    (new.title, coalesce(new.description, ''), new.tags, split_part(new.thumbnail_url, '?', 1)))
  execute function private.write_content_revision();

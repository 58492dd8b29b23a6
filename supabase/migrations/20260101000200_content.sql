-- 002 Content: everything a creator has published, as the platforms tell it.
-- The rule to know: the source is right about what it sent, the owner is right about what they removed
-- here. A sync therefore overwrites and revives, except where the owner deleted.

create table public.content_type (
  name text primary key,
  description text not null,
  created_at timestamptz not null default now()
);
comment on table public.content_type is 'The kinds of content.';

alter table public.content_type enable row level security;
revoke all on table public.content_type from public, anon, authenticated, service_role;
grant select on table public.content_type to anon, authenticated, service_role;

create policy select_all on public.content_type
  for select to anon, authenticated
  using (true);

insert into public.content_type (name, description) values
  ('long_video', 'A video in landscape or of more than three minutes.'),
  ('short_video', 'A vertical video of up to three minutes.'),
  ('image', 'A single picture.'),
  ('carousel', 'Several pictures or videos in one post.'),
  ('story', 'A picture or video that disappears after a day.'),
  ('reel', 'A vertical video on Instagram or Facebook.'),
  ('post', 'A text post.');

create table public.content_item (
  -- In the order of time, so that what is stored together stands together in every index of ids.
  id uuid primary key default encode(
    set_bit(set_bit(overlay(
      uuid_send(gen_random_uuid())
      placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
      from 1 for 6), 52, 1), 53, 1), 'hex')::uuid,
  user_id uuid not null references public.users (id) on delete cascade,
  social_account_id uuid not null references public.social_account (id) on delete cascade,
  platform_content_id text not null,
  content_type text not null
    references public.content_type (name) on update cascade on delete restrict,
  title text not null default '',
  description text,
  url text,
  thumbnail_url text,
  duration_seconds int,
  view_count bigint,
  like_count bigint,
  comment_count bigint,
  tags text[] not null default '{}',
  hashtags text[] not null default '{}',
  mentions text[] not null default '{}',
  category text,
  published_at timestamptz,
  visibility text not null default 'private',
  platform_data jsonb not null default '{}',
  total_clicks bigint not null default 0,
  search_vector tsvector not null default '',
  deleted_at timestamptz,
  deleted_by text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint content_item_source_key unique (social_account_id, platform_content_id),
  constraint content_item_platform_content_id_is_filled
    check (char_length(platform_content_id) between 1 and 255),
  constraint content_item_duration_is_not_negative check (duration_seconds >= 0),
  constraint content_item_counts_are_not_negative
    check (view_count >= 0 and like_count >= 0 and comment_count >= 0 and total_clicks >= 0),
  constraint content_item_visibility_is_known check (visibility in ('public', 'unlisted', 'private')),
  constraint content_item_deletion_has_an_author check ((deleted_at is null) = (deleted_by is null)),
  constraint content_item_deleted_by_is_known check (deleted_by in ('owner', 'source'))
)
-- Room on each page lets the next sync's new counts stay beside the row, without touching an index. Compressed, or
-- beside the table, only what is longer than most: a page of 50 would else be compressed item by item.
with (fillfactor = 85, toast_tuple_target = 4080);
comment on table public.content_item is 'One video, picture or post of a connected account.';
comment on column public.content_item.view_count is 'Null where the platform hides it; so are the other counts.';
comment on column public.content_item.visibility is 'At the source. Private until the source says otherwise.';
comment on column public.content_item.deleted_by is
  'owner: removed here, and stays removed. source: vanished there, and comes back if it does.';

-- Serves the owner's newest first, counting them without a look at the rows, and the foreign key.
create index content_item_user_id_published_at_idx on public.content_item (user_id, published_at desc)
  include (deleted_at, id);
-- Serves the foreign key; few values, so that it stays small and new entries lie side by side.
create index content_item_content_type_idx on public.content_item (content_type);
-- Serves what everybody may browse, newest first.
create index content_item_public_idx on public.content_item (published_at desc)
  where visibility = 'public' and deleted_at is null;
-- Serves full-text search, misspelt titles, and filtering by tag: of one owner, whose items alone are then looked
-- at, and of all, since any of the columns will do. A page waits in the pending list, as putting its words in
-- place takes four times as long as saving it does. Every search reads the list: it may be no longer than this.
create index content_item_search_idx on public.content_item
  using gin (user_id, search_vector, title extensions.gin_trgm_ops, tags, hashtags)
  with (fastupdate = on, gin_pending_list_limit = 8192);

create trigger _100_update_updated_at
  before update on public.content_item
  for each row execute function private.update_updated_at();

-- A trigger and not a generated column: that would be computed anew for every new count, and being
-- stored out of line it would count as changed, so that each count would rewrite every index.
-- A text search value has to stay under 1 MB: an endless description is searched by its beginning.
create function private.content_search_vector(p_title text, p_tags text[], p_hashtags text[], p_description text)
returns tsvector
language plpgsql stable set search_path = ''
as $$
begin
  return setweight(to_tsvector('pg_catalog.english', left(coalesce(p_description, ''), 20000)), 'C')
    || setweight(to_tsvector('pg_catalog.english', array_to_string(p_tags || p_hashtags, ' ')), 'B')
    || setweight(to_tsvector('pg_catalog.english', p_title), 'A');
end;
$$;
comment on function private.content_search_vector(text, text[], text[], text) is
  'What full-text search sees of an item: title before tags before description.';

-- Splitting texts into words is a third of what saving a page costs: beside a new title the others are kept, which
-- is why the title stands behind them.
create function private.update_content_search_vector()
returns trigger
language plpgsql volatile set search_path = ''
as $$
begin
  if tg_op = 'UPDATE'
    and (old.tags, old.hashtags, old.description) is not distinct from (new.tags, new.hashtags, new.description)
  then
    new.search_vector :=
      ts_filter(old.search_vector, '{b,c}') || setweight(to_tsvector('pg_catalog.english', new.title), 'A');
  else
    new.search_vector := private.content_search_vector(new.title, new.tags, new.hashtags, new.description);
  end if;
  return new;
end;
$$;
comment on function private.update_content_search_vector() is
  'Trigger: an item is found by what it says now.';
revoke all on function
  private.content_search_vector(text, text[], text[], text), private.update_content_search_vector()
from public, anon, authenticated, service_role;
-- Who writes the table calls it, by the trigger.
grant execute on function private.content_search_vector(text, text[], text[], text) to service_role;

create trigger _200_search_vector_on_insert
  before insert on public.content_item
  for each row
  -- Who stores a page brings it along.
  when (new.search_vector = '')
  execute function private.update_content_search_vector();
create trigger _200_search_vector_on_update
  before update on public.content_item
  for each row
  when ((old.title, old.tags, old.hashtags, old.description)
    is distinct from (new.title, new.tags, new.hashtags, new.description))
  execute function private.update_content_search_vector();

alter table public.content_item enable row level security;
revoke all on table public.content_item from public, anon, authenticated, service_role;
-- Reading only: what the source said is not the owner's to edit. The public reads through functions
-- that leave out what is hidden, so that platform_data and private profiles stay unseen.
grant select on table public.content_item to authenticated;
grant select, insert, update, delete on table public.content_item to service_role;

create policy select_own on public.content_item
  for select to authenticated
  using (user_id = (select auth.uid()) and deleted_at is null);

-- During the removal of a whole user the profile row is already gone; only then may accounts that
-- have content go with it.
create function private.prevent_account_deletion_with_content()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if exists (select from public.users where id = old.user_id)
    and exists (select from public.content_item where social_account_id = old.id)
  then
    perform private.raise_error('CONFLICT', jsonb_build_object('social_account_id', old.id),
      'An account with content cannot be deleted; set deleted_at instead.');
  end if;
  return old;
end;
$$;
comment on function private.prevent_account_deletion_with_content() is
  'Trigger: a connected account with content can only be removed softly. Lends the right to look at content and profiles.';
revoke all on function private.prevent_account_deletion_with_content() from public, anon, authenticated, service_role;

create trigger _100_prevent_deletion_with_content
  before delete on public.social_account
  for each row execute function private.prevent_account_deletion_with_content();

-- 002 Content: storing what a platform sent.
-- The rule to know: one statement for a page. Only a page with an item that breaks a rule is stored item by
-- item, so that the rules stand in the constraints alone and the others do not suffer.

-- In the order the platform says, else as sent. Two that claim one place stand behind each other.
create function private.content_media_places(p_media jsonb)
returns table ("position" int, platform_media_id text, media_type text, url text, thumbnail_url text)
language sql immutable strict rows 10 set search_path = ''
as $$
  select (row_number() over (order by sent.position, sent.place) - 1)::int, sent.platform_media_id, sent.media_type,
    sent.url, sent.thumbnail_url
  from rows from (
    jsonb_to_recordset(p_media) as (
      platform_media_id text, media_type text, url text, thumbnail_url text, "position" int)
  ) with ordinality as sent (platform_media_id, media_type, url, thumbnail_url, "position", place);
$$;
comment on function private.content_media_places(jsonb) is 'An item''s media as content_media holds them, places from 0 without a gap.';

create function private.content_media_forms(p_media jsonb)
returns table (full_form text, unsigned_form text)
language sql immutable strict rows 1 set search_path = ''
as $$
  select
    jsonb_agg(jsonb_build_array(sent.platform_media_id, sent.media_type, sent.url, sent.thumbnail_url)
      order by sent.position)::text,
    jsonb_agg(jsonb_build_array(sent.platform_media_id, sent.media_type, split_part(sent.url, '?', 1),
      split_part(sent.thumbnail_url, '?', 1)) order by sent.position)::text
  from private.content_media_places(p_media) as sent;
$$;
comment on function private.content_media_forms(jsonb) is
  'Two texts by which media are compared: as they are, and without what signs their addresses. Null for none.';

-- Items are objects with content_item's column names, and "media". What is already stored as sent is not
-- touched: no new row version, no lock, no trigger. A row whose signed addresses alone are new is refreshed
-- and still counts as unchanged.
create function private.store_content(p_social_account_id uuid, p_owner_id uuid, p_items jsonb)
returns table (platform_content_id text, outcome text)
language plpgsql volatile set search_path = ''
-- A page of a large account, by its keys: the planner, which cannot know, must not scan or hash the account.
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with item as materialized (
    -- A list that shifts under its reader repeats items; the last one is the freshest.
    select distinct on (sent.platform_content_id)
      sent.platform_content_id, sent.content_type, coalesce(sent.title, '') as title, sent.description, sent.url,
      sent.thumbnail_url, sent.duration_seconds, private.count_or_null(sent.view_count) as view_count,
      private.count_or_null(sent.like_count) as like_count, private.count_or_null(sent.comment_count) as comment_count,
      coalesce(sent.tags, '{}') as tags, coalesce(sent.hashtags, '{}') as hashtags,
      coalesce(sent.mentions, '{}') as mentions, sent.category, sent.published_at,
      coalesce(sent.visibility, 'private') as visibility, coalesce(sent.platform_data, '{}') as platform_data,
      nullif(sent.media, 'null') as media
    from rows from (
      jsonb_to_recordset(p_items) as (
        platform_content_id text, content_type text, title text, description text, url text, thumbnail_url text,
        duration_seconds int, view_count jsonb, like_count jsonb, comment_count jsonb, tags text[], hashtags text[],
        mentions text[], category text, published_at timestamptz, visibility text, platform_data jsonb, media jsonb)
    ) with ordinality as sent (
      platform_content_id, content_type, title, description, url, thumbnail_url,
      duration_seconds, view_count, like_count, comment_count, tags, hashtags,
      mentions, category, published_at, visibility, platform_data, media, place)
    order by sent.platform_content_id, sent.place desc
  ),
  known as materialized (
    select item.*, stored.id as item_id,
      item.media is not null and sent_media.full_form is distinct from stored_media.full_form as has_new_media,
      case
        when stored.id is null then 'new'
        when stored.deleted_by = 'owner' then 'unchanged'
        when (
          stored.content_type, stored.title, stored.description, stored.url,
          split_part(stored.thumbnail_url, '?', 1),
          stored.duration_seconds, stored.view_count, stored.like_count, stored.comment_count, stored.tags,
          stored.hashtags, stored.mentions, stored.category, stored.published_at, stored.visibility,
          stored.platform_data, stored.deleted_by
        ) is distinct from (
          item.content_type, item.title, item.description, item.url,
          split_part(item.thumbnail_url, '?', 1),
          item.duration_seconds, item.view_count, item.like_count, item.comment_count, item.tags,
          item.hashtags, item.mentions, coalesce(item.category, stored.category), item.published_at, item.visibility,
          item.platform_data, null
        ) or item.media is not null and sent_media.unsigned_form is distinct from stored_media.unsigned_form then 'updated'
        when stored.thumbnail_url is distinct from item.thumbnail_url
          or item.media is not null and sent_media.full_form is distinct from stored_media.full_form then 'refreshed'
        else 'unchanged'
      end as outcome
    from item
    -- One by one: accounts being small on average, a prepared plan would else read the whole of a large one.
    left join lateral (
      select own.* from public.content_item as own
      where own.social_account_id = p_social_account_id and own.platform_content_id = item.platform_content_id
      limit 1
    ) as stored on true
    left join lateral private.content_media_forms(item.media) as sent_media on true
    left join lateral private.content_media_forms(
      case when item.media is not null then (
        select jsonb_agg(to_jsonb(own) order by own.position)
        from public.content_media as own
        where own.content_item_id = stored.id) end) as stored_media on true
  ),
  changed as (
    update public.content_item as stored set
      content_type = known.content_type,
      title = known.title,
      description = known.description,
      url = known.url,
      thumbnail_url = known.thumbnail_url,
      duration_seconds = known.duration_seconds,
      view_count = known.view_count,
      like_count = known.like_count,
      comment_count = known.comment_count,
      tags = known.tags,
      hashtags = known.hashtags,
      mentions = known.mentions,
      category = coalesce(known.category, stored.category),
      published_at = known.published_at,
      visibility = known.visibility,
      platform_data = known.platform_data,
      deleted_at = null,
      deleted_by = null
    from known
    where known.outcome in ('updated', 'refreshed') and stored.id = known.item_id
      -- Asked again of the row itself: its owner may have deleted it this moment.
      and stored.deleted_by is distinct from 'owner'
    returning stored.id, stored.platform_content_id
  ),
  added as (
    insert into public.content_item (
      user_id, social_account_id, platform_content_id, content_type, title, description, url, thumbnail_url,
      duration_seconds, view_count, like_count, comment_count, tags, hashtags, mentions, category, published_at,
      visibility, platform_data)
    select
      p_owner_id, p_social_account_id, known.platform_content_id, known.content_type, known.title, known.description,
      known.url, known.thumbnail_url, known.duration_seconds, known.view_count, known.like_count, known.comment_count,
      known.tags, known.hashtags, known.mentions, known.category, known.published_at, known.visibility,
      known.platform_data
    from known
    where known.outcome = 'new'
    returning id, platform_content_id
  ),
  written as materialized (
    select id, platform_content_id from added union all select id, platform_content_id from changed
  ),
  media as materialized (
    select written.id, known.media
    from known
    join written on written.platform_content_id = known.platform_content_id
    where known.has_new_media
  ),
  -- Beside each other, on different rows: places that are gone, and places that are there.
  removed_media as (
    delete from public.content_media as own
    using media
    where own.content_item_id = media.id and own.position >= jsonb_array_length(media.media)
  ),
  put_media as (
    insert into public.content_media as own
      (content_item_id, position, platform_media_id, media_type, url, thumbnail_url)
    select media.id, sent.position, sent.platform_media_id, sent.media_type, sent.url, sent.thumbnail_url
    from media
    cross join lateral private.content_media_places(media.media) as sent
    on conflict (content_item_id, position) do update set
      platform_media_id = excluded.platform_media_id,
      media_type = excluded.media_type,
      url = excluded.url,
      thumbnail_url = excluded.thumbnail_url
    where (own.platform_media_id, own.media_type, own.url, own.thumbnail_url)
      is distinct from (excluded.platform_media_id, excluded.media_type, excluded.url, excluded.thumbnail_url)
  )
  select known.platform_content_id,
    case
      when known.outcome = 'new' then 'new'
      when known.outcome = 'updated' and written.id is not null then 'updated'
      else 'unchanged'
    end
  from known
  left join written on written.platform_content_id = known.platform_content_id;
end;
$$;
comment on function private.store_content(uuid, uuid, jsonb) is
  'Stores items of an account whose row is locked, and says of each whether it is new, updated or unchanged.';

create function private.save_content_items(p_social_account_id uuid, p_items jsonb)
returns table (platform_content_id text, outcome text, reason text)
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_owner_id uuid;
  v_item record;
  v_state text;
  v_constraint text;
begin
  if jsonb_typeof(p_items) is distinct from 'array'
    or exists (select from jsonb_array_elements(p_items) as item (value)
      where coalesce(item.value ->> 'platform_content_id', '') = '')
  then
    perform private.raise_error('VALIDATION_ERROR', null,
      'Items must be an array of objects with a platform_content_id.');
  end if;

  -- Two syncs of one account take turns here, so that no item is counted as new by both.
  select user_id into v_owner_id from public.social_account where id = p_social_account_id for no key update;
  if not found then
    perform private.raise_error('SOCIAL_ACCOUNT_NOT_FOUND');
  end if;

  begin
    return query
      select stored.platform_content_id, stored.outcome, null::text
      from private.store_content(p_social_account_id, v_owner_id, p_items) as stored;
    return;
  exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
    -- One of them breaks a rule: the others are stored each by itself.
  end;

  for v_item in
    select distinct on (sent.id) sent.id, sent.value
    from (
      select item.value ->> 'platform_content_id' as id, item.value, item.place
      from jsonb_array_elements(p_items) with ordinality as item (value, place)
    ) as sent
    order by sent.id, sent.place desc
  loop
    begin
      return query
        select stored.platform_content_id, stored.outcome, null::text
        from private.store_content(p_social_account_id, v_owner_id, jsonb_build_array(v_item.value)) as stored;
    exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
      get stacked diagnostics v_state = returned_sqlstate, v_constraint = constraint_name;
      platform_content_id := v_item.id;
      outcome := 'failed';
      reason := coalesce(nullif(v_constraint, ''), v_state);
      return next;
    end;
  end loop;
end;
$$;
comment on function private.save_content_items(uuid, jsonb) is
  'Stores what a platform sent for an account; says of each item whether it is new, updated, unchanged or failed, and which constraint or SQLSTATE it failed by. Lends the right to write content.';

create function private.save_content(p_social_account_id uuid, p_items jsonb)
returns table (new_count int, updated_count int, unchanged_count int, failed jsonb)
language sql volatile set search_path = ''
as $$
  select
    count(*) filter (where outcome = 'new')::int,
    count(*) filter (where outcome = 'updated')::int,
    count(*) filter (where outcome = 'unchanged')::int,
    coalesce(
      jsonb_agg(jsonb_build_object(
        'platform_content_id', platform_content_id, 'code', 'VALIDATION_ERROR', 'reason', reason)
        order by platform_content_id) filter (where outcome = 'failed'),
      '[]')
  from private.save_content_items(p_social_account_id, p_items);
$$;
comment on function private.save_content(uuid, jsonb) is
  'save_content_items(), counted; failed: [{platform_content_id, code, reason}].';

revoke all on function
  private.content_media_places(jsonb),
  private.content_media_forms(jsonb),
  private.store_content(uuid, uuid, jsonb),
  private.save_content_items(uuid, jsonb),
  private.save_content(uuid, jsonb)
from public, anon, authenticated, service_role;

-- 002 Content: storing what a platform sent.
-- The rule to know: one statement for a page. The rules stand in the constraints alone; what breaks one is found
-- only after a page was refused, and the others are stored without it, again in one statement.

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

-- What is already stored as sent is not touched: no new row version, no lock, no trigger. A row whose signed
-- addresses alone are new is refreshed and still counts as unchanged.
create function private.store_content(p_social_account_id uuid, p_owner_id uuid, p_items jsonb)
returns table (platform_content_id text, outcome text)
language plpgsql volatile set search_path = ''
-- A page of a large account, by its keys: the planner, which cannot know, must not scan or hash the account.
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
begin
  return query
  -- First what every reader of a row asks for: a row is read up to the last column that is wanted.
  with known as materialized (
    select stored.id as item_id,
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
        ) or media.is_other then 'updated'
        when stored.thumbnail_url is distinct from item.thumbnail_url or media.is_new then 'refreshed'
        else 'unchanged'
      end as outcome,
      coalesce(media.is_new, false) as has_new_media, item.*
    from (
      -- A list that shifts under its reader repeats items; the last one is the freshest.
      select distinct on (sent.platform_content_id collate "C")
        sent.platform_content_id, sent.content_type, coalesce(sent.title, '') as title, sent.description, sent.url,
        sent.thumbnail_url, sent.duration_seconds,
        -- As private.count_or_null() reads them, without three calls for each item.
        case when sent.view_count ~ '^[0-9]{1,18}$' then sent.view_count::bigint end as view_count,
        case when sent.like_count ~ '^[0-9]{1,18}$' then sent.like_count::bigint end as like_count,
        case when sent.comment_count ~ '^[0-9]{1,18}$' then sent.comment_count::bigint end as comment_count,
        coalesce(sent.tags, '{}') as tags, coalesce(sent.hashtags, '{}') as hashtags,
        coalesce(sent.mentions, '{}') as mentions, sent.category, sent.published_at,
        coalesce(sent.visibility, 'private') as visibility, coalesce(sent.platform_data, '{}') as platform_data,
        nullif(sent.media, 'null') as media
      from rows from (jsonb_populate_recordset(null::private.sent_content, p_items)) with ordinality as sent (
        platform_content_id, content_type, title, description, url, thumbnail_url, duration_seconds, view_count,
        like_count, comment_count, tags, hashtags, mentions, category, published_at, visibility, platform_data, media,
        place)
      order by sent.platform_content_id collate "C", sent.place desc
    ) as item
    -- One by one: accounts being small on average, a prepared plan would else read the whole of a large one.
    left join lateral (
      select own.* from public.content_item as own
      where own.social_account_id = p_social_account_id and own.platform_content_id = item.platform_content_id
      limit 1
    ) as stored on true
    -- Most items have none, and for those nothing of this is done.
    left join lateral (
      select sent.full_form is distinct from kept.full_form as is_new,
        sent.unsigned_form is distinct from kept.unsigned_form as is_other
      from private.content_media_forms(item.media) as sent
      left join private.content_media_forms((
        select jsonb_agg(to_jsonb(own) order by own.position)
        from public.content_media as own
        where own.content_item_id = stored.id)) as kept on true
      where item.media is not null
    ) as media on true
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
      visibility, platform_data, search_vector)
    select
      p_owner_id, p_social_account_id, known.platform_content_id, known.content_type, known.title, known.description,
      known.url, known.thumbnail_url, known.duration_seconds, known.view_count, known.like_count, known.comment_count,
      known.tags, known.hashtags, known.mentions, known.category, known.published_at, known.visibility,
      known.platform_data,
      -- Here rather than by the trigger, which would copy the row.
      private.content_search_vector(known.title, known.tags, known.hashtags, known.description)
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
      (content_item_id, position, user_id, platform_media_id, media_type, url, thumbnail_url)
    select media.id, sent.position, p_owner_id, sent.platform_media_id, sent.media_type, sent.url, sent.thumbnail_url
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
      when known.outcome = 'updated' and known.item_id <> all (array(select id from changed))
        or known.outcome = 'refreshed' then 'unchanged'
      else known.outcome
    end
  from known;
end;
$$;
comment on function private.store_content(uuid, uuid, jsonb) is
  'Stores items of an account whose row is locked, and says of each whether it is new, updated or unchanged.';

create function private.store_content_by_halves(p_social_account_id uuid, p_owner_id uuid, p_items jsonb)
returns table (platform_content_id text, outcome text, reason text)
language plpgsql volatile set search_path = ''
as $$
declare
  v_half constant int := jsonb_array_length(p_items) / 2;
  v_constraint text;
begin
  return query
    select stored.platform_content_id, stored.outcome, null::text
    from private.store_content(p_social_account_id, p_owner_id, p_items) as stored;
exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
  if v_half > 0 then
    return query
      select half.*
      from (
        select jsonb_agg(item.value) as items
        from jsonb_array_elements(p_items) with ordinality as item (value, place)
        group by item.place <= v_half
      ) as divided
      cross join lateral private.store_content_by_halves(p_social_account_id, p_owner_id, divided.items) as half;
  else
    get stacked diagnostics v_constraint = constraint_name;
    return query select p_items -> 0 ->> 'platform_content_id', 'failed', coalesce(nullif(v_constraint, ''), sqlstate);
  end if;
end;
$$;
comment on function private.store_content_by_halves(uuid, uuid, jsonb) is
  'store_content() of items with different ids, without those that cannot be stored, which are found by halving; these have failed, by their constraint or SQLSTATE.';

create function private.save_content_items(p_social_account_id uuid, p_items jsonb)
returns table (platform_content_id text, outcome text, reason text)
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_owner_id uuid;
  v_items jsonb;
  v_faults jsonb;
begin
  if jsonb_typeof(p_items) is distinct from 'array'
    or exists (select from jsonb_array_elements(p_items) as item (value)
      where coalesce(item.value ->> 'platform_content_id', '') = '')
  then
    perform private.raise_error('VALIDATION_ERROR', null,
      'Items must be an array of objects with a platform_content_id.');
  end if;

  -- Two syncs of one account take turns here, so that no item is counted as new by both. Items refer to their
  -- owner's row, which is locked before: by the caller, who may have a job to lock in between.
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
    -- One of them breaks a rule: the others are stored without it.
  end;

  select jsonb_agg(sent.value) into v_items
  from (
    select distinct on (item.value ->> 'platform_content_id') item.value
    from jsonb_array_elements(p_items) with ordinality as item (value, place)
    order by item.value ->> 'platform_content_id', item.place desc
  ) as sent;
  v_faults := private.content_faults(v_items);
  return query
    select fault.key, 'failed', fault.value from jsonb_each_text(v_faults) as fault
    union all
    select stored.* from private.store_content_by_halves(p_social_account_id, v_owner_id, (
      select coalesce(jsonb_agg(item.value), '[]')
      from jsonb_array_elements(v_items) as item (value)
      where not v_faults ? (item.value ->> 'platform_content_id'))) as stored;
end;
$$;
comment on function private.save_content_items(uuid, jsonb) is
  'Stores what a platform sent for an account; says of each item whether it is new, updated, unchanged or failed, and which constraint or SQLSTATE it failed by. Lends the right to write content.';

create function private.save_content(p_social_account_id uuid, p_items jsonb)
returns table (new_count int, updated_count int, unchanged_count int, failed jsonb)
language plpgsql volatile rows 1 set search_path = ''
as $$
begin
  perform from public.users
  where id = (select user_id from public.social_account where id = p_social_account_id)
  for key share;
  return query
    select
      count(*) filter (where item.outcome = 'new')::int,
      count(*) filter (where item.outcome = 'updated')::int,
      count(*) filter (where item.outcome = 'unchanged')::int,
      coalesce(
        jsonb_agg(jsonb_build_object(
          'platform_content_id', item.platform_content_id, 'code', 'VALIDATION_ERROR', 'reason', item.reason)
          order by item.platform_content_id) filter (where item.outcome = 'failed'),
        '[]')
    from private.save_content_items(p_social_account_id, p_items) as item;
end;
$$;
comment on function private.save_content(uuid, jsonb) is
  'save_content_items(), counted; failed: [{platform_content_id, code, reason}].';

revoke all on function
  private.content_media_forms(jsonb),
  private.store_content(uuid, uuid, jsonb),
  private.store_content_by_halves(uuid, uuid, jsonb),
  private.save_content_items(uuid, jsonb),
  private.save_content(uuid, jsonb)
from public, anon, authenticated, service_role;

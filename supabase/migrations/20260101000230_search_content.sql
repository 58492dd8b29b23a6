-- 002 Content: owners search their own. Words first; where no item has them, titles that are like them; without
-- words, everything, newest first.

-- Whoever is no superuser may name an extension's setting only in a session that has used the extension, and
-- this may be the first migration of one.
select extensions.word_similarity('', '');

-- Definer, since row level security keeps every operator that is not leakproof, and so every index of text,
-- behind its own filter. Planned anew in each call: which index is best depends on what is asked.
-- What is searched for is compared by rank: of many matches the newest, since a word that every item has must
-- not cost a look at every item. What is only listed is not compared, and all of it counts.
create function private.find_own_content(
  p_user_id uuid, p_words tsquery, p_likeness text, p_tags text[], p_hashtags text[], p_platform text,
  p_content_type text, p_since timestamptz, p_most int, p_limit int, p_after jsonb
)
returns table (content_item_id uuid, rank real, total_count bigint)
language plpgsql stable rows 20 set search_path = '' set plan_cache_mode = force_custom_plan set jit = off
set pg_trgm.word_similarity_threshold = '0.4'
as $$
declare
  -- Without the words that must not be there: beside one of those every item would rank the same.
  v_wanted constant tsquery := coalesce(nullif(nullif(querytree(p_words), 'T'), '')::tsquery, p_words);
begin
  return query
  with matching as materialized (
    select newest.id, newest.published_at, case
        when p_words is not null then ts_rank(newest.words, v_wanted)
        when p_likeness is not null then extensions.word_similarity(p_likeness, newest.title)
        else 0
      end::real as rank
    from (
      -- Carries what is ranked, which is costly, to behind the limit. Ordered by an expression, so that the
      -- planner does not hope to meet enough matches on a walk from the newest on; not at all without a limit.
      select item.id, coalesce(item.published_at, '-infinity') as published_at,
        case when p_words is not null then item.search_vector end as words,
        case when p_likeness is not null then item.title end as title
      from public.content_item as item
      where item.user_id = p_user_id and item.deleted_at is null
        and (p_since is null or item.published_at >= p_since)
        and (p_words is null or item.search_vector @@ p_words)
        and (p_likeness is null or p_likeness operator(extensions.<%) item.title)
        and (p_tags is null or item.tags @> p_tags)
        and (p_hashtags is null or item.hashtags @> p_hashtags)
        and (p_content_type is null or item.content_type = p_content_type)
        and (p_platform is null or item.social_account_id = any (array(
          select account.id from public.social_account as account
          where account.user_id = p_user_id and account.platform_name = p_platform)))
      order by case when p_most is not null then coalesce(item.published_at, '-infinity') end desc
      limit p_most
    ) as newest
  )
  select matching.id, matching.rank, (select count(*) from matching)
  from matching
  where p_after is null or (matching.rank, matching.published_at, matching.id)
    < ((p_after ->> 'rank')::real, (p_after ->> 'published_at')::timestamptz, (p_after ->> 'id')::uuid)
  order by matching.rank desc, matching.published_at desc, matching.id desc
  limit p_limit;
end;
$$;
comment on function private.find_own_content(uuid, tsquery, text, text[], text[], text, text, timestamptz, int, int, jsonb) is
  'A page of an owner''s items that have these words, or titles like these, best first, and how many there are: p_most at most, the newest, and not older than p_since.';

-- By trying: PostgreSQL 15 has nothing that asks whether a text is a value.
create function private.is_search_cursor(p_cursor jsonb)
returns boolean
language plpgsql stable strict set search_path = ''
as $$
begin
  return (p_cursor ->> 'rank')::real is not null and (p_cursor ->> 'published_at')::timestamptz is not null
    and (p_cursor ->> 'id')::uuid is not null;
exception when data_exception then
  return false;
end;
$$;
comment on function private.is_search_cursor(jsonb) is 'Whether this has the values behind which the next page begins.';

create function private.search_own_content(
  p_query text, p_tags text[], p_hashtags text[], p_platform text, p_content_type text, p_limit int, p_cursor jsonb
)
returns table (content_item_id uuid, platform text, rank real, matched_by text, total_count bigint)
language plpgsql stable security definer rows 20 set search_path = ''
as $$
declare
  v_user_id constant uuid := auth.uid();
  v_query constant text := nullif(btrim(p_query), '');
  v_tags constant text[] := nullif(p_tags, '{}');
  -- As they are stored: without the sign, in lower case.
  v_hashtags constant text[] := nullif(array(select lower(ltrim(tag, '#')) from unnest(p_hashtags) as tag), '{}');
  v_words constant tsquery := websearch_to_tsquery('pg_catalog.english', v_query);
  v_most constant int := case when v_query is not null then 200 end;
  v_since timestamptz;
  v_by text := coalesce(p_cursor ->> 'matched_by', case when v_query is null then 'list' else 'words' end);
begin
  if v_user_id is null then
    perform private.raise_error('UNAUTHENTICATED');
  elsif char_length(p_query) > 500 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_query'));
  elsif p_limit is null or p_limit not between 1 and 100 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_limit'));
  elsif greatest(cardinality(p_tags), cardinality(p_hashtags)) > 50 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_tags'));
  elsif v_by not in ('words', 'likeness', 'list') or (v_by = 'list') <> (v_query is null)
    or p_cursor is not null and not private.is_search_cursor(p_cursor)
  then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_cursor'));
  end if;

  -- A frequent word has enough matches among an owner's newest items; only a rarer one is looked for in all.
  if v_by = 'words' then
    select item.published_at into v_since
    from public.content_item as item
    where item.user_id = v_user_id and item.published_at is not null
    order by item.published_at desc
    offset 1000 limit 1;
  end if;
  if v_since is not null then
    -- As many as are compared at all: the newest of them are the newest of all that match.
    return query
      select found.content_item_id, account.platform_name, found.rank, v_by, found.total_count
      from private.find_own_content(v_user_id, v_words, null, v_tags, v_hashtags, p_platform, p_content_type,
        v_since, v_most, p_limit, p_cursor) as found
      join public.content_item as item on item.id = found.content_item_id
      -- Also a disconnected account, which its owner no longer sees.
      join public.social_account as account on account.id = item.social_account_id
      where found.total_count >= v_most;
    if found then
      return;
    end if;
  end if;

  loop
    return query
      select found.content_item_id, account.platform_name, found.rank, v_by, found.total_count
      from private.find_own_content(v_user_id,
        case v_by when 'words' then v_words end, case v_by when 'likeness' then v_query end,
        v_tags, v_hashtags, p_platform, p_content_type, null, v_most, p_limit, p_cursor) as found
      join public.content_item as item on item.id = found.content_item_id
      join public.social_account as account on account.id = item.social_account_id;
    -- Only the first page decides: a list of words that has come to its end is not followed by another.
    exit when found or v_by <> 'words' or p_cursor is not null;
    v_by := 'likeness';
  end loop;
end;
$$;
comment on function private.search_own_content(text, text[], text[], text, text, int, jsonb) is
  'Body of search_own_content(). Lends the right to read the caller''s content past row level security, which would keep the indexes from it.';

create function public.search_own_content(
  p_query text default null, p_tags text[] default null, p_hashtags text[] default null, p_platform text default null,
  p_content_type text default null, p_limit int default 20, p_cursor jsonb default null
)
returns table (
  id uuid, social_account_id uuid, platform text, platform_content_id text, content_type text, title text,
  description text, url text, thumbnail_url text, duration_seconds int, view_count bigint, like_count bigint,
  comment_count bigint, tags text[], hashtags text[], published_at timestamptz, visibility text, rank real,
  matched_by text, total_count bigint, next_cursor jsonb
)
language sql stable rows 20 set search_path = ''
as $$
  select item.id, item.social_account_id, found.platform, item.platform_content_id, item.content_type,
    item.title, item.description, item.url, item.thumbnail_url, item.duration_seconds, item.view_count,
    item.like_count, item.comment_count, item.tags, item.hashtags, item.published_at, item.visibility, found.rank,
    found.matched_by, found.total_count,
    jsonb_build_object('matched_by', found.matched_by, 'rank', found.rank,
      'published_at', coalesce(item.published_at, '-infinity'), 'id', item.id)
  from private.search_own_content(p_query, p_tags, p_hashtags, p_platform, p_content_type, p_limit, p_cursor) as found
  -- One by one: beside row level security the planner would else read all that the owner has.
  cross join lateral (
    select own.* from public.content_item as own where own.id = found.content_item_id limit 1
  ) as item
  order by found.rank desc, coalesce(item.published_at, '-infinity') desc, item.id desc;
$$;
comment on function public.search_own_content(text, text[], text[], text, text, int, jsonb) is
  'The caller''s items that have the words (matched_by words), else whose titles are like them (likeness); without words all, newest first (list). Filters: all of the tags, all of the hashtags, platform, kind. p_cursor: next_cursor of the last row. total_count: all of them in a list, of what was searched for at most 200, the newest.';

create function private.settle_content_search()
returns bigint
language sql volatile set search_path = ''
as $$
  select gin_clean_pending_list('public.content_item_search_idx');
$$;
comment on function private.settle_content_search() is
  'Every minute: puts the words of saved pages in their place, so that neither the page that fills the pending list waits for it nor every search reads it; returns pages freed.';

revoke all on function
  private.find_own_content(uuid, tsquery, text, text[], text[], text, text, timestamptz, int, int, jsonb),
  private.is_search_cursor(jsonb),
  private.search_own_content(text, text[], text[], text, text, int, jsonb),
  private.settle_content_search(),
  public.search_own_content(text, text[], text[], text, text, int, jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  private.search_own_content(text, text[], text[], text, text, int, jsonb),
  public.search_own_content(text, text[], text[], text, text, int, jsonb)
to authenticated;

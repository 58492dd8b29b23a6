-- 002 Content: what a platform sends, and what of it cannot be stored.

-- What an item may say; a count is text here, since platforms send numbers, strings and neither.
create type private.sent_content as (
  platform_content_id text, content_type text, title text, description text, url text, thumbnail_url text,
  duration_seconds int, view_count text, like_count text, comment_count text, tags text[], hashtags text[],
  mentions text[], category text, published_at timestamptz, visibility text, platform_data jsonb, media jsonb
);
comment on type private.sent_content is 'An item as a platform sent it: content_item''s column names, and "media".';

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

-- In the order in which PostgreSQL asks.
create function private.broken_rule(p_table regclass, p_columns text[])
returns text
language plpgsql stable set search_path = ''
as $$
begin
  return (
    select 'case ' || string_agg(format('when %s then %L', is_broken, name), ' ' order by place, name) || ' end'
    from (
      select 1, '23502', format('item.%I is null', attname)
      from pg_attribute
      where attrelid = p_table and attnotnull and not atthasdef and attname = any (p_columns)
      union all
      select 2, rule.conname, format('not (%s)', pg_get_expr(rule.conbin, rule.conrelid))
      from pg_constraint as rule
      where rule.conrelid = p_table and rule.contype = 'c' and not exists (
        select from pg_attribute
        where attrelid = p_table and attnum = any (rule.conkey) and attname <> all (p_columns))
      union all
      select 3, key.conname, format('item.%1$I is not null and not exists (select from %2$s as named where named.%3$I = item.%1$I)',
        own.attname, key.confrelid::regclass, other.attname)
      from pg_constraint as key
      join pg_attribute as own on own.attrelid = key.conrelid and own.attnum = key.conkey[1]
      join pg_attribute as other on other.attrelid = key.confrelid and other.attnum = key.confkey[1]
      where key.conrelid = p_table and key.contype = 'f' and own.attname = any (p_columns)
    ) as rule (place, name, is_broken));
end;
$$;
comment on function private.broken_rule(regclass, text[]) is
  'An expression over "item", a row with these columns of a table: the name of the constraint that it breaks (23502 for a missing value), null for none.';

-- Asked only of a page that was refused. The rules are read from the catalog, so that they stand nowhere twice.
create function private.content_faults(p_items jsonb)
returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_items jsonb := p_items;
  v_item jsonb;
  v_faults jsonb := '{}';
  v_broken jsonb;
begin
  begin
    perform from jsonb_populate_recordset(null::private.sent_content, p_items) as item,
      private.content_media_places(nullif(item.media, 'null'));
  exception when data_exception then
    v_items := '[]';
    for v_item in select value from jsonb_array_elements(p_items) loop
      begin
        perform from jsonb_populate_record(null::private.sent_content, v_item) as item,
          private.content_media_places(nullif(item.media, 'null'));
        v_items := v_items || v_item;
      exception when data_exception then
        v_faults := v_faults || jsonb_build_object(v_item ->> 'platform_content_id', sqlstate);
      end;
    end loop;
  end;

  execute format($query$
    select jsonb_object_agg(checked.id, checked.rule)
    from (
      select item.platform_content_id as id, coalesce(%s, (
        select part.rule
        from (
          select item.position, %s as rule from private.content_media_places(nullif(item.media, 'null')) as item
        ) as part
        where part.rule is not null order by part.position limit 1)) as rule
      from jsonb_populate_recordset(null::private.sent_content, $1) as item
    ) as checked
    where checked.rule is not null
    $query$,
    private.broken_rule('public.content_item', array(
      select own.attname
      from pg_attribute as own
      join pg_attribute as sent on sent.attname = own.attname and sent.atttypid = own.atttypid
      where own.attrelid = 'public.content_item'::regclass and sent.attrelid = 'private.sent_content'::regclass
        and sent.attnum > 0)),
    private.broken_rule('public.content_media', '{position,platform_media_id,media_type,url,thumbnail_url}'))
  into v_broken using v_items;
  return v_faults || coalesce(v_broken, '{}');
end;
$$;
comment on function private.content_faults(jsonb) is
  'Which items cannot be stored as they are: {platform_content_id: constraint or SQLSTATE}.';

revoke all on function
  private.content_media_places(jsonb), private.broken_rule(regclass, text[]), private.content_faults(jsonb)
from public, anon, authenticated, service_role;

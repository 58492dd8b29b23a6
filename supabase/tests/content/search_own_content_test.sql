begin;
\ir ../helpers.psql
select plan(38);

select tests.create_user('ana'), tests.create_user('ben');
select tests.connect_account('ana'), tests.connect_account('ben');
update public.subscription set tier = 'premium' where user_id = tests.user_id('ana');
select tests.connect_account('ana', 'instagram', 'ig_ana');
select private.save_content(tests.account_id('ana'), '[
  {"platform_content_id": "v1", "content_type": "long_video", "title": "Baking sourdough bread", "tags": ["kitchen", "bread"],
    "hashtags": ["brot"], "published_at": "2026-01-01T00:00:00Z"},
  {"platform_content_id": "v2", "content_type": "short_video", "title": "Kitchen tour", "description": "We look at bread.",
    "tags": ["kitchen"], "published_at": "2026-01-03T00:00:00Z"},
  {"platform_content_id": "v3", "content_type": "long_video", "title": "スケートボードの練習", "published_at": "2026-01-02T00:00:00Z"},
  {"platform_content_id": "v4", "content_type": "long_video", "title": "Not dated"},
  {"platform_content_id": "v5", "content_type": "long_video", "title": "Removed bread", "published_at": "2026-01-05T00:00:00Z"}]');
select private.save_content((select id from public.social_account where platform_account_id = 'ig_ana'), '[
  {"platform_content_id": "i1", "content_type": "image", "title": "Bread at sunrise", "published_at": "2026-01-04T00:00:00Z"}]');
select private.save_content(tests.account_id('ben'), '[
  {"platform_content_id": "b1", "content_type": "post", "title": "Baking sourdough bread", "tags": ["kitchen"]}]');
update public.content_item set deleted_at = now(), deleted_by = 'owner' where platform_content_id = 'v5';

create function tests.found(p_query text default null, p_tags text[] default null, p_hashtags text[] default null,
  p_platform text default null, p_content_type text default null) returns text[] language sql stable as $$
  select array_agg(platform_content_id order by place) from public.search_own_content(
    p_query, p_tags, p_hashtags, p_platform, p_content_type) with ordinality as item (
      id, account, platform, platform_content_id, content_type, title, description, url, thumbnail, duration, views, likes,
      comments, tags, hashtags, published_at, visibility, rank, matched_by, total, next, place)
$$;
create function tests.pages(p_query text) returns text[] language plpgsql volatile as $$
declare
  v_cursor jsonb;
  v_row record;
  v_all text[] := '{}';
begin
  loop
    select platform_content_id, next_cursor, total_count into v_row
    from public.search_own_content(p_query, p_limit => 1, p_cursor => v_cursor);
    exit when not found;
    v_all := v_all || (v_row.platform_content_id || '/' || v_row.total_count);
    v_cursor := v_row.next_cursor;
  end loop;
  return v_all;
end
$$;
grant execute on all functions in schema tests to public;

select tests.become_user('ana');
select is(tests.found('breads'), '{v1,i1,v2}', 'search_own_content() finds word forms, titles and tags before descriptions');
select is(tests.found('"sourdough bread"'), '{v1}', 'a phrase');
select is(tests.found('bread -sunrise'), '{v1,v2}', 'and what has a word and not another');
select is(tests.found('tour or sunrise'), '{i1,v2}', 'or one of two, the newer of equals first');
select is(tests.found('sourdogh'), '{v1}', 'a misspelt word is found by likeness');
select is((select matched_by from public.search_own_content('sourdogh')), 'likeness', 'and the answer says so');
select is((select distinct matched_by from public.search_own_content('bread')), 'words', 'as it does of words');
select is(tests.found('スケートボード'), '{v3}', 'a part of a title in a script without spaces is found, too');
select is(tests.found('zzzzzz'), null, 'what nothing is like is not found');
select is(tests.found('the'), null, 'a word that says nothing finds nothing');
select is(tests.found('''; drop table users; --'), null, 'quotes are letters');
select is(tests.found(':* & | ! ( ) <->'), null, 'and operators are no syntax');

select is(tests.found(), '{i1,v2,v3,v1,v4}', 'without words all come, newest first, those without a date last');
select is(tests.found('  '), '{i1,v2,v3,v1,v4}', 'blanks are no words');
select is((select distinct matched_by from public.search_own_content()), 'list', 'and the answer says that it is a list');
select is(tests.found(p_tags => '{kitchen}'), '{v2,v1}', 'a tag');
select is(tests.found(p_tags => '{kitchen,bread}'), '{v1}', 'all of several tags');
select is(tests.found(p_tags => '{}'), '{i1,v2,v3,v1,v4}', 'no tags are no condition');
select is(tests.found(p_hashtags => '{#BROT}'), '{v1}', 'a hashtag, as people write it');
select is(tests.found(p_platform => 'instagram'), '{i1}', 'a platform');
select is(tests.found(p_content_type => 'short_video'), '{v2}', 'a kind');
select is(tests.found('bread', '{kitchen}', null, 'youtube', 'short_video'), '{v2}', 'everything at once');
select is(tests.found('sourdogh', p_platform => 'instagram'), null, 'likeness, too, stays within the conditions');

-- Pages
select is(tests.pages('breads'), '{v1/3,i1/3,v2/3}', 'pages hang together, and each says how many there are');
select is(tests.pages(null), '{i1/5,v2/5,v3/5,v1/5,v4/5}', 'so do those of the list');
select is(tests.pages('sourdogh'), '{v1/1}', 'and those of likeness');
select is((select count(*) from public.search_own_content(p_limit => 2)), 2::bigint, 'a page is as long as asked for');

select is(tests.error_of($$ select public.search_own_content(repeat('x', 501)) $$), 'VALIDATION_ERROR', 'a query may be too long');
select is(tests.error_of($$ select public.search_own_content(p_limit => 101) $$), 'VALIDATION_ERROR', 'so may a page');
select is(tests.error_of($$ select public.search_own_content(p_limit => null) $$), 'VALIDATION_ERROR', 'or be of no length');
select is(tests.error_of($$ select public.search_own_content(p_cursor => '{}') $$), 'VALIDATION_ERROR', 'a cursor is one that was given');
select is(tests.error_of($$ select public.search_own_content('x', p_cursor => '{"matched_by": "list", "rank": 0, "id": "x", "published_at": "now"}') $$),
  'VALIDATION_ERROR', 'and for this query');
select is(tests.error_of($$ select public.search_own_content(p_tags => array(select 't' || n from generate_series(1, 51) as n)) $$),
  'VALIDATION_ERROR', 'there may be too many tags');

select tests.become_user('ben');
select is(tests.found('bread'), '{b1}', 'everybody finds their own, and nothing else');
select tests.become_anon();
select throws_ok($$ select public.search_own_content() $$, '42501', null, 'anon finds nothing');
select tests.become_service();
select throws_ok($$ select public.search_own_content() $$, '42501', null, 'the service owns nothing');

select tests.become_postgres();
select is(array(
    select private.is_search_cursor(jsonb_build_object('rank', '0.5', 'published_at', '-infinity', 'id', gen_random_uuid()) || wrong)
    from unnest(array['{}', '{"rank": "x"}', '{"rank": "1e99"}', '{"published_at": "2026-13-45"}', '{"id": "x"}', '{"id": null}']::jsonb[])
      with ordinality as cursor (wrong, place)
    order by place),
  '{t,f,f,f,f,f}', 'each of its values has to be one');
select ok(private.settle_content_search() >= 0, 'settle_content_search() puts in place what was saved');

select * from finish();
rollback;

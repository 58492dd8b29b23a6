begin;
\ir ../helpers.psql
select plan(28);

select tests.create_user('ana');
select tests.connect_account('ana');
create function tests.save(p_items jsonb) returns int[] language sql volatile as $$
  select array[new_count, updated_count, unchanged_count]
    from private.save_content(tests.account_id('ana'), p_items)
$$;
create function tests.item(p_id text) returns public.content_item language sql volatile as $$
  select * from public.content_item
    where social_account_id = tests.account_id('ana') and platform_content_id = p_id
$$;
create function tests.place_of(p_id text) returns text language sql volatile as $$
  select ctid::text from public.content_item
    where social_account_id = tests.account_id('ana') and platform_content_id = p_id
$$;
create temporary table video on commit drop as select '{
  "platform_content_id": "v1", "content_type": "long_video", "title": "One", "description": "First.",
    "url": "https://x.invalid/1",
  "thumbnail_url": "https://x.invalid/1.jpg", "duration_seconds": 90, "view_count": "12345678901",
    "like_count": 5, "comment_count": 0,
  "tags": ["a", "b"], "hashtags": ["c"], "category": "music", "published_at": "2026-01-01T00:00:00Z",
    "visibility": "public",
  "platform_data": {"etag": "e1"}}'::jsonb as body;

select is(tests.save(jsonb_build_array((select body from video))), '{1,0,0}',
  'save_content() counts a new item');
select results_eq($$ select user_id, content_type, title, view_count, tags, published_at, visibility,
  platform_data ->> 'etag' from tests.item('v1') $$,
  $$ select tests.user_id('ana'), 'long_video', 'One', 12345678901, '{a,b}'::text[],
    timestamptz '2026-01-01T00:00:00Z', 'public', 'e1' $$,
  'save_content() stores what was sent, for the account''s owner, counts in strings too');

create temporary table place on commit drop as select tests.place_of('v1') as at;
select is(tests.save(jsonb_build_array((select body from video))), '{0,0,1}',
  'save_content() counts an unchanged item');
select is(tests.place_of('v1'), (select at from place), 'save_content() does not rewrite an unchanged row');

select is(tests.save(jsonb_build_array((select body || '{"view_count": 12345678902}' from video))), '{0,1,0}',
  'save_content() counts an item with a new count as updated');
select is((tests.item('v1')).view_count, 12345678902, 'and stores the new count');
select ok((select search_vector @@ to_tsquery('english', 'one') from tests.item('v1')),
  'and what search sees is still there');
select is((select n_tup_hot_upd from pg_stat_xact_user_tables
  where relid = 'public.content_item'::regclass), 1::bigint,
  'a new count touches no index');
select is(tests.save(jsonb_build_array((select body || '{"tags": ["b", "a"]}' from video))), '{0,1,0}',
  'save_content() sees changed tags');
select is(tests.save(jsonb_build_array((select body - 'like_count' || '{"view_count": -1,
  "comment_count": "many"}' from video))), '{0,1,0}',
  'save_content() takes hidden counts');
select results_eq($$ select view_count, like_count, comment_count from tests.item('v1') $$,
  $$ values (null::bigint, null::bigint, null::bigint) $$,
  'an absent, negative or strange count is null, not zero');
select is(tests.save(jsonb_build_array((select body - 'like_count' - 'category' || '{"view_count": null,
  "comment_count": null}' from video))), '{0,0,1}',
  'a null that stays null is unchanged, and an absent category keeps the stored one');

select is(tests.save('[{"platform_content_id": "v2", "content_type": "post", "title": "old"},
  {"platform_content_id": "v3", "content_type": "post"}, {"platform_content_id": "v2",
    "content_type": "post", "title": "new"}]'), '{2,0,0}',
  'save_content() counts an item that comes twice once');
select is((tests.item('v2')).title, 'new', 'and the last one stands');
select results_eq($$ select title, tags, visibility, platform_data from tests.item('v3') $$,
  $$ values ('', '{}'::text[], 'private', '{}'::jsonb) $$,
  'an item that says nothing is private');
select is(tests.save('[{"platform_content_id": "v2", "content_type": "post", "title": "newer"},
  {"platform_content_id": "v3", "content_type": "post"},
  {"platform_content_id": "v4", "content_type": "post"}]'), '{1,1,1}', 'save_content() counts a mixed batch');
select is(tests.save('[]'), '{0,0,0}', 'save_content() takes an empty batch');

update public.content_item set deleted_at = now(), deleted_by = 'owner' where platform_content_id = 'v2';
select is(tests.save('[{"platform_content_id": "v2", "content_type": "post", "title": "newest"}]'), '{0,0,1}',
  'save_content() leaves alone what the owner deleted');
select results_eq($$ select title, deleted_by from tests.item('v2') $$, $$ values ('newer', 'owner') $$,
  'it stays deleted and as it was');
update public.content_item set deleted_at = now(), deleted_by = 'source' where platform_content_id = 'v3';
select is(tests.save('[{"platform_content_id": "v3", "content_type": "post"}]'), '{0,1,0}',
  'save_content() sees what is back at the source');
select is((tests.item('v3')).deleted_at, null, 'and brings it back');

select is(tests.error_of($$ select tests.save('[{"title": "no id"}]') $$), 'VALIDATION_ERROR',
  'save_content() refuses an item without an id');
select is(tests.error_of($$ select tests.save('{"platform_content_id": "v9"}') $$), 'VALIDATION_ERROR',
  'save_content() refuses what is not a list');
select is(tests.error_of($$ select tests.save('[1, null]') $$), 'VALIDATION_ERROR',
  'save_content() refuses a list of other things');
select is(tests.error_of($$ select * from private.save_content(gen_random_uuid(), '[]') $$),
  'SOCIAL_ACCOUNT_NOT_FOUND',
  'save_content() refuses an unknown account');
select is(tests.error_of($$ select tests.save(null) $$), 'VALIDATION_ERROR', 'save_content() refuses null');
select is((select failed from private.save_content(tests.account_id('ana'), '[{"platform_content_id": "v9",
  "content_type": "hologram"}]')),
  '[{"platform_content_id": "v9", "code": "VALIDATION_ERROR", "reason": "content_item_content_type_fkey"}]'::jsonb,
  'save_content() says which item is of an unknown kind');
select is((select count(*) from public.content_item
  where social_account_id = tests.account_id('ana')), 4::bigint,
  'nothing was stored by the refused ones');

select * from finish();
rollback;

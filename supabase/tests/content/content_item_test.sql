begin;
\ir ../helpers.psql
select plan(25);

select tests.create_user('ana'), tests.create_user('ben');
select tests.connect_account('ana');
update public.users set is_public = true where id = tests.user_id('ana');
select private.save_content(tests.account_id('ana'), '[
  {"platform_content_id": "v1", "content_type": "long_video", "title": "Baking sourdough bread",
    "tags": ["kitchen"], "visibility": "public"},
  {"platform_content_id": "v2", "content_type": "long_video", "title": "Kitchen tour",
    "description": "We look at bread.", "visibility": "public"},
  {"platform_content_id": "v3", "content_type": "short_video", "title": "Secret", "visibility": "private"}]');

select tests.become_user('ana');
select is((select count(*) from public.content_item), 3::bigint,
  'an owner reads all of their content, private too');
select throws_ok($$ update public.content_item set view_count = 1000000 where platform_content_id = 'v1' $$,
  '42501', null,
  'an owner cannot change a count');
select throws_ok($$ update public.content_item set title = 'x' where platform_content_id = 'v1' $$,
  '42501', null,
  'an owner cannot rewrite what the source said');
select throws_ok($$ delete from public.content_item where platform_content_id = 'v1' $$, '42501', null,
  'an owner cannot delete a row directly');
select throws_ok($$ insert into public.content_item (user_id, social_account_id, platform_content_id,
  content_type)
  select user_id, id, 'fake', 'post' from public.social_account $$, '42501', null,
  'an owner cannot make content up');

select tests.become_user('ben');
select is((select count(*) from public.content_item where user_id = tests.user_id('ana')), 0::bigint,
  'a stranger cannot read it from the table');
select throws_ok($$ update public.content_item set title = 'x' where true $$, '42501', null,
  'a stranger cannot change it');

select tests.become_anon();
select throws_ok($$ select id from public.content_item $$, '42501', null,
  'anon cannot read content from the table, even of a public profile');
select throws_ok($$ delete from public.content_item where true $$, '42501', null,
  'anon cannot delete content');

select tests.become_service();
select is((select count(*) from public.content_item where user_id = tests.user_id('ana')), 3::bigint,
  'the content the stranger did not see is there');

select tests.become_postgres();
update public.content_item set deleted_at = now(), deleted_by = 'owner' where platform_content_id = 'v3';
select tests.become_user('ana');
select is((select count(*) from public.content_item where platform_content_id = 'v3'), 0::bigint,
  'an owner no longer sees what they deleted');

select tests.become_postgres();
select throws_ok($$ update public.content_item set view_count = -1 where platform_content_id = 'v1' $$,
  '23514', null,
  'a count is not negative');
select throws_ok($$ update public.content_item set visibility = 'friends' where platform_content_id = 'v1' $$,
  '23514', null,
  'a visibility must be a known one');
select throws_ok($$ update public.content_item set deleted_at = now() where platform_content_id = 'v1' $$,
  '23514', null,
  'a deletion says whose it was');
select throws_ok($$ insert into public.content_item (user_id, social_account_id, platform_content_id,
  content_type)
  values (tests.user_id('ana'), tests.account_id('ana'), 'v1', 'post') $$, '23505', null,
  'an item is stored once per account');

-- Search
create function tests.found(p_query text) returns setof text language sql stable as $$
  select platform_content_id from public.content_item
  where user_id = tests.user_id('ana') and search_vector @@ websearch_to_tsquery('english', p_query)
  order by ts_rank(search_vector, websearch_to_tsquery('english', p_query)) desc
$$;
select results_eq($$ select tests.found('breads') $$, $$ values ('v1'), ('v2') $$,
  'search finds word forms, the title before the description');
select results_eq($$ select tests.found('kitchen') $$, $$ values ('v2'), ('v1') $$,
  'search ranks the title before the tags');
update public.content_item set title = 'Baking rye' where platform_content_id = 'v1';
select results_eq($$ select tests.found('rye') $$, $$ values ('v1') $$, 'search follows a new title');
select isnt_empty($$ select 1 from public.content_item where title operator(extensions.%) 'Kichen tuor' $$,
  'a misspelt title is found by likeness');
update public.content_item set description = repeat('somewhat longer words ' || md5(random()::text) || ' ', 100000) where platform_content_id = 'v2';
select results_eq($$ select tests.found('tour') $$, $$ values ('v2') $$,
  'an endless description does not stop the search');

-- Each listing is answered by its index.
create function tests.plan_of(p_query text) returns text language plpgsql volatile as $$
declare
  line text;
  lines text := '';
begin
  for line in execute 'explain (costs off) ' || p_query loop lines := lines || line || E'\n'; end loop;
  return lines;
end
$$;
set local enable_seqscan = off;
set local enable_sort = off;
select matches(tests.plan_of($$ select id from public.content_item
  where user_id = tests.user_id('ana') order by published_at desc limit 20 $$),
  'content_item_user_id_published_at_idx', 'an owner''s newest come from an index');
select matches(tests.plan_of($$ select id from public.content_item
  where visibility = 'public' and deleted_at is null order by published_at desc limit 20 $$),
  'content_item_public_idx', 'the newest public content comes from an index');
set local enable_indexscan = off;
select matches(tests.plan_of($$ select id from public.content_item where tags @> '{kitchen}' $$),
  'content_item_search_idx', 'a tag is found by an index');
select matches(tests.plan_of($$ select id from public.content_item
  where search_vector @@ 'bread' and 'sourdogh' operator(extensions.<%) title and tags @> '{kitchen}' $$),
  'content_item_search_idx\s+Index Cond: [^\n]*search_vector[^\n]*title[^\n]*tags',
  'as are words and misspelt titles, all at once');
-- In a table of nothing each index is as good as another: asked of the index, and not of a plan.
select matches(pg_get_indexdef('public.content_item_search_idx'::regclass), 'gin \(user_id, ',
  'and each for one owner without a look at what others have');

select * from finish();
rollback;

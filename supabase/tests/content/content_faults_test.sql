begin;
\ir ../helpers.psql
select plan(17);

select tests.create_user('ana');
select tests.connect_account('ana');
create function tests.saved(p_items jsonb) returns setof record language sql volatile as $$
  select new_count, updated_count, unchanged_count, failed
  from private.save_content(tests.account_id('ana'), p_items)
$$;
create function tests.stored() returns text[] language sql volatile as $$
  select array_agg(platform_content_id order by platform_content_id) from public.content_item
  where social_account_id = tests.account_id('ana')
$$;
-- Every kind of item that cannot be stored, and one that can.
create temporary table sent on commit drop as select '[
  {"platform_content_id": "good", "content_type": "post", "media": [{"media_type": "image", "position": 1}]},
  {"platform_content_id": "kind", "content_type": "hologram"},
  {"platform_content_id": "no kind"},
  {"platform_content_id": "duration", "content_type": "post", "duration_seconds": -1},
  {"platform_content_id": "who sees", "content_type": "post", "visibility": "friends"},
  {"platform_content_id": "several", "content_type": "hologram", "duration_seconds": -1, "visibility": "friends"},
  {"platform_content_id": "when", "content_type": "post", "published_at": "some day"},
  {"platform_content_id": "how long", "content_type": "post", "duration_seconds": "long"},
  {"platform_content_id": "media kind", "content_type": "post", "media": [{"media_type": "image"}, {"media_type": "smell"}]},
  {"platform_content_id": "media id", "content_type": "post", "media": [{"media_type": "image", "platform_media_id": ""}]},
  {"platform_content_id": "media place", "content_type": "post", "media": [{"media_type": "image", "position": "first"}]},
  {"platform_content_id": "no media", "content_type": "post", "media": {"media_type": "image"}}]'::jsonb as items;
-- Longer than an id may be.
update sent set items = items || jsonb_build_object('platform_content_id', repeat('x', 256), 'content_type', 'post');

create temporary table fault on commit drop as
select key as id, value as reason from sent, jsonb_each_text(private.content_faults(items));
select results_eq($$ select left(id, 20), reason from fault order by id collate "C" $$, $$ values
  ('duration', 'content_item_duration_is_not_negative'),
  ('how long', '22P02'),
  ('kind', 'content_item_content_type_fkey'),
  ('media id', 'content_media_platform_media_id_is_filled'),
  ('media kind', 'content_media_media_type_is_known'),
  ('media place', '22P02'),
  ('no kind', '23502'),
  ('no media', '22023'),
  ('several', 'content_item_duration_is_not_negative'),
  ('when', '22007'),
  ('who sees', 'content_item_visibility_is_known'),
  (repeat('x', 20), 'content_item_platform_content_id_is_filled') $$,
  'content_faults() names the rule that each item breaks, and no other item');

-- The table itself is asked, item by item, in a world that is taken back.
create function tests.refusals() returns table (id text, reason text) language plpgsql volatile as $$
begin
  begin
    create temporary table refusal on commit drop as
    select stored.platform_content_id as id, stored.reason
    from sent, jsonb_array_elements(items) as item (value)
    cross join lateral private.store_content_by_halves(
      tests.account_id('ana'), tests.user_id('ana'), jsonb_build_array(item.value)) as stored
    where stored.outcome = 'failed';
    raise exception using errcode = 'P0001', message = (select jsonb_object_agg(refusal.id, refusal.reason) from refusal);
  exception when raise_exception then
    return query select key, value from jsonb_each_text(sqlerrm::jsonb);
  end;
end
$$;
select results_eq($$ select id, reason from tests.refusals() order by id collate "C" $$,
  $$ select id, reason from fault order by id collate "C" $$, 'which is what the tables themselves say of them');
select is(tests.stored(), null, 'nothing is stored by asking');

select results_eq($$ select new_count, updated_count, unchanged_count, jsonb_array_length(failed) from
  private.save_content(tests.account_id('ana'), (select items from sent)) $$, $$ values (1, 0, 0, 12) $$,
  'save_content() stores the one that can be, and counts the others');
select is(tests.stored(), '{good}', 'and nothing of them');
select is((select count(*) from public.content_media), 1::bigint, 'its media too');

-- What no constraint says is found by halving.
create temporary table tagged on commit drop as
select jsonb_agg(jsonb_build_object('platform_content_id', 'item-' || n, 'content_type', 'post',
  'tags', case when n in (2, 7) then jsonb_build_array((
    select string_agg(md5(part::text), '') from generate_series(1, 400) as part)) else '["short"]' end)) as items
from generate_series(1, 9) as n;
select is((select private.content_faults(items) from tagged), '{}', 'a tag that is too long for an index breaks no constraint');
select results_eq($$ select new_count, jsonb_path_query_array(failed, '$[*].platform_content_id'),
    jsonb_path_query_array(failed, '$[*].reason') from private.save_content(tests.account_id('ana'), (select items from tagged)) $$,
  $$ values (7, '["item-2", "item-7"]'::jsonb, '["54000", "54000"]'::jsonb) $$, 'save_content() finds two such items among nine');
select is(cardinality(tests.stored()), 8, 'and stores the others');

-- The last one of an id is what counts.
select results_eq($$ select new_count, unchanged_count, failed from private.save_content(tests.account_id('ana'), '[
    {"platform_content_id": "good", "content_type": "post", "published_at": "some day"},
    {"platform_content_id": "good", "content_type": "post"}]') $$, $$ values (0, 1, '[]'::jsonb) $$,
  'an item that comes again as it should be has not failed');
select results_eq($$ select new_count, unchanged_count, failed -> 0 ->> 'reason' from private.save_content(tests.account_id('ana'), '[
    {"platform_content_id": "good", "content_type": "post"},
    {"platform_content_id": "good", "content_type": "post", "duration_seconds": -1}]') $$,
  $$ values (0, 0, 'content_item_duration_is_not_negative') $$, 'and one that comes again as it should not be has');
select is((select count(*) from public.content_item where user_id = tests.user_id('ana') and duration_seconds is null), 8::bigint,
  'and is kept as it was');
select is((select private.content_faults('[]')), '{}', 'content_faults() of nothing is nothing');

-- What is deleted by its owner is left alone, beside what fails, too.
update public.content_item set deleted_at = now(), deleted_by = 'owner' where platform_content_id = 'good';
select results_eq($$ select new_count, updated_count, unchanged_count, jsonb_array_length(failed)
  from private.save_content(tests.account_id('ana'), '[
    {"platform_content_id": "good", "content_type": "post", "title": "again"},
    {"platform_content_id": "item-1", "content_type": "post", "tags": ["short"], "title": "new"},
    {"platform_content_id": "bad", "content_type": "hologram"}]') $$,
  $$ values (0, 1, 1, 1) $$, 'a page with an item that fails counts the others truly');
select results_eq($$ select title, deleted_by from public.content_item where platform_content_id = 'good' $$,
  $$ values ('', 'owner') $$, 'brings back nothing that its owner has deleted');
select is((select count(*) from public.content_revision where user_id = tests.user_id('ana')), 1::bigint,
  'and writes one revision of the one that changed');
select is((select changes from public.content_revision where user_id = tests.user_id('ana')),
  '{"title": {"old": "", "new": "new"}}'::jsonb, 'though it was tried twice');

select * from finish();
rollback;

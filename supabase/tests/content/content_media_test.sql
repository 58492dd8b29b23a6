begin;
\ir ../helpers.psql
select plan(20);

select tests.create_user('ana'), tests.create_user('ben');
select tests.connect_account('ana');
create function tests.save(p_media jsonb, p_more jsonb default '{}') returns int[] language sql volatile as $$
  select array[new_count, updated_count, unchanged_count] from private.save_content(tests.account_id('ana'),
    jsonb_build_array('{"platform_content_id": "c1", "content_type": "carousel"}'
      || case when p_media is null then '{}' else jsonb_build_object('media', p_media) end || p_more))
$$;
create function tests.media() returns text[] language sql volatile as $$
  select array_agg(concat_ws(' ', position, platform_media_id, media_type, url) order by position) from public.content_media
$$;
create function tests.places() returns text[] language sql volatile as $$
  select array_agg(ctid::text order by position) from public.content_media
$$;
create function tests.plan_of(p_statement text) returns text language plpgsql volatile as $$
declare
  v_line text;
  v_plan text := '';
begin
  for v_line in execute 'explain (costs off) ' || p_statement loop
    v_plan := v_plan || v_line || chr(10);
  end loop;
  return v_plan;
end
$$;
grant execute on all functions in schema tests to public;

select is(tests.save('[{"platform_media_id": "m2", "media_type": "video", "url": "https://x.invalid/2?sig=1", "position": 1},
  {"platform_media_id": "m1", "media_type": "image", "url": "https://x.invalid/1?sig=1", "position": 0},
  {"platform_media_id": "m3", "media_type": "image", "url": "https://x.invalid/3?sig=1", "position": 2}]'), '{1,0,0}',
  'save_content() stores an item with its media');
select is(tests.media(), '{0 m1 image https://x.invalid/1?sig=1,1 m2 video https://x.invalid/2?sig=1,2 m3 image https://x.invalid/3?sig=1}',
  'in the order the platform says');

create temporary table place on commit drop as select tests.places() as at;
select is(tests.save('[{"platform_media_id": "m1", "media_type": "image", "url": "https://x.invalid/1?sig=1"},
  {"platform_media_id": "m2", "media_type": "video", "url": "https://x.invalid/2?sig=1"},
  {"platform_media_id": "m3", "media_type": "image", "url": "https://x.invalid/3?sig=1"}]'), '{0,0,1}',
  'the same media, in their order and without places, are unchanged');
select is(tests.places(), (select at from place), 'and are not rewritten');
select is(tests.save(null), '{0,0,1}', 'an item that says nothing of media');
select is(tests.places(), (select at from place), 'keeps them');

select is(tests.save('[{"platform_media_id": "m1", "media_type": "image", "url": "https://x.invalid/1?sig=2"},
  {"platform_media_id": "m2", "media_type": "video", "url": "https://x.invalid/2?sig=2"},
  {"platform_media_id": "m3", "media_type": "image", "url": "https://x.invalid/3?sig=2"}]'), '{0,0,1}',
  'addresses that are signed anew change nothing');
select is((tests.media())[1], '0 m1 image https://x.invalid/1?sig=2', 'and are stored, since the old ones end');

update place set at = tests.places();
select is(tests.save('[{"platform_media_id": "m1", "media_type": "image", "url": "https://x.invalid/1?sig=2"},
  {"platform_media_id": "m4", "media_type": "image", "url": "https://x.invalid/4"}]'), '{0,1,0}',
  'other media are a change');
select is(tests.media(), '{0 m1 image https://x.invalid/1?sig=2,1 m4 image https://x.invalid/4}', 'and take the place of the old ones');
select is((tests.places())[1], (select at[1] from place), 'what stays is not rewritten');
select is(tests.save('[{"media_type": "hologram"}]'), '{0,0,0}', 'an item with media of an unknown kind fails');
select is((select count(*) from public.content_media), 2::bigint, 'and keeps what it had');

select tests.become_user('ana');
select is((select count(*) from public.content_media), 2::bigint, 'an owner reads their media');
select throws_ok($$ delete from public.content_media where true $$, '42501', null, 'and cannot change them');
select tests.become_user('ben');
select is((select count(*) from public.content_media), 0::bigint, 'a stranger reads none of them');
set local enable_seqscan = off;
select matches(tests.plan_of('select * from public.content_media'), 'content_media_user_id_idx',
  'and is not made to look through everybody''s');
set local enable_seqscan = on;
select tests.become_anon();
select throws_ok($$ select * from public.content_media $$, '42501', null, 'anon neither');

select tests.become_postgres();
update public.content_item set deleted_at = now(), deleted_by = 'owner';
select tests.become_user('ana');
select is((select count(*) from public.content_media), 0::bigint, 'what an item is hidden by hides its media');
select tests.become_postgres();
update public.content_item set deleted_at = null, deleted_by = null;
select tests.save('[]');
select is((select count(*) from public.content_media), 0::bigint, 'an empty list removes them');

select * from finish();
rollback;

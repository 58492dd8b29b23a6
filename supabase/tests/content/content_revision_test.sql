begin;
\ir ../helpers.psql
select plan(15);

select tests.create_user('ana'), tests.create_user('ben');
select tests.connect_account('ana');
create function tests.save(p_changes jsonb) returns int[] language sql volatile as $$
  select array[new_count, updated_count, unchanged_count] from private.save_content(tests.account_id('ana'),
    jsonb_build_array('{"platform_content_id": "v1", "content_type": "post", "title": "One", "description": "First.",
      "tags": ["a"], "thumbnail_url": "https://x.invalid/1.jpg?sig=1", "view_count": 1}' || p_changes))
$$;
create function tests.changes() returns setof jsonb language sql volatile as $$
  select changes from public.content_revision where user_id = tests.user_id('ana')
$$;
grant execute on all functions in schema tests to public;

select tests.save('{}');
select is_empty($$ select tests.changes() $$, 'a new item has no history');
select is(tests.save('{}'), '{0,0,1}', 'the same again');
select is_empty($$ select tests.changes() $$, 'is no revision');
select is(tests.save('{"view_count": 2, "hashtags": ["b"], "category": "music"}'), '{0,1,0}', 'new counts and hashtags are an update');
select is_empty($$ select tests.changes() $$, 'and no revision');
select is(tests.save('{"view_count": 2, "hashtags": ["b"], "category": "music", "thumbnail_url": "https://x.invalid/1.jpg?sig=2"}'), '{0,0,1}',
  'an address that is signed anew is no update');
select is((select thumbnail_url from public.content_item where user_id = tests.user_id('ana')), 'https://x.invalid/1.jpg?sig=2', 'and is stored');
select is_empty($$ select tests.changes() $$, 'and no revision');

select tests.save('{"title": "Uno", "description": null, "tags": ["a", "b"], "thumbnail_url": "https://x.invalid/2.jpg"}');
select results_eq($$ select tests.changes() $$, $$ values ('{
  "title": {"old": "One", "new": "Uno"}, "description": {"old": "First.", "new": null},
  "tags": {"old": ["a"], "new": ["a", "b"]},
  "thumbnail_url": {"old": "https://x.invalid/1.jpg?sig=2", "new": "https://x.invalid/2.jpg"}}'::jsonb) $$,
  'a revision says what every changed field was and is');
select tests.save('{"title": "Uno", "description": "", "tags": ["a", "b"], "thumbnail_url": "https://x.invalid/2.jpg"}');
select is((select count(*) from tests.changes()), 1::bigint, 'no description and an empty one are the same');
select tests.save('{"title": "Due", "description": "", "tags": ["a", "b"], "thumbnail_url": "https://x.invalid/2.jpg"}');
select is((select count(*) from tests.changes() as change where change = '{"title": {"old": "Uno", "new": "Due"}}'), 1::bigint,
  'what stayed is left out');

select tests.become_user('ana');
select is((select count(*) from public.content_revision), 2::bigint, 'an owner reads the history of their content');
select throws_ok($$ delete from public.content_revision where true $$, '42501', null, 'and cannot rewrite it');
select tests.become_user('ben');
select is((select count(*) from public.content_revision), 0::bigint, 'a stranger reads nothing of it');
select tests.become_anon();
select throws_ok($$ select * from public.content_revision $$, '42501', null, 'anon neither');

select * from finish();
rollback;

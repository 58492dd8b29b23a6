begin;
\ir ../helpers.psql
select plan(8);

select tests.create_user('ana');
select tests.connect_account('ana');
create function tests.save(p_changes jsonb) returns void language sql volatile as $$
  select private.save_content(tests.account_id('ana'), (
    select jsonb_agg(jsonb_build_object('platform_content_id', 'v' || n, 'content_type', 'post', 'title', 'Baking bread ' || n,
      'description', 'We knead the dough, and wait.', 'tags', '["kitchen"]'::jsonb) || p_changes)
    from generate_series(1, 3) as n))
$$;
create function tests.stale() returns setof text language sql volatile as $$
  select platform_content_id from public.content_item
  where user_id = tests.user_id('ana')
    and search_vector is distinct from private.content_search_vector(title, tags, hashtags, description)
$$;

select tests.save('{}');
select is((select count(*) from public.content_item where search_vector @@ 'bread:A & kitchen:B & dough:C'::tsquery), 3::bigint,
  'what is saved is found by title, tags and description');
select tests.save('{"title": "Waiting for rye"}');
select is((select count(*) from public.content_item where search_vector @@ 'rye:A & kitchen:B & dough:C & !bread'::tsquery), 3::bigint,
  'with a new title it is found by that one, and by the rest as before');
select is_empty($$ select tests.stale() $$, 'as if all of it had been read again');
select is((select count(*) from public.content_revision where user_id = tests.user_id('ana')), 3::bigint,
  'a page of new titles is a revision for each');
select tests.save('{"title": "Waiting for rye", "description": "No dough at all."}');
select is_empty($$ select tests.stale() $$, 'nor is anything missed of a new description');
select tests.save('{"title": "Spelt", "tags": ["oven"], "hashtags": ["grain"], "description": null}');
select is_empty($$ select tests.stale() $$, 'nor when all of it is new');

select tests.become_service();
insert into public.content_item (user_id, social_account_id, platform_content_id, content_type, title)
select tests.user_id('ana'), tests.account_id('ana'), 'by hand', 'post', 'Croissants';
select tests.become_postgres();
select is((select count(*) from public.content_item where search_vector @@ to_tsquery('english', 'croissant')), 1::bigint,
  'who writes the table is served by its trigger');
update public.content_item set title = title || '!' where user_id = tests.user_id('ana');
select is((select count(*) from public.content_revision where user_id = tests.user_id('ana')), 13::bigint,
  'and so is the history, however many items a statement changes');

select * from finish();
rollback;

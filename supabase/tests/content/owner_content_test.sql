begin;
\ir ../helpers.psql
\ir syncs.psql
select plan(24);

select private.save_content(tests.account_id('ana'), '[{"platform_content_id": "v1", "content_type": "post", "title": "One"},
  {"platform_content_id": "gone", "content_type": "post"}]');
update public.content_item set deleted_at = now(), deleted_by = 'source' where platform_content_id = 'gone';
create function tests.id(p_id text) returns uuid language sql stable security definer as $$
  select id from public.content_item where platform_content_id = p_id and social_account_id = tests.account_id('ana')
$$;
create function tests.deleted_by(p_id text) returns text language sql volatile security definer as $$
  select deleted_by from public.content_item where id = tests.id(p_id)
$$;
grant execute on all functions in schema tests to public;

select tests.become_user('ben');
select is(tests.error_of($$ select public.delete_content(tests.id('v1')) $$), 'NOT_FOUND', 'a stranger cannot remove it');
select is(tests.error_of($$ select public.restore_content(tests.id('v1')) $$), 'NOT_FOUND', 'nor give it back');
select tests.become_anon();
select throws_ok($$ select public.delete_content(tests.id('v1')) $$, '42501', null, 'anon cannot remove it');
select throws_ok($$ select public.restore_content(tests.id('v1')) $$, '42501', null, 'nor give it back');
select tests.become_service();
select throws_ok($$ select public.delete_content(tests.id('v1')) $$, '42501', null, 'the service has no content to remove');
select is(tests.deleted_by('v1'), null, 'it is still there');

select tests.become_user('ana');
select is(public.restore_content(tests.id('v1')), false, 'what was not removed is not given back');
select is(public.delete_content(tests.id('v1')), true, 'an owner removes an item');
select is(public.delete_content(tests.id('v1')), false, 'once');
select is((select count(*) from public.content_item), 0::bigint, 'and no longer sees it');
select is(tests.error_of($$ select public.delete_content(gen_random_uuid()) $$), 'NOT_FOUND', 'what never was cannot be removed');
select is(tests.error_of($$ select public.delete_content(null) $$), 'NOT_FOUND', 'nor nothing');
select is(tests.error_of($$ select public.delete_content(tests.id('gone')) $$), 'NOT_FOUND', 'nor what is gone at its source');
select is(tests.error_of($$ select public.restore_content(tests.id('gone')) $$), 'NOT_FOUND', 'which nobody can give back');
select tests.become_user('ben');
select is(tests.error_of($$ select public.restore_content(tests.id('v1')) $$), 'NOT_FOUND',
  'what was removed is still nothing of a stranger''s');

select tests.become_postgres();
select tests.hold_sync('ana');
select is(tests.save_page('{v1=Two}'), '{0,0,1,0,1}', 'a sync leaves alone what its owner removed');
select is(tests.finish(), 0, 'and does not count it as gone');
select is(tests.deleted_by('v1'), 'owner', 'it stays removed by its owner');
select tests.become_user('ana');
select is(public.restore_content(tests.id('v1')), true, 'an owner gives it back');
select is(public.restore_content(tests.id('v1')), false, 'once');
select results_eq($$ select title, deleted_at from public.content_item where platform_content_id = 'v1' $$,
  $$ values ('One', null::timestamptz) $$, 'as it was last seen');
select tests.become_postgres();
select public.complete_job(id, '{}', fencing_token) from tests.held;
select tests.hold_sync('ana');
select is(tests.save_page('{v1=Two}'), '{0,1,0,0,1}', 'the next sync brings it up to date');
select is_empty($$ select 1 from public.content_revision where changes ? 'deleted_at' $$, 'removing is no revision');
select is((select count(*) from public.content_revision where content_item_id = tests.id('v1')), 1::bigint, 'the new title is');

select * from finish();
rollback;

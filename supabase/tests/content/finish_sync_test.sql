begin;
\ir ../helpers.psql
\ir syncs.psql
select plan(24);

select private.save_content(tests.account_id('ana'), '[
  {"platform_content_id": "stays", "content_type": "post"}, {"platform_content_id": "goes", "content_type": "post"},
  {"platform_content_id": "owner", "content_type": "post"}, {"platform_content_id": "unread", "content_type": "post"}]');
select private.save_content(tests.account_id('ben'), '[{"platform_content_id": "of ben", "content_type": "post"}]');
update public.content_item set deleted_at = now(), deleted_by = 'owner' where platform_content_id = 'owner';
select tests.age_content();

select tests.hold_sync('ana');
select tests.become_service();
select tests.save_page('{stays,owner,fresh}', '{unread}');
select is(tests.finish(), 1, 'finish_sync() marks what the list did not name, and says how many');
select tests.become_postgres();
select is(tests.shown(), '{fresh,stays,unread}', 'what was named stays, read or not');
select results_eq($$ select platform_content_id, deleted_by from public.content_item where deleted_at is not null order by 1 $$,
  $$ values ('goes', 'source'), ('owner', 'owner') $$, 'what is gone is gone at the source; what the owner removed is theirs');
select is((select count(*) from public.content_item where platform_content_id = 'of ben' and deleted_at is null), 1::bigint,
  'other accounts have nothing to do with it');
select is((select count(*) from private.sync_seen where job_id = (select id from tests.held)), 0::bigint,
  'what was seen is forgotten');
select is(tests.finish(), 1, 'asked again, after a crash, it answers the same');
select is(tests.finish(false), 1, 'whatever is asked');
select tests.save_page('{late}');
select is(tests.finish(), 1, 'a page after the end opens nothing again');

select tests.become_service();
select is(tests.error_of($$ select tests.finish(p_account => 'ben') $$), 'SOCIAL_ACCOUNT_NOT_FOUND',
  'finish_sync() refuses an account of another user than the job''s');
select is(tests.error_of($$ select tests.finish(p_token => 0) $$), 'LEASE_LOST', 'and who no longer holds the job');
select tests.become_user('ana');
select throws_ok($$ select tests.finish() $$, '42501', null, 'an owner cannot end a sync by hand');
select tests.become_user('ben');
select throws_ok($$ select tests.finish() $$, '42501', null, 'nor can a stranger');
select tests.become_anon();
select throws_ok($$ select tests.finish() $$, '42501', null, 'nor anon');

-- Passes that cannot say what is gone.
select tests.become_postgres();
select public.complete_job(id, '{}', fencing_token) from tests.held;
select tests.age_content();
select tests.hold_sync('ana');
select is(tests.finish(), 0, 'a sync that has seen no page says nothing');
select tests.save_page('{stays}');
select is(tests.finish(false), 0, 'a list that was not read to its end says nothing');
select is(cardinality(tests.shown()), 4, 'all is there');

select public.complete_job(id, '{}', fencing_token) from tests.held;
select tests.hold_sync('ana');
select tests.save_page('{stays,fresh}');
delete from private.sync_pass where job_id = (select id from tests.held);
select tests.save_page('{unread}');
select is(tests.finish(), 0, 'nor does one that has forgotten what it saw before');
select is(cardinality(tests.shown()), 4, 'all is there still');

select public.complete_job(id, '{}', fencing_token) from tests.held;
select tests.hold_sync('ana');
select tests.save_page('{}');
update public.content_item set view_count = 1 where platform_content_id = 'fresh';
select private.save_content(tests.account_id('ana'), '[{"platform_content_id": "of another sync", "content_type": "post"}]');
select is(tests.finish(), 3, 'an empty list is a list');
select is(tests.shown(), '{fresh,"of another sync"}',
  'what somebody else stored or changed since the list was begun is left to the next');

select public.complete_job(id, '{}', fencing_token) from tests.held;
select tests.hold_sync('ana');
select tests.save_page('{goes,owner}');
select is(tests.shown(), '{fresh,goes,"of another sync"}', 'what is back at the source is back here; what the owner removed is not');

-- Upkeep
select ok(private.cleanup_sync_passes() >= 1, 'cleanup_sync_passes() forgets the syncs that have ended');
select results_eq($$ select job_id from private.sync_pass where social_account_id = tests.account_id('ana') $$,
  $$ select id from tests.held $$, 'and not the one under way');
select is((select count(*) from private.sync_seen where job_id = (select id from tests.held)), 2::bigint, 'nor what it has seen');

select * from finish();
rollback;

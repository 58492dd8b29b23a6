begin;
\ir ../helpers.psql
\ir syncs.psql
select plan(15);

select isnt(tests.hold_sync('ana'), null, 'the job is held by a worker');
select tests.become_service();

select is(tests.save_page('{a,b,c}'), '{3,0,0,0,3}', 'save_content_batch() counts what it has seen');
select is(tests.save_page('{c,d}'), '{4,0,0,0,4}', 'an item that a shifting list names on two pages counts once');
select is(tests.save_page('{a=changed}'), '{4,0,0,0,4}', 'and stays new for this sync, though it changed meanwhile');
select is(tests.save_page('{e}', '{x,y}'), '{5,0,0,2,7}', 'what was named and could not be read counts as failed');
select is(tests.save_page('{}', '{x,y,y}'), '{5,0,0,2,7}', 'once, however often it is named');
select is(tests.save_page('{y}'), '{6,0,0,1,7}', 'until it can be read');
select is(tests.save_page('{}', '{e}'), '{6,0,0,1,7}', 'what was stored has not failed because it cannot be read now');

select tests.become_postgres();
select is((select checkpoint from public.job_queue where id = (select id from tests.held)),
  '{"new": 6, "updated": 0, "unchanged": 0, "failed": 1, "seen": 7}'::jsonb, 'the checkpoint has the totals');
select is((select count(*) from private.sync_seen where job_id = (select id from tests.held)), 7::bigint,
  'and what was seen stands beside it');

-- The next sync of the same account.
select public.complete_job(id, '{}', fencing_token) from tests.held;
select tests.hold_sync('ana');
select is(tests.save_page('{a=changed,b,c=other}'), '{0,1,2,0,3}', 'a sync counts for itself');
select is(tests.save_page('{b=late}'), '{0,2,1,0,3}', 'unchanged on one page and updated on the next is updated');

-- One bad item.
create temporary table saved on commit drop as
select * from public.save_content_batch((select id from tests.held), (select fencing_token from tests.held),
  tests.account_id('ana'), '[{"platform_content_id": "good", "content_type": "post"},
    {"platform_content_id": "kind", "content_type": "hologram"},
    {"platform_content_id": "long", "content_type": "post", "duration_seconds": -1},
    {"platform_content_id": "when", "content_type": "post", "published_at": "some day"}]', '{}', null, null,
  '{good,kind,long,when}');
select results_eq($$ select new_count, failed_count, seen_count from saved $$, $$ values (1, 3, 7) $$,
  'items that break a rule keep no other item from being stored');
select is((select failed from saved), '[
  {"platform_content_id": "kind", "code": "VALIDATION_ERROR", "reason": "content_item_content_type_fkey"},
  {"platform_content_id": "long", "code": "VALIDATION_ERROR", "reason": "content_item_duration_is_not_negative"},
  {"platform_content_id": "when", "code": "VALIDATION_ERROR", "reason": "22007"}]'::jsonb,
  'and are named with the rule they break');

-- Away for so long that what it had seen is forgotten.
delete from private.sync_pass where job_id = (select id from tests.held);
select is(tests.save_page('{z}'), '{2,2,1,3,8}', 'a sync that comes back late goes on counting from its checkpoint');

select * from finish();
rollback;

begin;
\ir ../helpers.psql
select plan(32);

select tests.create_user('ana'), tests.create_user('ben');
create table tests.told as
select private.notify(tests.user_id('ana'), 'connection_revoked', 'YouTube was disconnected', 'Connect it again.',
  '{"platform": "youtube"}') as id;
grant select on tests.told to public;
select private.notify(tests.user_id('ben'), 'quota_reset', 'New cycle', '');

select results_eq($$ select id, kind, title, body, data, read_at from public.notification where user_id = tests.user_id('ana') $$,
  $$ select id, 'connection_revoked', 'YouTube was disconnected', 'Connect it again.', '{"platform": "youtube"}'::jsonb, null::timestamptz from tests.told $$,
  'notify() leaves a notification');
select is(private.notify(gen_random_uuid(), 'quota_reset', 'x', ''), null, 'notify() shrugs at a user who is gone');
select private.notify(tests.user_id('ben'), 'bare', 'x', '', null);
select is((select data from public.notification where kind = 'bare'), '{}'::jsonb, 'notify() needs no data');
select private.notify(tests.user_id('ben'), 'long', repeat('x', 500), repeat('y', 5000));
select is((select char_length(title) || ' ' || char_length(body) from public.notification where kind = 'long'), '200 2000',
  'notify() shortens what is too long');
select throws_ok($$ select private.notify(tests.user_id('ana'), 'Not A Kind', 'x', '') $$, '23514', null, 'a kind is a name');
select throws_ok($$ select private.notify(tests.user_id('ana'), 'test', 'x', '', '[]') $$, '23514', null, 'data are an object');

-- Live
select results_eq(
  $$ select topic, event, extension, private, payload ->> 'id', payload ->> 'title' from realtime.messages
     where topic = 'notifications:' || tests.user_id('ana') $$,
  $$ select 'notifications:' || tests.user_id('ana'), 'notification', 'broadcast', true, id::text, 'YouTube was disconnected' from tests.told $$,
  'a notification is broadcast to its recipient, in private');
insert into public.notification (user_id, kind, title, body)
select tests.user_id('ben'), 'test', 'many ' || n, '' from generate_series(1, 50) as n;
select is((select count(*) from realtime.messages where payload ->> 'title' like 'many %'), 50::bigint, 'many at once are broadcast each');

create function tests.can_hear(p_topic text) returns boolean language plpgsql volatile as $$
begin
  perform set_config('realtime.topic', p_topic, true);
  return exists (select from realtime.messages where topic = p_topic and extension = 'broadcast');
end
$$;
grant execute on function tests.can_hear(text) to public;
insert into realtime.messages (topic, extension, event, private, payload) values ('notifications:', 'broadcast', 'probe', true, '{}');

select tests.become_user('ana');
select ok(tests.can_hear('notifications:' || tests.user_id('ana')), 'a user hears their own');
select ok(not tests.can_hear('notifications:' || tests.user_id('ben')), 'and not those of somebody else');
select ok(not tests.can_hear('notifications:'), 'nor those of nobody');
select throws_ok($$ insert into realtime.messages (topic, extension, event, private, payload)
  values ('notifications:' || tests.user_id('ana'), 'broadcast', 'notification', true, '{}') $$, '42501', null,
  'nobody but the database speaks there');
select tests.become_anon();
select ok(not tests.can_hear('notifications:' || tests.user_id('ana')), 'anon hears nothing');

select tests.become_postgres();
select isnt_empty($$ select from pg_publication_tables where pubname = 'supabase_realtime' and tablename = 'notification' $$,
  'the table is published for clients of row changes');
alter table realtime.messages rename column event to event_gone;
select lives_ok($$ select private.notify(tests.user_id('ben'), 'test', 'unheard', '') $$, 'a broadcast that fails costs no notification');
alter table realtime.messages rename column event_gone to event;
select isnt_empty($$ select from public.notification where title = 'unheard' $$, 'which is there');

-- Owner, stranger, anon, column
select tests.become_user('ana');
select results_eq($$ select id from public.notification $$, $$ select id from tests.told $$, 'a user reads their notifications and no other');
select lives_ok($$ update public.notification set read_at = 'infinity' where true $$, 'a user marks them as read');
select is((select read_at from public.notification), now(), 'at the time it is');
select lives_ok($$ update public.notification set read_at = null where true $$, 'and as unread again');
select is((select read_at from public.notification), null, 'which they then are');
select throws_ok($$ update public.notification set title = 'x' where true $$, '42501', null, 'a user changes nothing else of them');
select throws_ok($$ update public.notification set user_id = tests.user_id('ben') where true $$, '42501', null, 'nor gives them away');
select throws_ok($$ insert into public.notification (user_id, kind, title, body) values (tests.user_id('ana'), 'test', 'x', '') $$, '42501', null,
  'nor writes any');
select throws_ok($$ delete from public.notification where true $$, '42501', null, 'nor deletes them');
select throws_ok($$ select private.notify(tests.user_id('ben'), 'test', 'x', '') $$, '42501', null, 'nor sends them to somebody else');

select tests.become_user('ben');
select is_empty($$ update public.notification set read_at = now() where id = (select id from tests.told) returning 1 $$,
  'a stranger marks nothing as read');
select tests.become_anon();
select throws_ok($$ select from public.notification $$, '42501', null, 'anon reads none');

select tests.become_postgres();
select is((select read_at from public.notification where id = (select id from tests.told)), null, 'it is there, unharmed');
update public.notification set created_at = now() - interval '100 days' where id = (select id from tests.told);
select is(private.cleanup_notifications(), 1::bigint, 'cleanup_notifications() removes what is older than 90 days');
select is(private.cleanup_notifications(), 0::bigint, 'and nothing else');
delete from auth.users where id = tests.user_id('ben');
select is_empty($$ select from public.notification where user_id = tests.user_id('ben') $$, 'notifications go with the account');

select * from finish();
rollback;

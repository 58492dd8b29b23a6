/** What is done to content, by syncs and by its owner. */
import { type Call } from "./race.ts";
import { TOKEN } from "./doomed_user.ts";

const PAGE = [
  { platform_content_id: "shown", content_type: "post", title: "Another title" },
  { platform_content_id: "new", content_type: "post", title: "New" },
];
const due: Call["before"] = ({ sql, account }) =>
  sql`
    update public.social_account
    set next_sync_at = now() - interval '1 minute', facts_updated_at = now() - interval '1 day'
    where id = ${account}`;

const planned: Call["before"] = async (own) => {
  await due(own);
  await own.sql`
    select private.find_or_create_job(${own.user}, 'sync_youtube',
      ${
    own.sql.json({ social_account_id: own.account })
  }, p_scheduled_for => now() + interval '1 hour')`;
};

export const contentCalls: Record<string, Call> = {
  "save_content_batch()": {
    run: (sql, { held, account }) =>
      sql`
        select * from public.save_content_batch(${held}, ${TOKEN}, ${account}, ${
        sql.json(PAGE)
      }, '{}', 50, 'Half',
          '{shown,new}')`,
  },
  "save_content_batch() of what is known": {
    run: (sql, { held, account }) =>
      sql`
        select * from public.save_content_batch(${held}, ${TOKEN}, ${account}, ${
        sql.json(PAGE.slice(0, 1))
      }, '{}', 50, 'Half')`,
  },
  "save_content()": {
    run: (sql, { account }) =>
      sql`select * from private.save_content(${account}, ${sql.json(PAGE)})`,
  },
  "finish_sync()": {
    before: ({ sql, held, account }) =>
      sql`
        with pass as (
          insert into private.sync_pass (job_id, social_account_id, began_at, is_whole)
          values (${held}, ${account}, clock_timestamp() + interval '1 minute', true) returning job_id
        )
        select job_id from pass`,
    run: (sql, { held, account }) =>
      sql`select public.finish_sync(${held}, ${TOKEN}, ${account}, true)`,
  },
  "cleanup_sync_passes()": {
    before: ({ sql, first, account }) =>
      sql`
        insert into private.sync_pass (job_id, social_account_id, began_at, is_whole)
        values (${first}, ${account}, now(), true)`,
    run: (sql) => sql`select private.cleanup_sync_passes()`,
  },
  "delete_content()": {
    run: (sql, { item }) => sql`select public.delete_content(${item})`,
  },
  "restore_content()": {
    run: (sql, { removedItem }) => sql`select public.restore_content(${removedItem})`,
  },
  "request_sync()": {
    run: (sql) => sql`select * from public.request_sync('youtube')`,
  },
  "request_sync() of one that is planned": {
    before: planned,
    run: (sql) => sql`select * from public.request_sync('youtube')`,
  },
  "enqueue_due_syncs() of one that is planned": {
    before: planned,
    run: (sql) => sql`select private.enqueue_due_syncs()`,
  },
  "enqueue_due_syncs()": {
    before: due,
    run: (sql) => sql`select private.enqueue_due_syncs()`,
  },
  "enqueue_follower_syncs()": {
    before: due,
    run: (sql) => sql`select private.enqueue_follower_syncs()`,
  },
};

/** What pgTAP cannot show, having one session: the schedule of syncs beside who asks for jobs. */
import assert from "node:assert/strict";
import { until, withOpenTransaction } from "../async/own_jobs.ts";
import { withOwnSync } from "./own_sync.ts";

Deno.test("the schedule waits for nobody who asks for a job just now", async () => {
  await withOwnSync({ connections: 6, users: 2 }, async ({ sql, users }) => {
    await sql`update public.social_account set next_sync_at = now() - interval '10 years'
      where user_id in ${sql(users)}`;
    // Less than for ever, should it wait.
    const run = () =>
      sql.begin((tx) => [
        tx`set local lock_timeout = '10s'`,
        tx`select private.enqueue_due_syncs(60)`,
      ]);
    const synced = async () => {
      const rows = await sql<{ user_id: string }[]>`
        select user_id from public.job_queue
        where user_id in ${sql(users)} and job_type = 'sync_youtube'`;
      return rows.map((row) => row.user_id).toSorted();
    };
    // More than once, should the timetable's own run hold an account this moment.
    const runUntil = (count: number) =>
      until(async () => {
        await run();
        return (await synced()).length >= count;
      });

    await withOpenTransaction(
      sql,
      (held) => held`select public.create_job(${users[0]!}, 'sync_youtube', '{"n": 1}')`,
      async () => {
        await runUntil(1);
        assert.deepEqual(await synced(), [users[1]]);
      },
      "rollback",
    );
    await runUntil(2);

    assert.deepEqual(await synced(), users.toSorted());
  });
});

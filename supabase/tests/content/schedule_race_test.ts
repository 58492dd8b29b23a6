/** What pgTAP cannot show, having one session: the schedule of syncs beside who asks for jobs. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { until, withOpenTransaction } from "../async/own_jobs.ts";
import { withOwnSync } from "./own_sync.ts";

/** The timetable's own run may have been here already: from now on nothing is due until the test says so. */
async function rest(sql: postgres.Sql, users: readonly string[]): Promise<void> {
  await sql`update public.social_account set next_sync_at = null where user_id in ${sql(users)}`;
  await sql`delete from public.job_queue where user_id in ${sql(users)}`;
}

const makeDue = (sql: postgres.Sql, users: readonly string[]) =>
  sql`
    update public.social_account set next_sync_at = now() - interval '10 years'
    where user_id in ${sql(users)}`;

Deno.test("the schedule waits for nobody who asks for a job just now", async () => {
  await withOwnSync({ connections: 6, users: 2 }, async ({ sql, users }) => {
    await rest(sql, users);
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
        await makeDue(sql, users);
        await runUntil(1);
        assert.deepEqual(await synced(), [users[1]]);
      },
      "rollback",
    );
    await runUntil(2);

    assert.deepEqual(await synced(), users.toSorted());
  });
});

Deno.test("the schedule waits for nobody who holds a sync that it would bring forward", async () => {
  await withOwnSync({ connections: 4 }, async ({ sql, users, account }) => {
    await rest(sql, users);
    const [job] = await sql<{ id: string }[]>`
      select job_id as id from private.find_or_create_job(${users[0]!}, 'sync_youtube',
        ${sql.json({ social_account_id: account })}, p_scheduled_for => now() + interval '1 day')`;
    /** Runs the schedule until it has seen the account, and says whether the sync comes within the hour. */
    const isSoonAfterRun = async () => {
      await makeDue(sql, users);
      await until(async () => {
        await sql.begin((tx) => [
          tx`set local lock_timeout = '10s'`,
          tx`select private.enqueue_due_syncs(60)`,
        ]);
        const [seen] =
          await sql`select from public.social_account where id = ${account} and next_sync_at > now()`;
        return seen !== undefined;
      });
      const [soon] = await sql`
        select from public.job_queue where id = ${
        job!.id
      } and scheduled_for < now() + interval '1 hour'`;
      return soon !== undefined;
    };

    await withOpenTransaction(
      sql,
      (held) => held`select from public.job_queue where id = ${job!.id} for update`,
      async () => assert.equal(await isSoonAfterRun(), false),
    );
    assert.equal(await isSoonAfterRun(), true);
  });
});

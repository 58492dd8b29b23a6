/** A user is deleted while their connection is renewed, ended, disconnected and made anew. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { waitUntil } from "../../../local/stack/process.ts";
import { connect, hintOf, withUsers } from "./users.ts";

const ROUNDS = 12;

/** What is left of a connection's tokens: under its name in Vault, and as a note to end the grant. */
const leftOf = (sql: postgres.Sql, id: string) =>
  sql<{ name: string }[]>`
    select name from vault.secrets where name = ${`platform_connection:${id}`}
    union all
    select 'a note' from private.orphaned_grant where connection_id = ${id}`;

Deno.test("a deleted user leaves no token, whatever happened to it that moment", async () => {
  await withUsers(ROUNDS, async (sql, users) => {
    for (const [round, user] of users.entries()) {
      const [account] = await connect(sql, user, `UC_${user}`, `rt-${user}`);
      const [connection] = await sql<{ id: string }[]>`
        select id from public.platform_connection where user_id = ${user}`;
      const { id } = connection!;
      assert.deepEqual((await leftOf(sql, id)).length, 1, "there is something to leave");

      const results = await Promise.allSettled([
        sql`select pg_sleep(${(round % 4) * 0.002})`
          .then(() => sql`delete from auth.users where id = ${user}`),
        ...[1, 2, 3].map((version) =>
          sql`select public.store_refreshed_tokens(
            ${id}, ${version}, 'at', ${`rt-${version}-${user}`}, now() + interval '1 hour')`
        ),
        sql`select public.mark_connection_revoked(${id}, 'gone', 2)`,
        sql`select public.disconnect_account(${user}, ${account!.id}, 1, true)`,
        connect(sql, user, `UC_${user}`, `rt-again-${user}`),
      ]);

      assert.equal(results[0].status, "fulfilled", hintOf(results[0]));
      for (const result of results) {
        // Who comes too late finds no account or no user.
        const expected = [undefined, "SOCIAL_ACCOUNT_NOT_FOUND", "NOT_FOUND"];
        assert(expected.includes(hintOf(result)), hintOf(result));
      }
      const [jobs] = await sql<{ count: number }[]>`
        select count(*)::int from public.job_queue
        where job_type = 'grant_revoke' and params ->> 'connection_id' = ${id}`;
      assert(jobs!.count <= 1, "one job ends the grant, if it had not ended");
      const isGone = async () => (await leftOf(sql, id)).length === 0;
      assert(await waitUntil(isGone, 30_000, 50), "the tokens go");
    }
  });
});

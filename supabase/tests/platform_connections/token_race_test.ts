/** What pgTAP cannot show, having one session: many workers with one connection's tokens or one state. */
import assert from "node:assert/strict";
import { connect, hintOf, withUsers } from "./users.ts";

Deno.test("store_refreshed_tokens() lets one of many refreshes through", async () => {
  await withUsers(1, async (sql, [user]) => {
    const [account] = await connect(sql, user!, `UC_${crypto.randomUUID()}`, "rt-0");
    const [read] = await sql`select * from public.get_connection_tokens(${account!.id})`;

    const stored = await Promise.all(Array.from({ length: 6 }, async (_, n) => {
      const [row] = await sql<{ stored: boolean }[]>`
        select public.store_refreshed_tokens(
          ${read!.connection_id}, ${
        read!.token_version
      }, ${`at-${n}`}, ${`rt-${n}`}, now()) as stored`;
      return row!.stored ? `rt-${n}` : undefined;
    }));

    const winners = stored.filter((token) => token !== undefined);
    const [now] = await sql`select * from public.get_connection_tokens(${account!.id})`;
    assert.deepEqual(winners, [now!.refresh_token]);
  });
});

Deno.test("claim_token_lease() gives the tokens to one of many", async () => {
  await withUsers(1, async (sql, [user]) => {
    const [account] = await connect(sql, user!, `UC_${crypto.randomUUID()}`, "rt-0");
    const [read] = await sql`select * from public.get_connection_tokens(${account!.id})`;

    const answers = await Promise.all(Array.from({ length: 20 }, async () => {
      const [row] = await sql<{ answer: string }[]>`
        select public.claim_token_lease(
          ${read!.connection_id}, ${read!.token_version}, ${crypto.randomUUID()}) as answer`;
      return row!.answer;
    }));

    assert.deepEqual(answers.toSorted(), [...Array<string>(19).fill("busy"), "claimed"]);
  });
});

Deno.test("mark_connection_revoked() tells the owner once, however many workers are refused", async () => {
  await withUsers(1, async (sql, [user]) => {
    const [account] = await connect(sql, user!, `UC_${crypto.randomUUID()}`, "rt-0");
    const [read] = await sql`select * from public.get_connection_tokens(${account!.id})`;

    await Promise.all(
      Array.from({ length: 20 }, () =>
        sql`
        select public.mark_connection_revoked(${read!.connection_id}, 'invalid_grant', 1)`),
    );

    const told = await sql`
      select kind from public.notification where user_id = ${user!} and kind = 'connection_revoked'
      union all
      select action from public.audit_log where user_id = ${user!} and action = 'connection.revoked'`;
    assert.deepEqual(told.map(({ kind }) => kind), ["connection_revoked", "connection.revoked"]);
  });
});

Deno.test("consume_oauth_state() gives a state to one of many calls", async () => {
  await withUsers(1, async (sql, [user]) => {
    const hash = crypto.randomUUID().replaceAll("-", "");
    await sql`select public.create_oauth_state(${user!}, 'youtube', ${hash}, 'verifier', 'https://x.invalid/cb')`;

    const results = await Promise.allSettled(
      Array.from(
        { length: 6 },
        () =>
          sql`select * from public.consume_oauth_state(
          ${user!}, 'youtube', ${hash}, 'https://x.invalid/cb')`,
      ),
    );

    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal(results.filter((result) => hintOf(result) === "OAUTH_STATE_USED").length, 5);
  });
});

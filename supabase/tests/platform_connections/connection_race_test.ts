/** What pgTAP cannot show, having one session: two callbacks, two refreshes, two claims at once. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";

const stack = await readStack();

/** Connections of its own and users that are gone afterwards. */
async function withUsers(
  count: number,
  run: (sql: postgres.Sql, users: string[]) => Promise<void>,
): Promise<void> {
  const sql = postgres(stack.db_url, { max: 8, onnotice: () => {} });
  const users = Array.from({ length: count }, () => crypto.randomUUID());
  try {
    for (const id of users) {
      await sql`insert into auth.users (id, email) values (${id}, ${`${id}@tests.invalid`})`;
    }
    await run(sql, users);
  } finally {
    await sql`delete from auth.users where id = any(${users})`;
    await sql.end();
  }
}

const connect = (sql: postgres.Sql, user: string, channel: string, refreshToken: string) =>
  sql<{ id: string }[]>`
    select public.connect_platform_account(
      ${user}, 'youtube', ${sql.json({ platform_account_id: channel })},
      ${sql.json({ access_token: `at-${refreshToken}`, refresh_token: refreshToken })},
      '{read}', now() + interval '1 hour') as id`;

const hintOf = (result: PromiseSettledResult<unknown>) =>
  result.status === "rejected" ? (result.reason as postgres.PostgresError).hint : undefined;

Deno.test("connect_platform_account() makes one account of two callbacks at once", async () => {
  await withUsers(1, async (sql, [user]) => {
    const channel = `UC_${crypto.randomUUID()}`;

    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, n) => connect(sql, user!, channel, `rt-${n}`)),
    );

    assert.equal(new Set(answers.map(([row]) => row!.id)).size, 1);
    const [stored] = await sql`
      select count(*)::int as connections, max(token_version) as version,
        (select count(*)::int from vault.secrets where name = any(array_agg(vault_secret_name))) as secrets
      from public.platform_connection where user_id = ${user!}`;
    assert.deepEqual({ ...stored }, { connections: 1, version: 6, secrets: 1 });
  });
});

Deno.test("connect_platform_account() gives a channel to one of two users at once", async () => {
  await withUsers(2, async (sql, users) => {
    const channel = `UC_${crypto.randomUUID()}`;

    const results = await Promise.allSettled(
      users.map((user) => connect(sql, user, channel, user)),
    );

    assert.deepEqual(results.map(hintOf).sort(), ["CONFLICT", undefined]);
    const [stored] = await sql`
      select count(*)::int as connections from public.platform_connection where user_id = any(${users})`;
    assert.equal(stored!.connections, 1);
  });
});

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

Deno.test("consume_oauth_state() gives a state to one of many calls", async () => {
  await withUsers(1, async (sql, [user]) => {
    const hash = crypto.randomUUID().replaceAll("-", "");
    await sql`select public.create_oauth_state(${user!}, 'youtube', ${hash}, 'verifier', 'https://x.invalid/cb')`;

    const results = await Promise.allSettled(
      Array.from(
        { length: 6 },
        () => sql`select * from public.consume_oauth_state(${user!}, 'youtube', ${hash})`,
      ),
    );

    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal(results.filter((result) => hintOf(result) === "OAUTH_STATE_INVALID").length, 5);
  });
});

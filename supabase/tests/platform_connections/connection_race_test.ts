/** What pgTAP cannot show, having one session: callbacks, claims on one channel and farewells at once. */
import assert from "node:assert/strict";
import { connect, hintOf, withUsers } from "./users.ts";

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

    assert.deepEqual(results.map(hintOf).sort(), ["ACCOUNT_ALREADY_CONNECTED", undefined]);
    const [stored] = await sql`
      select count(*)::int as connections from public.platform_connection where user_id = any(${users})`;
    assert.equal(stored!.connections, 1);
  });
});

Deno.test("connect_platform_account() leaves one of 50 accounts at a limit of one", async () => {
  await withUsers(1, async (sql, [user]) => {
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => connect(sql, user!, `UC_${n}_${user}`, `rt-${n}`)),
    );

    const refused = results.filter((result) => hintOf(result) === "ACCOUNT_LIMIT_REACHED");
    assert.equal(refused.length, 49);
    const [stored] = await sql`
      select count(*)::int as connections,
        (select count(*)::int from public.social_account where user_id = ${user!}) as accounts,
        (select count(*)::int from vault.secrets where name = any(array_agg(vault_secret_name))) as secrets,
        (select count(*)::int from public.notification where user_id = ${user!}) as notifications
      from public.platform_connection where user_id = ${user!}`;
    assert.deepEqual({ ...stored }, { connections: 1, accounts: 1, secrets: 1, notifications: 1 });
  }, 50);
});

Deno.test("connect_platform_account() keeps a limit while accounts come and go", async () => {
  await withUsers(1, async (sql, [user]) => {
    await sql`update public.subscription set tier = 'basic' where user_id = ${user!}`;
    const leave = async (account: string) => {
      await sql`
        select public.disconnect_account(${user!}, ${account},
          (select token_version from public.get_connection_tokens(${account})))`;
    };

    await Promise.all(Array.from({ length: 10 }, async (_, n) => {
      for (let round = 0; round < 4; round++) {
        const connected = await connect(sql, user!, `UC_${n}_${user}`, `rt-${n}`).catch(() => []);
        const [count] = await sql`
          select count(*)::int as live from public.social_account
          where user_id = ${user!} and deleted_at is null and status <> 'disconnected'`;
        assert.ok(count!.live <= 3, `${count!.live} accounts at a limit of 3`);
        for (const { id } of connected) await leave(id);
      }
    }));
  });
});

Deno.test("disconnecting, syncing, refreshing and connecting at once leaves an account whole or gone", async () => {
  await withUsers(1, async (sql, [user]) => {
    const channel = `UC_${crypto.randomUUID()}`;
    const [account] = await connect(sql, user!, channel, "rt-0");
    for (let round = 0; round < 15; round++) {
      const [read] = await sql`select * from public.get_connection_tokens(${account!.id})`;
      const { connection_id, token_version } = read!;

      const params = sql.json({ social_account_id: account!.id, round });
      const results = await Promise.allSettled([
        sql`select public.create_job(${user!}, 'sync_youtube', ${params}, null, now() + interval '1 day')`,
        sql`select public.disconnect_account(${user!}, ${account!.id}, ${token_version})`,
        sql`select public.store_refreshed_tokens(${connection_id}, ${token_version}, 'at', 'rt', now())`,
        sql`select public.mark_connection_revoked(${connection_id}, 'invalid_grant', ${token_version})`,
        connect(sql, user!, channel, `rt-${round}`),
      ]);
      for (const hint of results.map(hintOf)) {
        assert.ok([undefined, "SOCIAL_ACCOUNT_NOT_FOUND", "QUOTA_EXCEEDED"].includes(hint), hint);
      }

      const [state] = await sql`
        select account.deleted_at is null as is_there, account.status as account, connection.status as connection,
          (select count(*)::int from vault.secrets where name = connection.vault_secret_name) as secrets
        from public.social_account as account
        join public.platform_connection as connection on connection.id = account.connection_id
        where account.id = ${account!.id}`;
      const { is_there, ...rest } = state!;
      const ended = { account: "disconnected", connection: "disconnected", secrets: 0 };
      const works = { account: "active", connection: "active", secrets: 1 };
      assert.deepEqual(rest, is_there && rest.account === "active" ? works : ended);
      await connect(sql, user!, channel, `rt-again-${round}`);
    }
  });
});

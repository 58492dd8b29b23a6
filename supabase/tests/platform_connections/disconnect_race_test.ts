/** A creator disconnects while workers renew the same tokens: afterwards no token works anywhere. */
import assert from "node:assert/strict";
import { readStack } from "../../../local/stack/client.ts";
import { createLogger } from "../../functions/_shared/log.ts";
import { serveFake } from "../../functions/_shared/testing/fake_server.ts";
import { connect, withUsers } from "./users.ts";

const stack = await readStack();
const WORKERS = 8;
const ROUNDS = 6;

/** A provider whose refresh tokens rotate, and that notices when an old one is used. */
function provider() {
  const grant = { valid: null as string | null, reuses: 0, rotations: 0 };
  const refuse = (error: string) => Response.json({ error }, { status: 400 });
  const server = serveFake(async ({ path, body }) => {
    const form = new URLSearchParams(body);
    if (path === "/revoke") {
      if (form.get("token") !== grant.valid) return refuse("invalid_token");
      grant.valid = null;
      return new Response("");
    }
    const isOld = form.get("refresh_token") !== grant.valid;
    if (grant.valid !== null && isOld) grant.reuses += 1;
    if (isOld) return refuse("invalid_grant");
    grant.rotations += 1;
    grant.valid = `rt-${crypto.randomUUID()}`;
    const refresh_token = grant.valid;
    await new Promise((resolve) => setTimeout(resolve, 60));
    const access_token = `at-${crypto.randomUUID()}`;
    const fields = { access_token, refresh_token, expires_in: 3600, scope: "read" };
    return Response.json({ ...fields, token_type: "Bearer" });
  });
  return { server, grant };
}

/** The parts as a function has them, with this provider for Google. */
async function openParts(tokenUrl: string) {
  const variables = {
    SUPABASE_URL: stack.api_url,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: stack.publishable_key }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: stack.secret_key }),
    GOOGLE_CLIENT_ID: "id",
    GOOGLE_CLIENT_SECRET: "secret",
    GOOGLE_TOKEN_URL: tokenUrl,
  };
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  const { createConnections } = await import("../../functions/_shared/platforms/connections.ts");
  const { platforms } = await import("../../functions/_shared/platforms/registry.ts");
  const { tokenStore } = await import("../../functions/_shared/platforms/token_store.ts");
  const { disconnect } = await import("../../functions/_shared/platforms/disconnect.ts");
  const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const workers = Array.from(
    { length: WORKERS },
    () => createConnections({ store: tokenStore, platforms, now: Date.now, sleep }),
  );
  return { workers, disconnect, sleep };
}

Deno.test("after disconnect() no token of the account works, whoever was renewing them", async () => {
  const { server, grant } = provider();
  await using _server = server;
  const { workers, disconnect, sleep } = await openParts(server.url);
  const log = createLogger({}, () => {});
  await withUsers(1, async (sql, [user]) => {
    for (let round = 0; round < ROUNDS; round++) {
      grant.valid = `rt-${round}`;
      const [account] = await connect(sql, user!, `UC_${user}`, grant.valid);
      await sql`update public.platform_connection set token_expires_at = now() where user_id = ${user!}`;

      const [answer, ...results] = await Promise.all([
        sleep(round * 15).then(() =>
          disconnect({ userId: user!, socialAccountId: account!.id }, log)
        ),
        ...workers.map(({ withAccessToken }) =>
          withAccessToken(account!.id, (token) => Promise.resolve(token)).catch((error) =>
            error.code
          )
        ),
      ]);

      assert.deepEqual(answer, { revoked: true });
      assert.equal(grant.valid, null, "the provider accepts none");
      const rows = await sql`
        select 1 from vault.secrets as secret
        join public.platform_connection as connection on connection.vault_secret_name = secret.name
        where connection.user_id = ${user!}`;
      assert.equal(rows.length, 0, "and we have none");
      for (const result of results) {
        assert.match(result, /^(at-|CONNECTION_REVOKED|SOCIAL_ACCOUNT_NOT_FOUND)/);
      }
    }
  });
  assert.equal(grant.reuses, 0, "no refresh token was used twice");
  assert.ok(grant.rotations >= 1, "some refresh was under way");
});

import assert from "node:assert/strict";
import postgres from "postgres";
import { Journey } from "../../tests/e2e/journey.ts";
import { Person } from "../../tests/e2e/person.ts";
import { accountWith } from "../../tests/e2e/simulator.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

async function open() {
  const { fetch, stack } = await openFunction(() => import("./index.ts"));
  const person = await Person.signUp(stack);
  const accountId = await person.connectYouTube(accountWith(3));
  const disconnect = (who: Person | null, id: string) =>
    call(fetch, who, "oauth-disconnect", { social_account_id: id });
  return { stack, person, accountId, disconnect };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** The tokens of an account, as only the service reads them. */
async function tokensOf({ stack, accountId }: Opened) {
  const sql = postgres(stack.admin_db_url, { max: 1 });
  const [tokens] = await sql`select * from public.get_connection_tokens(${accountId})`;
  const [secret] = await sql`
    select count(*)::int as count from vault.secrets
    where name = 'platform_connection:' || (
      select connection_id from public.social_account where id = ${accountId})`;
  await sql.end();
  return { access_token: tokens?.access_token, secrets: secret!.count };
}

/** Posts to the simulated Google. */
async function google({ stack }: Opened, path: string, body: BodyInit): Promise<number> {
  const response = await fetch(`${stack.providers_url}${path}`, { method: "POST", body });
  await response.body?.cancel();
  return response.status;
}

const isGranted = async ({ stack }: Opened, accessToken: string) => {
  const url = `${stack.providers_url}/google/tokeninfo?access_token=${accessToken}`;
  const response = await fetch(url);
  await response.body?.cancel();
  return response.ok;
};

async function accountsOf({ person }: Opened) {
  const { data } = await person.client.from("social_account").select("id").throwOnError();
  return data.length;
}

stackTest("oauth-disconnect ends the grant, the tokens and the account", async () => {
  const opened = await open();
  const { person, accountId, disconnect } = opened;
  const { access_token } = await tokensOf(opened);
  assert.equal(await isGranted(opened, access_token), true);

  const answer = await disconnect(person, accountId);

  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.deepEqual(answer.body, { success: true, social_account_id: accountId, revoked: true });
  assert.equal(await isGranted(opened, access_token), false);
  assert.deepEqual(await tokensOf(opened), { access_token: undefined, secrets: 0 });
  assert.equal(await accountsOf(opened), 0);
  assertRefused(await disconnect(person, accountId), 404, "SOCIAL_ACCOUNT_NOT_FOUND");
});

for (
  const [platform, revoked] of [["instagram", false], ["tiktok", true], ["facebook", true]] as const
) {
  stackTest(
    `oauth-disconnect ends a connection to ${platform}, revoked there: ${revoked}`,
    async () => {
      const { fetch, stack } = await openFunction(() => import("./index.ts"));
      await using journey = await Journey.begin(stack, platform);
      const { creator } = journey;
      const { body } = await journey.finish(await journey.consent("approve"));
      const social_account_id = String(body.social_account_id);
      const answer = await call(fetch, creator, "oauth-disconnect", { social_account_id });
      assert.deepEqual(answer.body, { success: true, social_account_id, revoked });
      const { data } = await creator.client.from("platform_connection").select("status").single();
      assert.equal(data?.status, "disconnected");
    },
  );
}

stackTest("oauth-disconnect finds the account again when it is connected anew", async () => {
  const { person, disconnect } = await open();
  const account = accountWith(3);
  const { data } = await person.client.from("social_account").select("id").single().throwOnError();
  assert.equal((await disconnect(person, data.id)).status, 200);
  const first = await person.connectYouTube(account);
  assert.equal((await disconnect(person, first)).status, 200);
  assert.equal(await person.connectYouTube(account), first);
});

stackTest("oauth-disconnect takes a grant that has already ended for done", async () => {
  const opened = await open();
  const { access_token } = await tokensOf(opened);
  const form = new URLSearchParams({ token: access_token });
  assert.equal(await google(opened, "/google/revoke", form), 200);
  const answer = await opened.disconnect(opened.person, opened.accountId);
  assert.deepEqual([answer.status, answer.body.revoked], [200, true]);
});

stackTest("oauth-disconnect is not held up by a provider that is down", async () => {
  const opened = await open();
  const fault = { kind: "server_error", path: "/google/revoke" };
  assert.equal(await google(opened, "/_admin/faults", JSON.stringify(fault)), 201);
  const answer = await opened.disconnect(opened.person, opened.accountId);
  assert.deepEqual([answer.status, answer.body.revoked], [200, false]);
  assert.equal(await accountsOf(opened), 0);
  assert.equal((await tokensOf(opened)).secrets, 0);
});

stackTest("oauth-disconnect knows nothing of other people's accounts", async () => {
  const opened = await open();
  const { stack, accountId, disconnect } = opened;
  const stranger = await Person.signUp(stack);
  assertRefused(await disconnect(stranger, accountId), 404, "SOCIAL_ACCOUNT_NOT_FOUND");
  assertRefused(await disconnect(stranger, crypto.randomUUID()), 404, "SOCIAL_ACCOUNT_NOT_FOUND");
  assertRefused(await disconnect(null, accountId), 401, "UNAUTHENTICATED");
  assert.equal(await accountsOf(opened), 1);
  assert.equal(await isGranted(opened, (await tokensOf(opened)).access_token), true);
});

stackTest("oauth-disconnect needs an account", async () => {
  const { fetch, stack } = await openFunction(() => import("./index.ts"));
  const person = await Person.signUp(stack);
  for (const body of [{}, { social_account_id: "1" }, { id: crypto.randomUUID() }]) {
    assertRefused(await call(fetch, person, "oauth-disconnect", body), 400, "VALIDATION_ERROR");
  }
});

import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";
import type { StackInfo } from "../../../local/stack/info.ts";
import { Journey } from "./journey.ts";

/** The tokens of an account, as only the service reads them. */
async function tokensOf(stack: StackInfo, account: string) {
  const sql = postgres(stack.admin_db_url, { max: 1 });
  const [tokens] = await sql<
    { access_token: string; refresh_token: string | null; token_expires_at: Date | null }[]
  >`select * from public.get_connection_tokens(${account})`;
  await sql.end();
  return tokens;
}

/** What Facebook says of a token. */
async function isGoodAtFacebook(stack: StackInfo, input_token: string): Promise<boolean> {
  const query = new URLSearchParams({
    input_token,
    access_token: "1000000000000002|local-facebook-secret",
  });
  const answer = await fetch(`${stack.providers_url}/facebook/v26.0/debug_token?${query}`);
  return (await answer.json()).data.is_valid;
}

/** Whether Instagram answers to a token. */
async function isGoodAtInstagram(stack: StackInfo, access_token: string): Promise<boolean> {
  const query = new URLSearchParams({ access_token });
  const answer = await fetch(`${stack.providers_url}/instagram/v26.0/me?${query}`);
  await answer.body?.cancel();
  return answer.ok;
}

Deno.test("a Facebook page that is disconnected is disconnected there, too", async () => {
  const stack = await readStack();
  await using journey = await Journey.begin(stack, "facebook");
  const account = await journey.connect();
  const tokens = await tokensOf(stack, account);
  assert.ok(await isGoodAtFacebook(stack, tokens!.access_token));

  const { status, body } = await journey.call("oauth-disconnect", { social_account_id: account });

  assert.deepEqual([status, body.revoked], [200, true]);
  assert.ok(!await isGoodAtFacebook(stack, tokens!.access_token));
  assert.ok(!await isGoodAtFacebook(stack, tokens!.refresh_token!));
  assert.equal(await tokensOf(stack, account), undefined);
});

Deno.test("a Facebook page's token does not end; one that is due is replaced with the person's", async () => {
  const stack = await readStack();
  await using journey = await Journey.begin(stack, "facebook");
  const account = await journey.connect();
  const before = await tokensOf(stack, account);
  assert.equal(before!.token_expires_at, null);
  // Once it is due, the person's token gets another for the same page, and is kept itself.
  assert.equal(await journey.renew(account), "renewed");
  const after = await tokensOf(stack, account);
  assert.notEqual(after!.access_token, before!.access_token);
  assert.deepEqual([after!.refresh_token, after!.token_expires_at], [before!.refresh_token, null]);
});

Deno.test("an Instagram account that is disconnected is told to be only half so", async () => {
  const stack = await readStack();
  await using journey = await Journey.begin(stack, "instagram");
  const account = await journey.connect();
  const tokens = await tokensOf(stack, account);

  const { status, body } = await journey.call("oauth-disconnect", { social_account_id: account });

  assert.deepEqual([status, body.revoked], [200, false]);
  assert.ok(await isGoodAtInstagram(stack, tokens!.access_token), "only the creator can end it");
  assert.equal(await tokensOf(stack, account), undefined);
});

Deno.test("an Instagram token is renewed in its own place, for another 60 days", async () => {
  const stack = await readStack();
  await using journey = await Journey.begin(stack, "instagram");
  const account = await journey.connect();
  const before = await tokensOf(stack, account);
  const settings = await fetch(`${stack.providers_url}/_admin/settings`, {
    method: "PUT",
    body: JSON.stringify({ instagram_refresh_after_seconds: 0 }),
  });
  assert.equal(settings.status, 200, await settings.text());

  assert.equal(await journey.renew(account), "renewed");

  const after = await tokensOf(stack, account);
  assert.notEqual(after!.access_token, before!.access_token);
  assert.equal(after!.refresh_token, null);
  assert.ok(await isGoodAtInstagram(stack, after!.access_token));
  const days = (after!.token_expires_at!.getTime() - Date.now()) / 86_400_000;
  assert.ok(days > 59.9 && days < 60, String(days));
});

Deno.test("an Instagram account whose creator removed the app ends at its next renewal", async () => {
  const stack = await readStack();
  await using journey = await Journey.begin(stack, "instagram");
  const account = await journey.connect();
  const removed = await fetch(
    `${stack.providers_url}/_admin/accounts/${journey.account}/revoke`,
    { method: "POST" },
  );
  assert.equal(removed.status, 200, await removed.text());

  assert.equal(await journey.renew(account), "ended");

  const { data } = await journey.creator.client.from("social_account").select("status")
    .single().throwOnError();
  assert.notEqual(data.status, "active");
  const { data: told } = await journey.creator.client.from("notification").select("kind, data")
    .eq("kind", "connection_revoked").throwOnError();
  assert.deepEqual(told, [{
    kind: "connection_revoked",
    data: { social_account_id: account, platform: "instagram" },
  }]);
});

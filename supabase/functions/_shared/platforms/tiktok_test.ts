import assert from "node:assert/strict";
import { TestTikTok } from "../../../../local/providers/tiktok/testing.ts";
import { serveFake } from "../testing/fake_server.ts";
import { ProviderError, type ProviderErrorClass } from "./provider_error.ts";
import { createTikTok } from "./tiktok.ts";

const apiOf = (tiktok: TestTikTok) => createTikTok(() => `${tiktok.url}/tiktok`);

async function faultOf(call: Promise<unknown>): Promise<ProviderError> {
  const error = await call.then(() => assert.fail("did not fail"), (error) => error);
  assert.ok(error instanceof ProviderError, String(error));
  return error;
}

Deno.test("getAccount() reads the person behind the token", async () => {
  await using tiktok = new TestTikTok();
  await tiktok.admin("PUT", "tiktok/creators/one@example.com", {
    username: "maya.bakes",
    display_name: "Maya",
    followers: 1234,
  });
  const { access_token, open_id } = await tiktok.signIn("one@example.com");
  const account = await apiOf(tiktok).getAccount(access_token);
  const { avatar_url, ...rest } = account;
  assert.deepEqual(rest, {
    platform_account_id: open_id,
    handle: "@maya.bakes",
    display_name: "Maya",
    follower_count: 1234,
    video_count: 250,
  });
  assert.match(avatar_url ?? "", /^https:/);
});

Deno.test("getAccount() takes what is missing for unknown", async () => {
  await using server = serveFake(() =>
    Response.json({ data: { user: { open_id: "o", display_name: "n" } }, error: { code: "ok" } })
  );
  assert.deepEqual(await createTikTok(() => server.url).getAccount("t"), {
    platform_account_id: "o",
    handle: null,
    display_name: "n",
    avatar_url: null,
    follower_count: null,
    video_count: null,
  });
});

const faults: [Record<string, unknown>, ProviderErrorClass, string][] = [
  [{ kind: "expired_token" }, "reauth", "access_token_invalid"],
  [{ kind: "revoked_token" }, "reauth", "access_token_invalid"],
  [{ kind: "missing_scope" }, "permission", "scope_not_authorized"],
  [{ kind: "rate_limited" }, "retry_after", "rate_limit_exceeded"],
  [{ kind: "server_error" }, "retry_transient", "internal_error"],
  [{ kind: "truncated_json" }, "retry_transient", "invalid_json"],
  [{ kind: "html" }, "retry_transient", "invalid_json"],
];
for (const [fault, kind, reason] of faults) {
  Deno.test(`TikTok's ${reason} after the fault ${fault.kind} is ${kind}`, async () => {
    await using tiktok = new TestTikTok();
    const { access_token } = await tiktok.signIn();
    await tiktok.fault({ path: "/tiktok/v2/user/info/", ...fault });
    const error = await faultOf(apiOf(tiktok).getAccount(access_token));
    assert.deepEqual([error.class, error.reason], [kind, reason]);
    assert.ok(!error.message.includes(access_token));
  });
}

Deno.test("a rate limit says when the window is over, or what TikTok says", async () => {
  await using tiktok = new TestTikTok();
  const { access_token } = await tiktok.signIn();
  for (const [retry_after, expected] of [[undefined, 60_000], [7, 7_000]]) {
    await tiktok.fault({ kind: "rate_limited", retry_after });
    const error = await faultOf(apiOf(tiktok).getAccount(access_token));
    assert.equal(error.retryAfterMs, expected);
  }
});

Deno.test("a failure names TikTok's log id, for whoever asks their support", async () => {
  await using tiktok = new TestTikTok();
  const error = await faultOf(apiOf(tiktok).getAccount("nonsense"));
  assert.match(error.requestId ?? "", /^\d{14}/);
});

Deno.test("a refusal with the status of a success is a refusal", async () => {
  const refused = { data: { user: {} }, error: { code: "access_token_invalid", message: "no" } };
  await using server = serveFake(() => Response.json(refused));
  const error = await faultOf(createTikTok(() => server.url).getAccount("t"));
  assert.deepEqual([error.class, error.httpStatus], ["reauth", 200]);
});

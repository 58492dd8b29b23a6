import assert from "node:assert/strict";
import { callback, readScopes, TestTikTok } from "../../../../local/providers/tiktok/testing.ts";
import { serveFake } from "../testing/fake_server.ts";
import { ProviderError, type ProviderErrorClass } from "./provider_error.ts";
import { createTikTokOAuth } from "./tiktok_oauth.ts";

function clientAt(apiUrl: string) {
  return createTikTokOAuth(() => ({
    clientKey: "local-tiktok-key",
    clientSecret: "local-tiktok-secret",
    authUrl: `${apiUrl}/v2/auth/authorize/`,
    apiUrl,
  }));
}

/** A client, and somebody who has consented to it. */
async function connected(tiktok: TestTikTok, email = "one@example.com") {
  const oauth = clientAt(`${tiktok.url}/tiktok`);
  const url = oauth.authorizationUrl({
    redirectUri: callback,
    state: "st",
    codeChallenge: "ch",
    scopes: readScopes.split(","),
  });
  const answer = await fetch(`${url}&login_hint=${email}`, { redirect: "manual" });
  await answer.body?.cancel();
  const back = new URL(answer.headers.get("location")!);
  const exchange = (code: string) =>
    oauth.exchangeCode({ code, codeVerifier: "ve", redirectUri: callback });
  return { oauth, url: new URL(url), back, exchange, code: back.searchParams.get("code")! };
}

/** What a call that must fail fails with. */
async function faultOf(call: Promise<unknown>): Promise<ProviderError> {
  const error = await call.then(() => assert.fail("did not fail"), (error) => error);
  assert.ok(error instanceof ProviderError, String(error));
  return error;
}

async function works(tiktok: TestTikTok, accessToken: string): Promise<boolean> {
  return (await tiktok.api("user/info/?fields=open_id", accessToken)).status === 200;
}

Deno.test("authorizationUrl() asks by client_key with commas, and sends no challenge", async () => {
  await using tiktok = new TestTikTok();
  const { url } = await connected(tiktok);
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    client_key: "local-tiktok-key",
    redirect_uri: callback,
    response_type: "code",
    scope: readScopes,
    state: "st",
  });
});

Deno.test("exchangeCode() takes a code as it was decoded, and as it stood in the address", async () => {
  await using tiktok = new TestTikTok();
  for (const encode of [(code: string) => code, (code: string) => encodeURIComponent(code)]) {
    const { exchange, code } = await connected(tiktok);
    const grant = await exchange(encode(code));
    assert.ok(await works(tiktok, grant.accessToken));
    assert.deepEqual(grant.scopes, readScopes.split(","));
    const hours = (Date.parse(grant.expiresAt!) - Date.now()) / 3_600_000;
    assert.ok(hours > 23.9 && hours <= 24, String(hours));
  }
});

Deno.test("exchangeCode() fails with class reauth for a code that was used or never given out", async () => {
  await using tiktok = new TestTikTok();
  const { exchange, code } = await connected(tiktok);
  await exchange(code);
  for (const bad of [code, "made-up", "%E0%A4%A"]) {
    const error = await faultOf(exchange(bad));
    assert.deepEqual([error.class, error.code], ["reauth", "invalid_grant"]);
    assert.ok(error.requestId && !error.message.includes(bad));
  }
});

Deno.test("refresh() gives back the refresh token of the answer, which is another each time", async () => {
  await using tiktok = new TestTikTok();
  const { oauth, exchange, code } = await connected(tiktok);
  const first = await exchange(code);
  const second = await oauth.refresh(first);
  const third = await oauth.refresh(second);
  assert.equal(new Set([first, second, third].map((one) => one.refreshToken)).size, 3);
  assert.ok(await works(tiktok, third.accessToken));
});

Deno.test("refresh() reads the error before the token: invalid_grant with 200 is the end, too", async () => {
  await using tiktok = new TestTikTok();
  const { oauth, exchange, code } = await connected(tiktok);
  const grant = await exchange(code);
  await tiktok.fault({ kind: "invalid_grant_200", account: "one@example.com" });
  const error = await faultOf(oauth.refresh(grant));
  assert.deepEqual([error.class, error.httpStatus], ["reauth", 200]);
  await using both = serveFake(() =>
    Response.json({
      access_token: "at",
      expires_in: 1,
      token_type: "Bearer",
      error: "invalid_grant",
    })
  );
  assert.equal((await faultOf(clientAt(both.url).refresh(grant))).class, "reauth");
});

Deno.test("refresh() of a used refresh token fails with class reauth", async () => {
  await using tiktok = new TestTikTok();
  const { oauth, exchange, code } = await connected(tiktok);
  const grant = await exchange(code);
  await oauth.refresh(grant);
  assert.equal((await faultOf(oauth.refresh(grant))).class, "reauth");
  assert.equal((await faultOf(oauth.refresh({ ...grant, refreshToken: null }))).class, "reauth");
});

const tokenFaults: [Record<string, unknown>, ProviderErrorClass][] = [
  [{ kind: "revoked_token" }, "reauth"],
  [{ kind: "server_error", status: 503 }, "retry_transient"],
  [{ kind: "html" }, "retry_transient"],
  [{ kind: "truncated_json" }, "retry_transient"],
];
for (const [fault, kind] of tokenFaults) {
  Deno.test(`a token endpoint with the fault ${fault.kind} is ${kind}`, async () => {
    await using tiktok = new TestTikTok();
    const { oauth, exchange, code } = await connected(tiktok);
    const grant = await exchange(code);
    await tiktok.fault({ path: "/tiktok/v2/oauth/token/", ...fault });
    const error = await faultOf(oauth.refresh(grant));
    assert.equal(error.class, kind);
    const said = `${error.message} ${error.stack}`;
    assert.ok(!said.includes(grant.refreshToken!) && !said.includes("local-tiktok-secret"));
  });
}

Deno.test("a wrong secret is ours to mend, not the creator's", async () => {
  await using tiktok = new TestTikTok();
  await tiktok.admin("PUT", "clients/local-tiktok-key", {
    provider: "tiktok",
    secret: "another",
    redirect_uris: [callback],
  });
  const { exchange, code } = await connected(tiktok);
  const error = await faultOf(exchange(code));
  assert.deepEqual([error.class, error.code], ["permission", "invalid_client"]);
});

Deno.test("revoke() ends the grant, also when the access token has run out, and once is enough", async () => {
  await using tiktok = new TestTikTok();
  const { oauth, exchange, code } = await connected(tiktok);
  const first = await exchange(code);
  assert.deepEqual(await oauth.revoke(first), { revoked: true });
  assert.ok(!await works(tiktok, first.accessToken));
  assert.deepEqual(await oauth.revoke(first), { revoked: true });

  const again = await connected(tiktok);
  const late = await again.exchange(again.code);
  await tiktok.admin("PUT", "settings", { clock_offset_seconds: 86_401 });
  assert.deepEqual(await oauth.revoke(late), { revoked: true });
  const [grant] = (await tiktok.admin<{ grants: { ended: string | null }[] }>(
    "GET",
    "tiktok/creators/one@example.com",
  )).grants.slice(-1);
  assert.equal(grant?.ended, "revoked");
});

Deno.test("revoke() fails when TikTok does", async () => {
  await using tiktok = new TestTikTok();
  const { oauth, exchange, code } = await connected(tiktok);
  const grant = await exchange(code);
  await tiktok.fault({ kind: "server_error", path: "/tiktok/v2/oauth/revoke/" });
  assert.equal((await faultOf(oauth.revoke(grant))).class, "retry_transient");
});

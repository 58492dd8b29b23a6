import assert from "node:assert/strict";
import { apps, MetaSimulator } from "../../../../local/providers/meta/testing.ts";
import { serveFake } from "../testing/fake_server.ts";
import { createInstagram } from "./instagram.ts";
import { createInstagramOAuth } from "./instagram_oauth.ts";
import { ProviderError, type ProviderErrorClass } from "./provider_error.ts";

const { id, secret, callback, scope } = apps.instagram;
const DAY = 24 * 3_600;

const settingsAt = (url: string) => () => ({
  appId: id,
  appSecret: secret,
  authUrl: `${url}/oauth/authorize`,
  tokenUrl: `${url}/oauth/access_token`,
  graphUrl: url,
  graphVersion: "v26.0",
});
const clientAt = (url: string) => createInstagramOAuth(settingsAt(url));

/** A client, and somebody who has consented to it. */
async function consented(meta: MetaSimulator, email = "one@example.com") {
  const settings = settingsAt(`${meta.url}/instagram`);
  const oauth = createInstagramOAuth(settings);
  const url = oauth.authorizationUrl({
    redirectUri: callback,
    state: "st",
    codeChallenge: "ch",
    scopes: scope.split(","),
  });
  const answer = await fetch(`${url}&login_hint=${email}`, { redirect: "manual" });
  await answer.body?.cancel();
  const back = new URL(answer.headers.get("location")!);
  const exchange = (code: string) =>
    oauth.exchangeCode({ code, codeVerifier: "ve", redirectUri: callback });
  const works = (token: string) =>
    createInstagram(settings).getAccount(token).then(() => true, () => false);
  return { oauth, url: new URL(url), exchange, works, code: back.searchParams.get("code")! };
}

/** What a call that must fail fails with. */
async function faultOf(call: Promise<unknown>): Promise<ProviderError> {
  const error = await call.then(() => assert.fail("did not fail"), (error) => error);
  assert.ok(error instanceof ProviderError, String(error));
  return error;
}

Deno.test("authorizationUrl() asks Instagram with commas, and holds neither secret nor challenge", async () => {
  await using meta = new MetaSimulator();
  const { url } = await consented(meta);
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    client_id: id,
    redirect_uri: callback,
    response_type: "code",
    scope,
    state: "st",
  });
});

Deno.test("exchangeCode() brings a token of 60 days from either shape of the first answer", async () => {
  await using meta = new MetaSimulator();
  for (const faults of [[], [{ kind: "other_shape" }]]) {
    const { exchange, works, code } = await consented(meta);
    await meta.admin("PUT", "faults", { faults });
    const grant = await exchange(code);
    assert.ok(await works(grant.accessToken));
    assert.deepEqual([grant.refreshToken, grant.scopes], [null, scope.split(",")]);
    const days = (Date.parse(grant.expiresAt!) - Date.now()) / (DAY * 1_000);
    assert.ok(days > 59.9 && days < 60, String(days));
  }
});

Deno.test("exchangeCode() takes off what Instagram hangs on the address", async () => {
  await using meta = new MetaSimulator();
  const { exchange, code } = await consented(meta);
  assert.ok((await exchange(`${code}#_`)).accessToken);
});

Deno.test("exchangeCode() fails with class reauth for a code that was used or never given out", async () => {
  await using meta = new MetaSimulator();
  const { exchange, code } = await consented(meta);
  await exchange(code);
  for (const bad of [code, "made-up"]) {
    const error = await faultOf(exchange(bad));
    assert.deepEqual([error.class, error.reason], ["reauth", "invalid_code"]);
  }
});

Deno.test("exchangeCode() does not take our own mistakes for bad codes", async () => {
  await using meta = new MetaSimulator();
  const { oauth, code } = await consented(meta);
  const elsewhere = { code, codeVerifier: "ve", redirectUri: "https://other.example/" };
  assert.equal((await faultOf(oauth.exchangeCode(elsewhere))).class, "invalid_input");
});

Deno.test("refresh() renews the access token itself, of which nothing else is needed", async () => {
  await using meta = new MetaSimulator();
  const { oauth, exchange, works, code } = await consented(meta);
  const first = await exchange(code);
  assert.equal((await faultOf(oauth.refresh(first))).class, "invalid_input", "too young");
  await meta.later(40 * DAY);
  const second = await oauth.refresh(first);
  assert.notEqual(second.accessToken, first.accessToken);
  await meta.later(70 * DAY);
  assert.deepEqual(
    [await works(first.accessToken), await works(second.accessToken)],
    [false, true],
  );
  const error = await faultOf(oauth.refresh(first));
  assert.deepEqual([error.class, error.reason], ["reauth", "token_expired"]);
});

Deno.test("refresh() of a token whose person removed the app is the end", async () => {
  await using meta = new MetaSimulator();
  const { oauth, exchange, code } = await consented(meta);
  const grant = await exchange(code);
  await meta.admin("POST", "accounts/one@example.com/revoke");
  const error = await faultOf(oauth.refresh(grant));
  assert.deepEqual([error.class, error.reason, error.subcode], ["reauth", "app_removed", "458"]);
});

Deno.test("revoke() says that only the creator can, and asks nobody", async () => {
  await using server = serveFake(() => Response.json({}));
  const tokens = { accessToken: "at", refreshToken: null };
  assert.deepEqual(await clientAt(server.url).revoke(tokens), { revoked: false });
  assert.deepEqual(server.seen, []);
});

const faults: [Record<string, unknown>, ProviderErrorClass][] = [
  [{ kind: "server_error", status: 503 }, "retry_transient"],
  [{ kind: "html" }, "retry_transient"],
  [{ kind: "truncated_json" }, "retry_transient"],
  [{ kind: "connection_reset" }, "retry_transient"],
  [{ kind: "rate_limited", retry_after: 120 }, "retry_after"],
];
for (const [fault, kind] of faults) {
  Deno.test(`an exchange and a refresh struck by ${fault.kind} are ${kind}, and keep secrets`, async () => {
    await using meta = new MetaSimulator();
    const { oauth, exchange, code } = await consented(meta);
    const grant = await exchange(code);
    await meta.later(2 * DAY);
    await meta.fault({ path: "/instagram/refresh_access_token", ...fault });
    const error = await faultOf(oauth.refresh(grant));
    assert.equal(error.class, kind);
    if (fault.retry_after) assert.equal(error.retryAfterMs, 120_000);
    const said = `${error.message} ${error.stack}`;
    assert.ok(!said.includes(grant.accessToken) && !said.includes(secret));
  });
}

Deno.test("an answer without a token is no success", async () => {
  for (const body of [{}, { data: [] }, { data: [{ permissions: "a" }] }, { access_token: "" }]) {
    await using server = serveFake(() => Response.json(body));
    const exchange = { code: "c", codeVerifier: "v", redirectUri: callback };
    const error = await faultOf(clientAt(server.url).exchangeCode(exchange));
    assert.equal(error.reason, "unexpected_response");
  }
});

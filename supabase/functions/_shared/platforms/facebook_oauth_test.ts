import assert from "node:assert/strict";
import { apps, MetaSimulator } from "../../../../local/providers/meta/testing.ts";
import { AppError } from "../errors.ts";
import { serveFake } from "../testing/fake_server.ts";
import { createFacebook, MAX_PAGES } from "./facebook.ts";
import { createFacebookOAuth } from "./facebook_oauth.ts";
import { ProviderError } from "./provider_error.ts";

const { id, secret, callback, scope } = apps.facebook;
const DAY = 24 * 3_600;

const settingsAt = (url: string) => () => ({
  appId: id,
  appSecret: secret,
  dialogUrl: url,
  graphUrl: url,
  graphVersion: "v26.0",
});

/** A client, and somebody who has consented to it. */
async function consented(meta: MetaSimulator, email = "one@example.com") {
  const settings = settingsAt(`${meta.url}/facebook`);
  const oauth = createFacebookOAuth(settings);
  const url = oauth.authorizationUrl({
    redirectUri: callback,
    state: "st",
    codeChallenge: "ch",
    scopes: scope.split(","),
  });
  const answer = await fetch(`${url}&login_hint=${email}`, { redirect: "manual" });
  await answer.body?.cancel();
  const code = new URL(answer.headers.get("location")!).searchParams.get("code")!;
  const exchange = (text = code, redirectUri: string = callback) =>
    oauth.exchangeCode({ code: text, codeVerifier: "ve", redirectUri });
  const facebook = createFacebook(settings);
  const open = async () => await facebook.openAccount(await exchange());
  return { oauth, facebook, url: new URL(url), code, exchange, open };
}

/** Whether the page of this token can be read. */
const works = async (meta: MetaSimulator, token: string) =>
  (await meta.graph("me", token)).status === 200;

/** What a call that must fail fails with. */
async function faultOf(call: Promise<unknown>): Promise<ProviderError> {
  const error = await call.then(() => assert.fail("did not fail"), (error) => error);
  assert.ok(error instanceof ProviderError, String(error));
  return error;
}

Deno.test("authorizationUrl() leads to the dialog of our version, without secret or challenge", async () => {
  await using meta = new MetaSimulator();
  const { url } = await consented(meta);
  assert.equal(url.pathname, "/facebook/v26.0/dialog/oauth");
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    client_id: id,
    redirect_uri: callback,
    response_type: "code",
    scope,
    state: "st",
  });
});

Deno.test("exchangeCode() brings a person's token of 60 days, and the scopes that debug_token names", async () => {
  await using meta = new MetaSimulator();
  const { exchange, code } = await consented(meta);
  const grant = await exchange(`${code}#_=_`);
  const days = (Date.parse(grant.expiresAt!) - Date.now()) / (DAY * 1_000);
  assert.ok(days > 59.9 && days < 60, String(days));
  assert.deepEqual(grant.scopes, [...scope.split(","), "public_profile"]);
  await meta.admin("PUT", "consent", { withheld: ["pages_show_list"] });
  const partial = await (await consented(meta)).exchange();
  assert.deepEqual(partial.scopes, ["pages_read_engagement", "public_profile"]);
});

Deno.test("exchangeCode() fails with class reauth for a bad code, and not for our own mistakes", async () => {
  await using meta = new MetaSimulator();
  const { exchange, code } = await consented(meta);
  await exchange();
  for (const bad of [code, "made-up"]) {
    assert.deepEqual((await faultOf(exchange(bad))).reason, "invalid_code");
    assert.deepEqual((await faultOf(exchange(bad))).class, "reauth");
  }
  const fresh = await consented(meta);
  assert.equal((await faultOf(fresh.exchange(fresh.code, "https://o/"))).class, "invalid_input");
});

Deno.test("openAccount() picks the first page that the person may write on, with its own token", async () => {
  await using meta = new MetaSimulator();
  const { exchange, facebook } = await consented(meta);
  const person = await exchange();
  const pages = await facebook.listPages(person.accessToken);
  const { account, grant } = await facebook.openAccount(person);
  assert.ok(!pages[0]!.tasks.includes("CREATE_CONTENT"), "the first page is not for writing");
  assert.equal(account.platform_account_id, pages[1]!.id);
  assert.deepEqual([account.display_name, account.handle], [
    pages[1]!.name,
    `@${pages[1]!.username}`,
  ]);
  assert.equal(typeof account.follower_count, "number");
  assert.match(account.avatar_url!, /^https:/);
  assert.deepEqual(
    [grant.refreshToken, grant.expiresAt, grant.scopes],
    [person.accessToken, null, person.scopes],
  );
  await meta.later(70 * DAY);
  assert.ok(await works(meta, grant.accessToken), "outlives the person's token");
  assert.ok(!await works(meta, grant.refreshToken!));
});

Deno.test("openAccount() throws NO_CHANNEL without a page to write on", async () => {
  await using meta = new MetaSimulator();
  for (const email of ["nochannel@example.com", "analyst@example.com"]) {
    const { open } = await consented(meta, email);
    await assert.rejects(
      open(),
      (error) => error instanceof AppError && error.code === "NO_CHANNEL",
    );
  }
});

Deno.test("listPages() goes on while there is a next page, and not forever", async () => {
  await using server = serveFake(({ query }) => {
    const from = Number(query.get("after") ?? 0);
    const data = Array.from({ length: 100 }, (_, at) => ({ id: String(from + at), name: "n" }));
    const paging = { cursors: { after: String(from + 100) }, next: "https://elsewhere.example/" };
    return Response.json({ data, paging });
  });
  const pages = await createFacebook(settingsAt(server.url)).listPages("t");
  assert.equal(pages.length, MAX_PAGES);
  assert.equal(new Set(pages.map((page) => page.id)).size, MAX_PAGES);
});

Deno.test("every call with a token carries its proof, in the header the token", async () => {
  await using server = serveFake(() => Response.json({ data: [] }));
  await createFacebook(settingsAt(server.url)).listPages("t0k3n");
  const [request] = server.seen;
  assert.equal(request!.authorization, "Bearer t0k3n");
  assert.match(request!.query.get("appsecret_proof")!, /^[0-9a-f]{64}$/);
  assert.ok(!request!.query.toString().includes("t0k3n"));
});

Deno.test("refresh() gets the same page another token while the person's is good", async () => {
  await using meta = new MetaSimulator();
  const { oauth, open } = await consented(meta);
  const { account, grant } = await open();
  const fresh = await oauth.refresh(grant);
  assert.notEqual(fresh.accessToken, grant.accessToken);
  assert.deepEqual([fresh.refreshToken, fresh.expiresAt], [null, null]);
  const me = await meta.graph("me", fresh.accessToken, { fields: "id" });
  assert.equal(me.body.id, account.platform_account_id);
  await meta.later(61 * DAY);
  const error = await faultOf(oauth.refresh(grant));
  assert.deepEqual([error.class, error.reason], ["reauth", "token_expired"]);
});

Deno.test("refresh() is the end when the app was removed, or the page is no longer theirs", async () => {
  await using meta = new MetaSimulator();
  const { oauth, open } = await consented(meta);
  const { grant } = await open();
  const { grant: foreign } = await (await consented(meta, "two@example.com")).open();
  const lost = await faultOf(oauth.refresh({ ...grant, accessToken: foreign.accessToken }));
  assert.deepEqual([lost.class, lost.reason], ["reauth", "page_lost"]);
  await meta.admin("POST", "accounts/one@example.com/revoke");
  assert.equal((await faultOf(oauth.refresh(grant))).reason, "app_removed");
});

Deno.test("revoke() takes back what the person allowed, and once is enough", async () => {
  await using meta = new MetaSimulator();
  const { oauth, open } = await consented(meta);
  const { grant } = await open();
  const { grant: other } = await (await consented(meta, "two@example.com")).open();
  assert.deepEqual(await oauth.revoke(grant), { revoked: true });
  assert.deepEqual(
    [await works(meta, grant.accessToken), await works(meta, other.accessToken)],
    [false, true],
  );
  assert.deepEqual(await oauth.revoke(grant), { revoked: true });
});

Deno.test("revoke() fails when Facebook does, and keeps secrets", async () => {
  await using meta = new MetaSimulator();
  const { oauth, open } = await consented(meta);
  const { grant } = await open();
  await meta.fault({ kind: "server_error", method: "DELETE", path: "/facebook" });
  const error = await faultOf(oauth.revoke(grant));
  assert.equal(error.class, "retry_transient");
  const said = `${error.message} ${error.stack}`;
  assert.ok(!said.includes(grant.refreshToken!) && !said.includes(secret));
});

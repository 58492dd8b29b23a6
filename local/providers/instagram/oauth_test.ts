import { strict as assert } from "node:assert";
import { apps, codesOf, MetaSimulator } from "../meta/testing.ts";

const day = 24 * 3_600;
const { callback, secret } = apps.instagram;
const code = (back: URL) => back.searchParams.get("code") ?? "";

const exchange = (meta: MetaSimulator, access_token: string, client_secret: string = secret) =>
  meta.get("/instagram/access_token", {
    grant_type: "ig_exchange_token",
    client_secret,
    access_token,
  });
const refresh = (meta: MetaSimulator, access_token: string) =>
  meta.get("/instagram/refresh_access_token", { grant_type: "ig_refresh_token", access_token });
const me = (meta: MetaSimulator, access_token: string) =>
  meta.get("/instagram/v26.0/me", { fields: "user_id", access_token });

Deno.test("Instagram sends back with code and state, and #_ behind them", async () => {
  await using meta = new MetaSimulator();
  const back = await meta.visit("instagram");
  assert.equal(back.origin + back.pathname, callback);
  assert.equal(back.searchParams.get("state"), "state-1");
  assert.ok(code(back).length > 20);
  assert.equal(back.hash, "#_");
});

Deno.test("A browser sees Instagram's consent page, whose form leads back", async () => {
  await using meta = new MetaSimulator();
  for (const provider of ["instagram", "facebook"] as const) {
    const page = await fetch(meta.consentUrl(provider), { headers: { accept: "text/html" } });
    const html = await page.text();
    assert.match(html, new RegExp(`wants access to your ${provider}`, "i"));
    const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
      .map(([, name = "", value = ""]): [string, string] => [name, value]);
    const action = /action="([^"]*)"/.exec(html)?.[1] ?? "";
    const scope = apps[provider].scope.split(",")[0] ?? "";
    for (const [decision, wanted] of [["approve", "code"], ["deny", "error"]] as const) {
      const answer = await fetch(new URL(action, page.url), {
        method: "POST",
        body: new URLSearchParams([...hidden, ["granted", scope], ["decision", decision]]),
        redirect: "manual",
      });
      await answer.body?.cancel();
      assert.equal(answer.status, 302);
      const back = new URL(answer.headers.get("location") ?? "");
      assert.ok(back.searchParams.has(wanted));
      assert.equal(back.searchParams.get("state"), "state-1");
    }
  }
});

Deno.test("A refusal says access_denied and user_denied", async () => {
  await using meta = new MetaSimulator();
  await meta.admin("PUT", "consent", { auto: true, decision: "deny" });
  for (const provider of ["instagram", "facebook"] as const) {
    const { searchParams } = await meta.visit(provider);
    assert.equal(searchParams.get("error"), "access_denied");
    assert.equal(searchParams.get("error_reason"), "user_denied");
    assert.equal(searchParams.get("state"), "state-1");
  }
});

Deno.test("A request that cannot be trusted gets a page and is not redirected", async () => {
  await using meta = new MetaSimulator();
  const cases: [Record<string, string | null>, string][] = [
    [{ client_id: "somebody-else" }, "invalid_app"],
    [{ client_id: apps.facebook.id }, "invalid_app"],
    [{ redirect_uri: `${callback}/` }, "invalid_redirect_uri"],
    [{ redirect_uri: null }, "invalid_redirect_uri"],
    [{ response_type: "token" }, "unsupported_response_type"],
    [{ scope: "business_basic" }, "invalid_scope"],
    [{ scope: null }, "invalid_scope"],
  ];
  for (const [change, reason] of cases) {
    const page = await fetch(meta.consentUrl("instagram", change), { redirect: "manual" });
    assert.equal(page.status, 400);
    assert.match(await page.text(), new RegExp(reason));
  }
});

Deno.test("A code buys a short-lived token, in either of two shapes", async () => {
  await using meta = new MetaSimulator();
  const documented = await meta.instagramCode(code(await meta.visit("instagram")));
  assert.equal(documented.status, 200);
  const [granted] = JSON.parse(documented.text).data;
  assert.match(granted.access_token, /^IGAA/);
  assert.equal(granted.permissions, apps.instagram.scope);
  await meta.fault({ kind: "other_shape" });
  const flat = await meta.instagramCode(code(await meta.visit("instagram")));
  assert.deepEqual(JSON.parse(flat.text).permissions, apps.instagram.scope.split(","));
  const written = /"user_id":(\d+),/.exec(flat.text)?.[1] ?? "";
  assert.equal(written, granted.user_id);
  assert.ok(BigInt(written) > BigInt(Number.MAX_SAFE_INTEGER), "no number of ours holds it");
});

Deno.test("The token endpoint says no in a shape of its own, and a code is good once", async () => {
  await using meta = new MetaSimulator();
  const used = code(await meta.visit("instagram"));
  await meta.instagramCode(used);
  const wrong: [string, Record<string, string | null>, RegExp][] = [
    [used, {}, /Invalid authorization code/],
    [`${code(await meta.visit("instagram"))}#_`, {}, /Invalid authorization code/],
    [code(await meta.visit("instagram")), { redirect_uri: "http://other/" }, /redirect_uri/],
    [code(await meta.visit("instagram")), { client_secret: "guessed" }, /client secret/],
    [code(await meta.visit("instagram")), { client_id: apps.facebook.id }, /platform app/],
    [code(await meta.visit("facebook")), {}, /Invalid authorization code/],
    [code(await meta.visit("instagram")), { grant_type: null }, /grant_type/],
  ];
  for (const [text, change, reason] of wrong) {
    const answer = await meta.instagramCode(text, change);
    assert.equal(answer.status, 400);
    const { error_type, code, error_message } = JSON.parse(answer.text);
    assert.deepEqual([error_type, code], ["OAuthException", 400]);
    assert.match(error_message, reason);
  }
  const late = code(await meta.visit("instagram"));
  await meta.later(601);
  assert.equal((await meta.instagramCode(late)).status, 400);
});

Deno.test("A short-lived token is exchanged for one of almost 60 days, by the app alone", async () => {
  await using meta = new MetaSimulator();
  const { text } = await meta.instagramCode(code(await meta.visit("instagram")));
  const short = JSON.parse(text).data[0].access_token;
  assert.equal((await exchange(meta, short, "guessed")).status, 400);
  const long = await exchange(meta, short);
  assert.equal(long.body.expires_in, 5_183_944);
  assert.equal(long.body.token_type, "bearer");
  assert.deepEqual(codesOf((await exchange(meta, String(long.body.access_token))).body), [
    452,
    undefined,
  ]);
  await meta.later(3_601);
  assert.deepEqual(codesOf((await exchange(meta, short)).body), [190, 463]);
  assert.equal((await me(meta, String(long.body.access_token))).status, 200);
});

Deno.test("A token is refreshed after a day and before its end, not sooner and not later", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken();
  assert.equal((await refresh(meta, token)).body.error?.code, 100, "younger than a day");
  await meta.later(day + 1);
  const fresh = await refresh(meta, token);
  assert.equal(fresh.status, 200);
  assert.equal(fresh.body.expires_in, 5_183_944);
  assert.notEqual(fresh.body.access_token, token);
  await meta.later(60 * day);
  assert.deepEqual(codesOf((await refresh(meta, token)).body), [190, 463]);
  assert.deepEqual(codesOf((await me(meta, token)).body), [190, 463]);
  assert.equal((await me(meta, String(fresh.body.access_token))).status, 200);
});

Deno.test("Who removes the app ends its tokens, and those of nobody else", async () => {
  await using meta = new MetaSimulator();
  const mine = await meta.instagramToken();
  const other = await meta.instagramToken("other@example.com");
  await meta.admin("POST", "accounts/creator@example.com/revoke");
  await meta.later(day + 1);
  assert.deepEqual(codesOf((await me(meta, mine)).body), [190, 458]);
  assert.deepEqual(codesOf((await refresh(meta, mine)).body), [190, 458]);
  assert.equal((await me(meta, other)).status, 200);
  assert.equal((await me(meta, await meta.instagramToken())).status, 200, "starts afresh");
});

Deno.test("Scopes left unticked are missing from the answer and from the token", async () => {
  await using meta = new MetaSimulator();
  await meta.admin("PUT", "consent", { withheld: ["instagram_business_basic"] });
  const { text } = await meta.instagramCode(code(await meta.visit("instagram")));
  const [{ permissions, access_token }] = JSON.parse(text).data;
  assert.equal(permissions, "instagram_business_manage_insights");
  assert.deepEqual(codesOf((await me(meta, access_token)).body), [10, undefined]);
});

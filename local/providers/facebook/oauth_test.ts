import { strict as assert } from "node:assert";
import { apps, codesOf, MetaSimulator } from "../meta/testing.ts";

const { id, secret, callback } = apps.facebook;
const code = (back: URL) => back.searchParams.get("code");
const debug = (meta: MetaSimulator, input_token: string, access_token = `${id}|${secret}`) =>
  meta.get("/facebook/v26.0/debug_token", { input_token, access_token });

Deno.test("Facebook sends back with code and state, and #_=_ behind them", async () => {
  await using meta = new MetaSimulator();
  const back = await meta.visit("facebook");
  assert.equal(back.origin + back.pathname, callback);
  assert.equal(back.hash, "#_=_");
  assert.equal(back.searchParams.get("state"), "state-1");
});

Deno.test("A code buys a user token by GET, once, and that a long-lived one", async () => {
  await using meta = new MetaSimulator();
  const asked = { redirect_uri: callback, code: code(await meta.visit("facebook")) };
  const short = await meta.facebookToken(asked);
  assert.equal(short.body.expires_in, 3_600);
  const again = await meta.facebookToken(asked);
  assert.deepEqual([again.status, ...codesOf(again.body)], [400, 100, 36009]);
  const long = await meta.facebookToken({
    grant_type: "fb_exchange_token",
    fb_exchange_token: String(short.body.access_token),
  });
  assert.equal(long.body.expires_in, 5_183_944);
});

Deno.test("The token endpoint says what is wrong", async () => {
  await using meta = new MetaSimulator();
  const cases: [Record<string, string | null>, number, number?][] = [
    [{ client_id: "1" }, 101],
    [{ client_id: apps.instagram.id }, 101],
    [{ client_secret: "guessed" }, 1],
    [{ redirect_uri: "http://other/" }, 100, 36008],
    [{ code: "made-up" }, 100, 36009],
    [{ code: null }, 100],
  ];
  for (const [change, ...codes] of cases) {
    const asked = { redirect_uri: callback, code: code(await meta.visit("facebook")), ...change };
    const { status, body } = await meta.facebookToken(asked);
    assert.deepEqual([status, ...codesOf(body)], [400, codes[0], codes[1]]);
  }
});

Deno.test("debug_token tells the app what a token is worth, and nobody else", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.facebookUser();
  const { data } = (await debug(meta, token)).body as unknown as { data: Record<string, unknown> };
  assert.equal(data.is_valid, true);
  assert.equal(data.type, "USER");
  assert.deepEqual(data.scopes, [...apps.facebook.scope.split(","), "public_profile"]);
  assert.ok(Number(data.expires_at) * 1_000 > Date.now());
  assert.equal((await debug(meta, token, `${id}|guessed`)).body.error?.code, 190);
  const pages = await meta.graph("me/accounts", token, { fields: "access_token" });
  const page = await debug(meta, String(pages.body.data?.[1]?.access_token));
  const described = page.body as unknown as { data: Record<string, unknown> };
  assert.deepEqual(
    [described.data.type, described.data.expires_at, described.data.profile_id],
    ["PAGE", 0, pages.body.data?.[1]?.id],
  );
  await meta.later(61 * 24 * 3_600);
  const late = (await debug(meta, token)).body as unknown as {
    data: { is_valid: boolean; scopes: string[]; error: { subcode: number } };
  };
  assert.deepEqual([late.data.is_valid, late.data.scopes, late.data.error.subcode], [
    false,
    [],
    463,
  ]);
  const nonsense = (await debug(meta, "nonsense")).body as unknown as {
    data: { is_valid: boolean };
  };
  assert.equal(nonsense.data.is_valid, false);
});

Deno.test("Scopes left unticked are known to debug_token alone", async () => {
  await using meta = new MetaSimulator();
  await meta.admin("PUT", "consent", { withheld: ["pages_show_list"] });
  const token = await meta.facebookUser();
  const { data } = (await debug(meta, token)).body as unknown as { data: { scopes: string[] } };
  assert.deepEqual(data.scopes, ["pages_read_engagement", "public_profile"]);
  assert.deepEqual((await meta.graph("me/accounts", token)).body.data, []);
});

Deno.test("Permissions are taken back with a user's token, pages' tokens with them", async () => {
  await using meta = new MetaSimulator();
  const user = await meta.facebookUser();
  const other = await meta.facebookUser("other@example.com");
  const { body } = await meta.graph("me/accounts", user, { fields: "access_token" });
  const page = String(body.data?.[1]?.access_token);
  const me = (await meta.graph("me", user, { fields: "id" })).body.id;
  const foreign = await meta.graph(`${me}/permissions`, other, {}, { method: "DELETE" });
  assert.equal(foreign.status, 400);
  const done = await meta.graph(`${me}/permissions`, user, {}, { method: "DELETE" });
  assert.deepEqual([done.status, done.body.success], [200, true]);
  for (const token of [user, page]) {
    assert.deepEqual(codesOf((await meta.graph("me", token)).body), [190, 458]);
  }
  assert.equal((await meta.graph("me", other)).status, 200);
});

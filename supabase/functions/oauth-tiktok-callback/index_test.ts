import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { accountWith, addFault } from "../../tests/e2e/simulator.ts";
import { Authorization, grantedScopes } from "../_shared/testing/authorization.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const SCOPES = ["user.info.basic", "user.info.profile", "user.info.stats", "video.list"];
const PAGE = "http://127.0.0.1:3000/connected?tab=2";

async function open() {
  const { fetch, stack } = await openFunction(() => import("./index.ts"));
  const tiktok = new Authorization("tiktok", fetch);
  return { tiktok, stack, person: await Person.signUp(stack), account: accountWith(3) };
}

stackTest("oauth-tiktok-callback connects the account, and a state works once", async () => {
  const { tiktok, person, account } = await open();
  const page = await tiktok.comeBack(await tiktok.consent(person, account));
  const answer = await tiktok.finish(person, page);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const { data } = await person.client.from("social_account").select("*").single();
  assert.deepEqual(answer.body, { success: true, social_account_id: data!.id });
  assert.deepEqual([data!.platform_name, data!.status], ["tiktok", "active"]);
  assert.match(data!.platform_account_id, /^-000/);
  assert.deepEqual(await grantedScopes(person), SCOPES);
  assertRefused(await tiktok.finish(person, page), 409, "OAUTH_STATE_USED");
});

stackTest("oauth-tiktok-callback takes a code that the page did not decode", async () => {
  const { tiktok, person, account } = await open();
  const page = await tiktok.comeBack(await tiktok.consent(person, account));
  page.searchParams.set("code", encodeURIComponent(page.searchParams.get("code")!));
  assert.equal((await tiktok.finish(person, page)).status, 200);
});

stackTest("oauth-tiktok-callback lets nobody finish what another user started", async () => {
  const { tiktok, stack, person: attacker, account } = await open();
  const victim = await Person.signUp(stack);
  const page = await tiktok.comeBack(await tiktok.consent(attacker, account));
  assertRefused(await tiktok.finish(victim, page), 403, "OAUTH_STATE_FOREIGN");
  assertRefused(await tiktok.finish(null, page), 401, "UNAUTHENTICATED");
  assert.deepEqual(await grantedScopes(victim), []);
  assert.equal((await tiktok.finish(attacker, page)).status, 200, "its owner still can");
});

stackTest("oauth-tiktok-callback refuses a state of another platform", async () => {
  const { tiktok, person } = await open();
  const init = await person.call("oauth-youtube-init", {});
  const state = new URL(String(init.body.authorization_url)).searchParams.get("state")!;
  const page = new URL(`http://function/oauth-tiktok-callback?code=x&state=${state}`);
  assertRefused(await tiktok.finish(person, page), 400, "OAUTH_PLATFORM_MISMATCH");
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest("oauth-tiktok-callback connects an account again under the same id", async () => {
  const { tiktok, person, account } = await open();
  const first = await tiktok.connect(person, account);
  const again = await tiktok.connect(person, account);
  assert.equal(again.status, 200, JSON.stringify(again.body));
  assert.equal(again.body.social_account_id, first.body.social_account_id);
});

stackTest("oauth-tiktok-callback tells the page why there is no code", async () => {
  const { tiktok, person, account } = await open();
  const url = await tiktok.consent(person, account, { decision: "deny", redirectTo: PAGE });
  assert.equal((await tiktok.comeBack(url)).href, `${PAGE}&error=OAUTH_DENIED`);
});

stackTest(
  "oauth-tiktok-callback says SCOPES_MISSING when the creator unticks what we need",
  async () => {
    const { tiktok, stack, person, account } = await open();
    const page = await tiktok.comeBack(await tiktok.consent(person, account));
    await addFault(stack, account, { kind: "missing_scope", path: "/tiktok/v2/oauth/token/" });
    const answer = await tiktok.finish(person, page);
    assertRefused(answer, 422, "SCOPES_MISSING");
    assert.deepEqual(answer.body.error.details, { missing: ["video.list"] });
    assert.deepEqual(await grantedScopes(person), []);
  },
);

stackTest(
  "oauth-tiktok-callback says OAUTH_CODE_INVALID for a code that TikTok refuses",
  async () => {
    const { tiktok, person, account } = await open();
    const page = await tiktok.comeBack(await tiktok.consent(person, account));
    page.searchParams.set("code", "not-a-code");
    const answer = await tiktok.finish(person, page);
    assertRefused(answer, 400, "OAUTH_CODE_INVALID");
    assert.ok(!JSON.stringify(answer.body).includes("not-a-code"));
  },
);

stackTest("oauth-tiktok-callback knows a refusal that comes with 200", async () => {
  const { tiktok, stack, person, account } = await open();
  const page = await tiktok.comeBack(await tiktok.consent(person, account));
  await addFault(stack, account, { kind: "invalid_grant_200" });
  assertRefused(await tiktok.finish(person, page), 400, "OAUTH_CODE_INVALID");
});

stackTest("oauth-tiktok-callback says OAUTH_EXCHANGE_FAILED when TikTok is down", async () => {
  const { tiktok, stack, person, account } = await open();
  for (const path of ["/tiktok/v2/oauth/token/", "/tiktok/v2/user/info/"]) {
    const page = await tiktok.comeBack(await tiktok.consent(person, account));
    await addFault(stack, account, { kind: "server_error", status: 503, path });
    const answer = await tiktok.finish(person, page);
    assert.equal(answer.status >= 500, true, JSON.stringify(answer.body));
    assert.equal(answer.body.success, false);
  }
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest("oauth-tiktok-callback refuses what is incomplete", async () => {
  const { tiktok, person } = await open();
  for (const query of ["", "?state=made-up", "?code=x"]) {
    const answer = await call(tiktok.callback, null, `oauth-tiktok-callback${query}`);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
  for (const body of [{}, { code: "x" }, { code: "x", state: "y", user_id: person.id }]) {
    const answer = await call(tiktok.callback, person, "oauth-tiktok-callback", body);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
});

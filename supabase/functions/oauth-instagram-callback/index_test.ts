import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { accountWith, addFault } from "../../tests/e2e/simulator.ts";
import { Authorization, grantedScopes } from "../_shared/testing/authorization.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const SCOPES = ["instagram_business_basic"];
const PAGE = "http://127.0.0.1:3000/connected?tab=2";
const CODE_TO_TOKEN = "/instagram/oauth/access_token";
const SHORT_TO_LONG = "/instagram/access_token";

async function open() {
  const { fetch, stack } = await openFunction(() => import("./index.ts"));
  const instagram = new Authorization("instagram", fetch);
  return { instagram, stack, person: await Person.signUp(stack), account: accountWith(3) };
}

stackTest("oauth-instagram-callback connects the account, and a state works once", async () => {
  const { instagram, person, account } = await open();
  const page = await instagram.comeBack(await instagram.consent(person, account));
  const answer = await instagram.finish(person, page);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const { data } = await person.client.from("social_account").select("*").single();
  assert.deepEqual(answer.body, { success: true, social_account_id: data!.id });
  assert.deepEqual([data!.platform_name, data!.status], ["instagram", "active"]);
  assert.match(data!.platform_account_id, /^1784140\d{10}$/);
  assert.deepEqual(await grantedScopes(person), SCOPES);
  assertRefused(await instagram.finish(person, page), 409, "OAUTH_STATE_USED");
});

stackTest("oauth-instagram-callback keeps a token of 60 days", async () => {
  const { instagram, person, account } = await open();
  assert.equal((await instagram.connect(person, account)).status, 200);
  const { data } = await person.client.from("platform_connection").select("token_expires_at")
    .single().throwOnError();
  const days = (Date.parse(data.token_expires_at!) - Date.now()) / 86_400_000;
  assert.ok(days > 59.9 && days < 60, String(days));
});

stackTest("oauth-instagram-callback takes a code with what hangs on the address", async () => {
  const { instagram, person, account } = await open();
  const url = await instagram.consent(person, account);
  assert.equal(url.hash, "#_");
  const page = await instagram.comeBack(url);
  page.searchParams.set("code", `${page.searchParams.get("code")}#_`);
  assert.equal((await instagram.finish(person, page)).status, 200);
});

stackTest("oauth-instagram-callback reads the token endpoint's other answer", async () => {
  const { instagram, stack, person, account } = await open();
  const page = await instagram.comeBack(await instagram.consent(person, account));
  await addFault(stack, account, { kind: "other_shape" });
  assert.equal((await instagram.finish(person, page)).status, 200);
  const { data } = await person.client.from("social_account").select("*").single();
  assert.match(data!.platform_account_id, /^1784140\d{10}$/);
});

stackTest("oauth-instagram-callback lets nobody finish what another user started", async () => {
  const { instagram, stack, person: attacker, account } = await open();
  const victim = await Person.signUp(stack);
  const page = await instagram.comeBack(await instagram.consent(attacker, account));
  assertRefused(await instagram.finish(victim, page), 403, "OAUTH_STATE_FOREIGN");
  assertRefused(await instagram.finish(null, page), 401, "UNAUTHENTICATED");
  assert.deepEqual(await grantedScopes(victim), []);
  assert.equal((await instagram.finish(attacker, page)).status, 200, "its owner still can");
});

stackTest("oauth-instagram-callback refuses a state of another platform", async () => {
  const { instagram, person } = await open();
  const init = await person.call("oauth-facebook-init", {});
  const state = new URL(String(init.body.authorization_url)).searchParams.get("state")!;
  const page = new URL(`http://function/oauth-instagram-callback?code=x&state=${state}`);
  assertRefused(await instagram.finish(person, page), 400, "OAUTH_PLATFORM_MISMATCH");
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest("oauth-instagram-callback connects an account again under the same id", async () => {
  const { instagram, person, account } = await open();
  const first = await instagram.connect(person, account);
  const again = await instagram.connect(person, account);
  assert.equal(again.status, 200, JSON.stringify(again.body));
  assert.equal(again.body.social_account_id, first.body.social_account_id);
});

stackTest("oauth-instagram-callback tells the page why there is no code", async () => {
  const { instagram, person, account } = await open();
  const url = await instagram.consent(person, account, { decision: "deny", redirectTo: PAGE });
  assert.equal((await instagram.comeBack(url)).href, `${PAGE}&error=OAUTH_DENIED`);
});

stackTest(
  "oauth-instagram-callback says SCOPES_MISSING when the creator unticks what we need",
  async () => {
    const { instagram, stack, person, account } = await open();
    const page = await instagram.comeBack(await instagram.consent(person, account));
    await addFault(stack, account, { kind: "missing_scope", path: CODE_TO_TOKEN });
    const answer = await instagram.finish(person, page);
    assertRefused(answer, 422, "SCOPES_MISSING");
    assert.deepEqual(answer.body.error.details, { missing: SCOPES });
    assert.deepEqual(await grantedScopes(person), []);
  },
);

stackTest("oauth-instagram-callback says NO_CHANNEL to a personal account", async () => {
  const { instagram, person } = await open();
  const answer = await instagram.connect(person, "nochannel@example.com");
  assertRefused(answer, 422, "NO_CHANNEL");
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest(
  "oauth-instagram-callback says OAUTH_CODE_INVALID for a code that Instagram refuses",
  async () => {
    const { instagram, person, account } = await open();
    const page = await instagram.comeBack(await instagram.consent(person, account));
    page.searchParams.set("code", "not-a-code");
    const answer = await instagram.finish(person, page);
    assertRefused(answer, 400, "OAUTH_CODE_INVALID");
    assert.ok(!JSON.stringify(answer.body).includes("not-a-code"));
  },
);

stackTest(
  "oauth-instagram-callback says OAUTH_EXCHANGE_FAILED when Instagram is down",
  async () => {
    const { instagram, stack, person, account } = await open();
    for (const path of [CODE_TO_TOKEN, SHORT_TO_LONG]) {
      for (const fault of [{ kind: "server_error", status: 503 }, { kind: "html" }]) {
        const page = await instagram.comeBack(await instagram.consent(person, account));
        await addFault(stack, account, { ...fault, path });
        assertRefused(await instagram.finish(person, page), 502, "OAUTH_EXCHANGE_FAILED");
      }
    }
    assert.deepEqual(await grantedScopes(person), []);
  },
);

stackTest("oauth-instagram-callback connects nothing that it cannot read", async () => {
  const { instagram, stack, person, account } = await open();
  const page = await instagram.comeBack(await instagram.consent(person, account));
  await addFault(stack, account, { kind: "rate_limited", path: "/instagram/v26.0/me" });
  assertRefused(await instagram.finish(person, page), 429, "PROVIDER_RATE_LIMITED");
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest("oauth-instagram-callback refuses what is incomplete", async () => {
  const { instagram, person } = await open();
  for (const query of ["", "?state=made-up", "?code=x"]) {
    const answer = await call(instagram.callback, null, `oauth-instagram-callback${query}`);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
  for (const body of [{}, { code: "x" }, { code: "x", state: "y", user_id: person.id }]) {
    const answer = await call(instagram.callback, person, "oauth-instagram-callback", body);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
});

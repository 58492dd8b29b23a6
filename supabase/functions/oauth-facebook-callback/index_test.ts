import assert from "node:assert/strict";
import postgres from "postgres";
import { openMetaToken } from "../../../local/providers/meta/token.ts";
import { Person } from "../../tests/e2e/person.ts";
import { accountWith, addFault } from "../../tests/e2e/simulator.ts";
import { Authorization, grantedScopes } from "../_shared/testing/authorization.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const SCOPES = ["pages_show_list", "pages_read_engagement"];
const PAGE = "http://127.0.0.1:3000/connected?tab=2";
const TOKEN = "/facebook/v26.0/oauth/access_token";

async function open() {
  const { fetch, stack } = await openFunction(() => import("./index.ts"));
  const facebook = new Authorization("facebook", fetch);
  return { facebook, stack, person: await Person.signUp(stack), account: accountWith(3) };
}

stackTest("oauth-facebook-callback connects a page, and a state works once", async () => {
  const { facebook, person, account } = await open();
  const page = await facebook.comeBack(await facebook.consent(person, account));
  const answer = await facebook.finish(person, page);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const { data } = await person.client.from("social_account").select("*").single();
  assert.deepEqual(answer.body, { success: true, social_account_id: data!.id });
  assert.deepEqual([data!.platform_name, data!.status], ["facebook", "active"]);
  assert.match(data!.platform_account_id, /^1000640\d{10}$/);
  assert.deepEqual(await grantedScopes(person), [...SCOPES, "public_profile"]);
  assertRefused(await facebook.finish(person, page), 409, "OAUTH_STATE_USED");
});

stackTest(
  "oauth-facebook-callback stores the page's token, and the person's beside it",
  async () => {
    const { facebook, stack, person, account } = await open();
    const { body } = await facebook.connect(person, account);
    const sql = postgres(stack.admin_db_url, { max: 1 });
    const [tokens] = await sql`
    select * from public.get_connection_tokens(${String(body.social_account_id)})`;
    await sql.end();
    assert.equal(tokens!.token_expires_at, null);
    assert.equal(openMetaToken(tokens!.access_token)?.kind, "page");
    assert.equal(openMetaToken(tokens!.refresh_token)?.kind, "long");
  },
);

stackTest("oauth-facebook-callback lets nobody finish what another user started", async () => {
  const { facebook, stack, person: attacker, account } = await open();
  const victim = await Person.signUp(stack);
  const page = await facebook.comeBack(await facebook.consent(attacker, account));
  assertRefused(await facebook.finish(victim, page), 403, "OAUTH_STATE_FOREIGN");
  assertRefused(await facebook.finish(null, page), 401, "UNAUTHENTICATED");
  assert.deepEqual(await grantedScopes(victim), []);
  assert.equal((await facebook.finish(attacker, page)).status, 200, "its owner still can");
});

stackTest("oauth-facebook-callback refuses a state of another platform", async () => {
  const { facebook, person } = await open();
  const init = await person.call("oauth-instagram-init", {});
  const state = new URL(String(init.body.authorization_url)).searchParams.get("state")!;
  const page = new URL(`http://function/oauth-facebook-callback?code=x&state=${state}`);
  assertRefused(await facebook.finish(person, page), 400, "OAUTH_PLATFORM_MISMATCH");
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest("oauth-facebook-callback connects a page again under the same id", async () => {
  const { facebook, person, account } = await open();
  const first = await facebook.connect(person, account);
  const again = await facebook.connect(person, account);
  assert.equal(again.status, 200, JSON.stringify(again.body));
  assert.equal(again.body.social_account_id, first.body.social_account_id);
});

stackTest("oauth-facebook-callback tells the page why there is no code", async () => {
  const { facebook, person, account } = await open();
  const url = await facebook.consent(person, account, { decision: "deny", redirectTo: PAGE });
  assert.equal((await facebook.comeBack(url)).href, `${PAGE}&error=OAUTH_DENIED`);
});

stackTest(
  "oauth-facebook-callback says SCOPES_MISSING when the creator unticks what we need",
  async () => {
    const { facebook, stack, person, account } = await open();
    const page = await facebook.comeBack(await facebook.consent(person, account));
    await addFault(stack, account, { kind: "missing_scope", path: TOKEN });
    const answer = await facebook.finish(person, page);
    assertRefused(answer, 422, "SCOPES_MISSING");
    assert.deepEqual(answer.body.error.details, { missing: SCOPES });
    assert.deepEqual(await grantedScopes(person), []);
  },
);

stackTest("oauth-facebook-callback says NO_CHANNEL without a page to write on", async () => {
  const { facebook, person } = await open();
  for (const account of ["nochannel@example.com", "analyst@example.com"]) {
    assertRefused(await facebook.connect(person, account), 422, "NO_CHANNEL");
  }
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest(
  "oauth-facebook-callback says OAUTH_CODE_INVALID for a code that Facebook refuses",
  async () => {
    const { facebook, person, account } = await open();
    const page = await facebook.comeBack(await facebook.consent(person, account));
    page.searchParams.set("code", "not-a-code");
    const answer = await facebook.finish(person, page);
    assertRefused(answer, 400, "OAUTH_CODE_INVALID");
    assert.ok(!JSON.stringify(answer.body).includes("not-a-code"));
  },
);

stackTest("oauth-facebook-callback says OAUTH_EXCHANGE_FAILED when Facebook is down", async () => {
  const { facebook, stack, person, account } = await open();
  for (const path of [TOKEN, "/facebook/v26.0/debug_token"]) {
    for (const fault of [{ kind: "server_error", status: 503 }, { kind: "truncated_json" }]) {
      const page = await facebook.comeBack(await facebook.consent(person, account));
      await addFault(stack, account, { ...fault, path });
      assertRefused(await facebook.finish(person, page), 502, "OAUTH_EXCHANGE_FAILED");
    }
  }
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest("oauth-facebook-callback refuses what is incomplete", async () => {
  const { facebook, person } = await open();
  for (const query of ["", "?state=made-up", "?code=x"]) {
    const answer = await call(facebook.callback, null, `oauth-facebook-callback${query}`);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
  for (const body of [{}, { code: "x" }, { code: "x", state: "y", user_id: person.id }]) {
    const answer = await call(facebook.callback, person, "oauth-facebook-callback", body);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
});

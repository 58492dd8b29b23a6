import assert from "node:assert/strict";
import postgres from "postgres";
import type { StackInfo } from "../../../local/stack/info.ts";
import { Person } from "../../tests/e2e/person.ts";
import { accountWith } from "../../tests/e2e/simulator.ts";
import { encodeBase64Url, sha256 } from "../_shared/digest.ts";
import { Authorization, grantedScopes } from "../_shared/testing/authorization.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const READONLY = "https://www.googleapis.com/auth/youtube.readonly";
const SITE = "http://127.0.0.1:3000";
const PAGE = `${SITE}/connected?tab=2`;

interface OAuthState {
  platform_name: string;
  redirect_uri: string;
  expires_at: string;
}

async function open() {
  const { fetch, stack } = await openFunction(() => import("./index.ts"));
  const youtube = new Authorization("youtube", fetch);
  return { youtube, stack, person: await Person.signUp(stack) };
}

/** Changes what is remembered of an authorization, as only the database can; returns what was. */
async function changeState(stack: StackInfo, { searchParams }: URL, change: Partial<OAuthState>) {
  const hash = encodeBase64Url(await sha256(searchParams.get("state")!));
  const sql = postgres(stack.admin_db_url, { max: 1 });
  try {
    const [before] = await sql<OAuthState[]>`
      select platform_name, redirect_uri, expires_at from private.oauth_state where state_hash = ${hash}`;
    assert.ok(before, "the state is stored by its hash");
    if (Object.keys(change).length > 0) {
      await sql`update private.oauth_state set ${sql(change)} where state_hash = ${hash}`;
    }
    return before;
  } finally {
    await sql.end();
  }
}

stackTest("oauth-youtube-callback connects the channel, and a state works once", async () => {
  const { youtube, person } = await open();
  const url = await youtube.consent(person, accountWith(3));
  const page = await youtube.comeBack(url);
  const answer = await youtube.finish(person, page);
  assert.equal(answer.status, 200);
  const { data: account } = await person.client.from("social_account").select("*").single();
  assert.deepEqual(answer.body, { success: true, social_account_id: account!.id });
  assert.equal(account!.status, "active");
  assert.deepEqual(await grantedScopes(person), [READONLY]);
  assertRefused(await youtube.finish(person, page), 409, "OAUTH_STATE_USED");
  assert.equal((await youtube.comeBack(url)).href, `${SITE}/?error=OAUTH_STATE_USED`);
});

stackTest("oauth-youtube-callback connects nothing by GET, however often", async () => {
  const { youtube, person } = await open();
  const url = await youtube.consent(person, accountWith(3), { redirectTo: PAGE });
  const page = await youtube.comeBack(url);
  assert.equal((await youtube.comeBack(url)).href, page.href);
  const { data: accounts } = await person.client.from("social_account").select("id");
  assert.deepEqual([accounts, await grantedScopes(person)], [[], []]);
  assert.equal((await youtube.finish(person, page)).status, 200);
});

stackTest("oauth-youtube-callback lets nobody finish what another user started", async () => {
  const { youtube, stack, person: attacker } = await open();
  const victim = await Person.signUp(stack);
  // The attacker's link, opened by the victim, who consents with the victim's channel.
  const page = await youtube.comeBack(await youtube.consent(attacker, accountWith(3)));
  assertRefused(await youtube.finish(victim, page), 403, "OAUTH_STATE_FOREIGN");
  assertRefused(await youtube.finish(null, page), 401, "UNAUTHENTICATED");
  assert.deepEqual(await grantedScopes(victim), []);
  assert.deepEqual(await grantedScopes(attacker), []);
  assert.equal((await youtube.finish(attacker, page)).status, 200, "its owner still can");
});

stackTest("oauth-youtube-callback refuses an authorization of another platform", async () => {
  const { youtube, stack, person } = await open();
  const url = await youtube.consent(person, accountWith(3));
  const page = await youtube.comeBack(url);
  await changeState(stack, url, { platform_name: "tiktok" });
  assert.equal((await youtube.comeBack(url)).href, `${SITE}/?error=OAUTH_PLATFORM_MISMATCH`);
  assertRefused(await youtube.finish(person, page), 400, "OAUTH_PLATFORM_MISMATCH");
  await changeState(stack, url, { platform_name: "youtube" });
  assert.equal((await youtube.finish(person, page)).status, 200, "it is not spoilt");
});

stackTest("oauth-youtube-callback refuses an authorization that came in elsewhere", async () => {
  const { youtube, stack, person } = await open();
  const url = await youtube.consent(person, accountWith(3));
  const page = await youtube.comeBack(url);
  const { redirect_uri } = await changeState(stack, url, {});
  const tampered = { redirect_uri: "https://evil.example/callback" };
  const answer = await youtube.finish(person, page, tampered);
  assertRefused(answer, 400, "OAUTH_REDIRECT_MISMATCH");
  await changeState(stack, url, tampered);
  assert.equal((await youtube.comeBack(url)).href, `${SITE}/?error=OAUTH_REDIRECT_MISMATCH`);
  assertRefused(await youtube.finish(person, page), 400, "OAUTH_REDIRECT_MISMATCH");
  await changeState(stack, url, { redirect_uri });
  const right = await youtube.finish(person, page, { redirect_uri });
  assert.equal(right.status, 200, "it is not spoilt");
});

stackTest("oauth-youtube-callback refuses who comes too late", async () => {
  const { youtube, stack, person } = await open();
  const url = await youtube.consent(person, accountWith(3), { redirectTo: PAGE });
  const page = await youtube.comeBack(url);
  await changeState(stack, url, { expires_at: new Date().toISOString() });
  assert.equal((await youtube.comeBack(url)).href, `${PAGE}&error=OAUTH_STATE_EXPIRED`);
  assertRefused(await youtube.finish(person, page), 400, "OAUTH_STATE_EXPIRED");
});

stackTest("oauth-youtube-callback connects no more accounts than the plan allows", async () => {
  const { youtube, person } = await open();
  const first = accountWith(3);
  assert.equal((await youtube.connect(person, first)).status, 200);
  const answer = await youtube.connect(person, accountWith(3));
  assertRefused(answer, 403, "ACCOUNT_LIMIT_REACHED");
  assert.deepEqual(answer.body.error.details, { limit: 1, used: 1 });
  assert.equal((await youtube.connect(person, first)).status, 200, "it can be renewed");
});

stackTest("oauth-youtube-callback connects no channel that another user holds", async () => {
  const { youtube, stack, person } = await open();
  const account = accountWith(3);
  await youtube.connect(await Person.signUp(stack), account);
  assertRefused(await youtube.connect(person, account), 409, "ACCOUNT_ALREADY_CONNECTED");
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest("oauth-youtube-callback connects a channel again under the same id", async () => {
  const { youtube, person } = await open();
  const account = accountWith(3);
  const first = await youtube.connect(person, account);
  const again = await youtube.connect(person, account);
  assert.equal(again.status, 200);
  assert.equal(again.body.social_account_id, first.body.social_account_id);
});

stackTest("oauth-youtube-callback passes a browser on to the page it asked for", async () => {
  const { youtube, person } = await open();
  const url = await youtube.consent(person, accountWith(3), { redirectTo: PAGE });
  const { origin, pathname, searchParams } = await youtube.comeBack(url);
  assert.equal(`${origin}${pathname}`, `${SITE}/connected`);
  assert.deepEqual(Object.fromEntries(searchParams), {
    tab: "2",
    code: url.searchParams.get("code"),
    state: url.searchParams.get("state"),
  });
});

stackTest("oauth-youtube-callback passes a browser without a page on to the site", async () => {
  const { youtube, person } = await open();
  const { origin, pathname } = await youtube.comeBack(
    await youtube.consent(person, accountWith(3)),
  );
  assert.equal(`${origin}${pathname}`, `${SITE}/`);
});

stackTest("oauth-youtube-callback tells the page why there is no code", async () => {
  const { youtube, person } = await open();
  const url = await youtube.consent(person, accountWith(3), { decision: "deny", redirectTo: PAGE });
  assert.equal((await youtube.comeBack(url)).href, `${PAGE}&error=OAUTH_DENIED`);
  url.searchParams.set("error", "server_error");
  assert.equal((await youtube.comeBack(url)).href, `${PAGE}&error=OAUTH_EXCHANGE_FAILED`);
});

stackTest(
  "oauth-youtube-callback says SCOPES_MISSING when the creator unticks what we need",
  async () => {
    const { youtube, stack, person } = await open();
    const page = await youtube.comeBack(await youtube.consent(person, accountWith(3)));
    const fault = await fetch(`${stack.providers_url}/_admin/faults`, {
      method: "POST",
      body: JSON.stringify({ kind: "missing_scope", path: "/google/token" }),
    });
    assert.equal(fault.status, 201);
    await fault.body?.cancel();
    const answer = await youtube.finish(person, page);
    assertRefused(answer, 422, "SCOPES_MISSING");
    assert.deepEqual(answer.body.error.details, { missing: [READONLY] });
    assert.deepEqual(await grantedScopes(person), []);
  },
);

stackTest("oauth-youtube-callback says NO_CHANNEL to an account without one", async () => {
  const { youtube, person } = await open();
  assertRefused(await youtube.connect(person, "nochannel@example.com"), 422, "NO_CHANNEL");
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest("oauth-youtube-callback needs a refresh token once, and then keeps it", async () => {
  const { youtube, person } = await open();
  const account = accountWith(3);
  const short = () => youtube.connect(person, account, { without: "access_type" });
  assertRefused(await short(), 502, "OAUTH_EXCHANGE_FAILED");
  assert.equal((await youtube.connect(person, account)).status, 200);
  assert.equal((await short()).status, 200);
});

stackTest(
  "oauth-youtube-callback says OAUTH_CODE_INVALID for a code that Google refuses",
  async () => {
    const { youtube, person } = await open();
    const page = await youtube.comeBack(await youtube.consent(person, accountWith(3)));
    page.searchParams.set("code", "4/0-not-a-code");
    const answer = await youtube.finish(person, page);
    assertRefused(answer, 400, "OAUTH_CODE_INVALID");
    assert.ok(!JSON.stringify(answer.body).includes("not-a-code"));
  },
);

stackTest("oauth-youtube-callback refuses a state that was not given out here", async () => {
  const { youtube, person } = await open();
  const url = new URL("http://function/oauth-youtube-callback?code=x&state=made-up");
  assert.equal((await youtube.comeBack(url)).href, `${SITE}/?error=OAUTH_STATE_INVALID`);
  assertRefused(await youtube.finish(person, url), 400, "OAUTH_STATE_INVALID");
});

stackTest("oauth-youtube-callback refuses what is incomplete", async () => {
  const { youtube, person } = await open();
  for (const query of ["", "?state=made-up", "?code=x"]) {
    const answer = await call(youtube.callback, null, `oauth-youtube-callback${query}`);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
  for (const body of [{}, { code: "x" }, { code: "x", state: "y", user_id: person.id }]) {
    const answer = await call(youtube.callback, person, "oauth-youtube-callback", body);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
});

stackTest("oauth-youtube-callback tells a browser that both its methods are there", async () => {
  const { youtube } = await open();
  const url = "http://function/oauth-youtube-callback";
  const preflight = await youtube.callback(new Request(url, { method: "OPTIONS" }));
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get("access-control-allow-methods")!, /GET.*POST/);
});

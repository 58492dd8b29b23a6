import assert from "node:assert/strict";
import postgres from "postgres";
import type { StackInfo } from "../../../local/stack/info.ts";
import { Person } from "../../tests/e2e/person.ts";
import { accountWith } from "../../tests/e2e/simulator.ts";
import { encodeBase64Url, sha256 } from "../_shared/digest.ts";
import {
  assertRefused,
  call,
  type Fetch,
  openFunction,
  stackTest,
} from "../_shared/testing/stack.ts";

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
  return { callback: fetch, stack, person: await Person.signUp(stack) };
}

interface Visit {
  redirectTo?: string;
  decision?: "approve" | "deny";
  /** Parameters that the browser loses on the way to Google. */
  without?: string;
}

/** Starts an authorization and lets the creator decide at Google; returns where Google sends back. */
async function consent(person: Person, account: string, visit: Visit = {}): Promise<URL> {
  const init = await person.call("oauth-youtube-init", { redirect_to: visit.redirectTo });
  const url = new URL(String(init.body.authorization_url));
  url.searchParams.set("login_hint", account);
  if (visit.without) url.searchParams.delete(visit.without);
  const answer = await fetch(url, {
    redirect: "manual",
    headers: { "x-simulator-consent": visit.decision ?? "approve" },
  });
  await answer.body?.cancel();
  return new URL(answer.headers.get("location")!);
}

/** The browser comes back from Google: where it is passed on to. */
async function comeBack(callback: Fetch, url: URL): Promise<URL> {
  const response = await callback(new Request(url, { headers: { accept: "text/html" } }));
  assert.equal(response.status, 303, await response.text());
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("referrer-policy"), "no-referrer");
  return new URL(response.headers.get("location")!);
}

/** The page that the browser is on hands in, in a user's name, what it got. */
function finish(callback: Fetch, person: Person | null, { searchParams }: URL, more = {}) {
  const body = { code: searchParams.get("code"), state: searchParams.get("state"), ...more };
  return call(callback, person, "oauth-youtube-callback", body);
}

/** All of it: consent, the way back, and the page's call. */
async function connect(callback: Fetch, person: Person, account: string, visit?: Visit) {
  return await finish(
    callback,
    person,
    await comeBack(callback, await consent(person, account, visit)),
  );
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

/** The scopes of a user's connections: empty when there is none. */
async function grantedScopes(person: Person): Promise<string[]> {
  const { data } = await person.client.from("platform_connection").select("scopes").throwOnError();
  return data.flatMap(({ scopes }) => scopes);
}

stackTest("oauth-youtube-callback connects the channel, and a state works once", async () => {
  const { callback, person } = await open();
  const url = await consent(person, accountWith(3));
  const page = await comeBack(callback, url);
  const answer = await finish(callback, person, page);
  assert.equal(answer.status, 200);
  const { data: account } = await person.client.from("social_account").select("*").single();
  assert.deepEqual(answer.body, { success: true, social_account_id: account!.id });
  assert.equal(account!.status, "active");
  assert.deepEqual(await grantedScopes(person), [READONLY]);
  assertRefused(await finish(callback, person, page), 409, "OAUTH_STATE_USED");
  assert.equal((await comeBack(callback, url)).href, `${SITE}/?error=OAUTH_STATE_USED`);
});

stackTest("oauth-youtube-callback connects nothing by GET, however often", async () => {
  const { callback, person } = await open();
  const url = await consent(person, accountWith(3), { redirectTo: PAGE });
  const page = await comeBack(callback, url);
  assert.equal((await comeBack(callback, url)).href, page.href);
  const { data: accounts } = await person.client.from("social_account").select("id");
  assert.deepEqual([accounts, await grantedScopes(person)], [[], []]);
  assert.equal((await finish(callback, person, page)).status, 200);
});

stackTest("oauth-youtube-callback lets nobody finish what another user started", async () => {
  const { callback, stack, person: attacker } = await open();
  const victim = await Person.signUp(stack);
  // The attacker's link, opened by the victim, who consents with the victim's channel.
  const page = await comeBack(callback, await consent(attacker, accountWith(3)));
  assertRefused(await finish(callback, victim, page), 403, "OAUTH_STATE_FOREIGN");
  assertRefused(await finish(callback, null, page), 401, "UNAUTHENTICATED");
  assert.deepEqual(await grantedScopes(victim), []);
  assert.deepEqual(await grantedScopes(attacker), []);
  assert.equal((await finish(callback, attacker, page)).status, 200, "its owner still can");
});

stackTest("oauth-youtube-callback refuses an authorization of another platform", async () => {
  const { callback, stack, person } = await open();
  const url = await consent(person, accountWith(3));
  const page = await comeBack(callback, url);
  await changeState(stack, url, { platform_name: "tiktok" });
  assert.equal((await comeBack(callback, url)).href, `${SITE}/?error=OAUTH_PLATFORM_MISMATCH`);
  assertRefused(await finish(callback, person, page), 400, "OAUTH_PLATFORM_MISMATCH");
  await changeState(stack, url, { platform_name: "youtube" });
  assert.equal((await finish(callback, person, page)).status, 200, "it is not spoilt");
});

stackTest("oauth-youtube-callback refuses an authorization that came in elsewhere", async () => {
  const { callback, stack, person } = await open();
  const url = await consent(person, accountWith(3));
  const page = await comeBack(callback, url);
  const { redirect_uri } = await changeState(stack, url, {});
  const tampered = { redirect_uri: "https://evil.example/callback" };
  const answer = await finish(callback, person, page, tampered);
  assertRefused(answer, 400, "OAUTH_REDIRECT_MISMATCH");
  await changeState(stack, url, tampered);
  assert.equal((await comeBack(callback, url)).href, `${SITE}/?error=OAUTH_REDIRECT_MISMATCH`);
  assertRefused(await finish(callback, person, page), 400, "OAUTH_REDIRECT_MISMATCH");
  await changeState(stack, url, { redirect_uri });
  const right = await finish(callback, person, page, { redirect_uri });
  assert.equal(right.status, 200, "it is not spoilt");
});

stackTest("oauth-youtube-callback refuses who comes too late", async () => {
  const { callback, stack, person } = await open();
  const url = await consent(person, accountWith(3), { redirectTo: PAGE });
  const page = await comeBack(callback, url);
  await changeState(stack, url, { expires_at: new Date().toISOString() });
  assert.equal((await comeBack(callback, url)).href, `${PAGE}&error=OAUTH_STATE_EXPIRED`);
  assertRefused(await finish(callback, person, page), 400, "OAUTH_STATE_EXPIRED");
});

stackTest("oauth-youtube-callback connects no more accounts than the plan allows", async () => {
  const { callback, person } = await open();
  const first = accountWith(3);
  assert.equal((await connect(callback, person, first)).status, 200);
  const answer = await connect(callback, person, accountWith(3));
  assertRefused(answer, 403, "ACCOUNT_LIMIT_REACHED");
  assert.deepEqual(answer.body.error.details, { limit: 1, used: 1 });
  assert.equal((await connect(callback, person, first)).status, 200, "it can be renewed");
});

stackTest("oauth-youtube-callback connects no channel that another user holds", async () => {
  const { callback, stack, person } = await open();
  const account = accountWith(3);
  await connect(callback, await Person.signUp(stack), account);
  assertRefused(await connect(callback, person, account), 409, "ACCOUNT_ALREADY_CONNECTED");
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest("oauth-youtube-callback connects a channel again under the same id", async () => {
  const { callback, person } = await open();
  const account = accountWith(3);
  const first = await connect(callback, person, account);
  const again = await connect(callback, person, account);
  assert.equal(again.status, 200);
  assert.equal(again.body.social_account_id, first.body.social_account_id);
});

stackTest("oauth-youtube-callback passes a browser on to the page it asked for", async () => {
  const { callback, person } = await open();
  const url = await consent(person, accountWith(3), { redirectTo: PAGE });
  const { origin, pathname, searchParams } = await comeBack(callback, url);
  assert.equal(`${origin}${pathname}`, `${SITE}/connected`);
  assert.deepEqual(Object.fromEntries(searchParams), {
    tab: "2",
    code: url.searchParams.get("code"),
    state: url.searchParams.get("state"),
  });
});

stackTest("oauth-youtube-callback passes a browser without a page on to the site", async () => {
  const { callback, person } = await open();
  const { origin, pathname } = await comeBack(callback, await consent(person, accountWith(3)));
  assert.equal(`${origin}${pathname}`, `${SITE}/`);
});

stackTest("oauth-youtube-callback tells the page why there is no code", async () => {
  const { callback, person } = await open();
  const url = await consent(person, accountWith(3), { decision: "deny", redirectTo: PAGE });
  assert.equal((await comeBack(callback, url)).href, `${PAGE}&error=OAUTH_DENIED`);
  url.searchParams.set("error", "server_error");
  assert.equal((await comeBack(callback, url)).href, `${PAGE}&error=OAUTH_EXCHANGE_FAILED`);
});

stackTest(
  "oauth-youtube-callback says SCOPES_MISSING when the creator unticks what we need",
  async () => {
    const { callback, stack, person } = await open();
    const page = await comeBack(callback, await consent(person, accountWith(3)));
    const fault = await fetch(`${stack.providers_url}/_admin/faults`, {
      method: "POST",
      body: JSON.stringify({ kind: "missing_scope", path: "/google/token" }),
    });
    assert.equal(fault.status, 201);
    await fault.body?.cancel();
    const answer = await finish(callback, person, page);
    assertRefused(answer, 422, "SCOPES_MISSING");
    assert.deepEqual(answer.body.error.details, { missing: [READONLY] });
    assert.deepEqual(await grantedScopes(person), []);
  },
);

stackTest("oauth-youtube-callback says NO_CHANNEL to an account without one", async () => {
  const { callback, person } = await open();
  assertRefused(await connect(callback, person, "nochannel@example.com"), 422, "NO_CHANNEL");
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest("oauth-youtube-callback needs a refresh token once, and then keeps it", async () => {
  const { callback, person } = await open();
  const account = accountWith(3);
  const short = () => connect(callback, person, account, { without: "access_type" });
  assertRefused(await short(), 502, "OAUTH_EXCHANGE_FAILED");
  assert.equal((await connect(callback, person, account)).status, 200);
  assert.equal((await short()).status, 200);
});

stackTest(
  "oauth-youtube-callback says OAUTH_CODE_INVALID for a code that Google refuses",
  async () => {
    const { callback, person } = await open();
    const page = await comeBack(callback, await consent(person, accountWith(3)));
    page.searchParams.set("code", "4/0-not-a-code");
    const answer = await finish(callback, person, page);
    assertRefused(answer, 400, "OAUTH_CODE_INVALID");
    assert.ok(!JSON.stringify(answer.body).includes("not-a-code"));
  },
);

stackTest("oauth-youtube-callback refuses a state that was not given out here", async () => {
  const { callback, person } = await open();
  const url = new URL("http://function/oauth-youtube-callback?code=x&state=made-up");
  assert.equal((await comeBack(callback, url)).href, `${SITE}/?error=OAUTH_STATE_INVALID`);
  assertRefused(await finish(callback, person, url), 400, "OAUTH_STATE_INVALID");
});

stackTest("oauth-youtube-callback refuses what is incomplete", async () => {
  const { callback, person } = await open();
  for (const query of ["", "?state=made-up", "?code=x"]) {
    const answer = await call(callback, null, `oauth-youtube-callback${query}`);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
  for (const body of [{}, { code: "x" }, { code: "x", state: "y", user_id: person.id }]) {
    const answer = await call(callback, person, "oauth-youtube-callback", body);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
});

stackTest("oauth-youtube-callback tells a browser that both its methods are there", async () => {
  const { callback } = await open();
  const url = "http://function/oauth-youtube-callback";
  const preflight = await callback(new Request(url, { method: "OPTIONS" }));
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get("access-control-allow-methods")!, /GET.*POST/);
});

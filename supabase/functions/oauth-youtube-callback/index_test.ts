import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { accountWith } from "../../tests/e2e/simulator.ts";
import { assertRefused, type Fetch, openFunction, stackTest } from "../_shared/testing/stack.ts";

const READONLY = "https://www.googleapis.com/auth/youtube.readonly";
const PAGE = "http://127.0.0.1:3000/connected?tab=2";

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

async function arrive(callback: Fetch, url: URL, accept = "text/html") {
  const response = await callback(new Request(url, { headers: { accept } }));
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text ? JSON.parse(text) : null,
    location: response.headers.get("location"),
  };
}

/** The scopes of a user's connections: empty when there is none. */
async function grantedScopes(person: Person): Promise<string[]> {
  const { data } = await person.client.from("platform_connection").select("scopes").throwOnError();
  return data.flatMap(({ scopes }) => scopes);
}

stackTest("oauth-youtube-callback connects the channel, and a state works once", async () => {
  const { callback, person } = await open();
  const url = await consent(person, accountWith(3));
  const answer = await arrive(callback, url);
  assert.equal(answer.status, 200);
  const { data: account } = await person.client.from("social_account").select("*").single();
  assert.equal(account!.id, answer.body.social_account_id);
  assert.equal(account!.status, "active");
  assert.deepEqual(await grantedScopes(person), [READONLY]);
  assertRefused(await arrive(callback, url), 400, "OAUTH_STATE_INVALID");
});

stackTest("oauth-youtube-callback connects a channel again under the same id", async () => {
  const { callback, person } = await open();
  const account = accountWith(3);
  const first = await arrive(callback, await consent(person, account));
  const again = await arrive(callback, await consent(person, account));
  assert.equal(again.status, 200);
  assert.equal(again.body.social_account_id, first.body.social_account_id);
});

stackTest("oauth-youtube-callback sends a browser to the page it asked for", async () => {
  const { callback, person } = await open();
  const answer = await arrive(
    callback,
    await consent(person, accountWith(3), { redirectTo: PAGE }),
  );
  assert.equal(answer.status, 303);
  const { origin, searchParams } = new URL(answer.location!);
  assert.equal(origin, "http://127.0.0.1:3000");
  assert.equal(searchParams.get("tab"), "2");
  assert.match(searchParams.get("social_account_id")!, /^[\da-f-]{36}$/);
});

stackTest("oauth-youtube-callback answers JSON to who asks for it", async () => {
  const { callback, person } = await open();
  const url = await consent(person, accountWith(3), { redirectTo: PAGE });
  assert.equal((await arrive(callback, url, "application/json")).status, 200);
});

stackTest("oauth-youtube-callback says OAUTH_DENIED when the creator declines", async () => {
  const { callback, person } = await open();
  const account = accountWith(3);
  const denied = await consent(person, account, { decision: "deny" });
  assertRefused(await arrive(callback, denied), 400, "OAUTH_DENIED");
  const page = await consent(person, account, { decision: "deny", redirectTo: PAGE });
  const answer = await arrive(callback, page);
  assert.equal(answer.status, 303);
  assert.equal(new URL(answer.location!).searchParams.get("error"), "OAUTH_DENIED");
});

stackTest(
  "oauth-youtube-callback says OAUTH_DENIED when the creator unticks what we need",
  async () => {
    const { callback, stack, person } = await open();
    const url = await consent(person, accountWith(3));
    const fault = await fetch(`${stack.providers_url}/_admin/faults`, {
      method: "POST",
      body: JSON.stringify({ kind: "missing_scope", path: "/google/token" }),
    });
    assert.equal(fault.status, 201);
    await fault.body?.cancel();
    const answer = await arrive(callback, url);
    assertRefused(answer, 400, "OAUTH_DENIED");
    assert.deepEqual(answer.body.error.details, { missing: [READONLY] });
    assert.deepEqual(await grantedScopes(person), []);
  },
);

stackTest("oauth-youtube-callback says NO_CHANNEL to an account without one", async () => {
  const { callback, person } = await open();
  const answer = await arrive(callback, await consent(person, "nochannel@example.com"));
  assertRefused(answer, 422, "NO_CHANNEL");
  assert.deepEqual(await grantedScopes(person), []);
});

stackTest("oauth-youtube-callback needs a refresh token once, and then keeps it", async () => {
  const { callback, person } = await open();
  const account = accountWith(3);
  const short = () => consent(person, account, { without: "access_type" });
  assertRefused(await arrive(callback, await short()), 502, "OAUTH_EXCHANGE_FAILED");
  assert.equal((await arrive(callback, await consent(person, account))).status, 200);
  assert.equal((await arrive(callback, await short())).status, 200);
});

stackTest(
  "oauth-youtube-callback says OAUTH_EXCHANGE_FAILED for a code that Google refuses",
  async () => {
    const { callback, person } = await open();
    const url = await consent(person, accountWith(3));
    url.searchParams.set("code", "4/0-not-a-code");
    const answer = await arrive(callback, url);
    assertRefused(answer, 502, "OAUTH_EXCHANGE_FAILED");
    assert.ok(!JSON.stringify(answer.body).includes("not-a-code"));
  },
);

stackTest("oauth-youtube-callback refuses a state that was not given out here", async () => {
  const { callback } = await open();
  const url = new URL("http://function/oauth-youtube-callback?code=x&state=made-up");
  assertRefused(await arrive(callback, url), 400, "OAUTH_STATE_INVALID");
  url.searchParams.delete("code");
  assertRefused(await arrive(callback, url), 400, "VALIDATION_ERROR");
});

import { strict as assert } from "node:assert";
import { TestSimulator } from "./testing.ts";
import { listAnswer, reasonOf, uploadsOf } from "./youtube/testing.ts";

const channels = "channels?part=contentDetails&mine=true";

async function page(google: TestSimulator, token: string, cursor?: string) {
  const uploads = await uploadsOf(google, token);
  const path = `playlistItems?part=contentDetails&maxResults=50&playlistId=${uploads}`;
  return await google.youtube(cursor ? `${path}&pageToken=${cursor}` : path, token);
}

const idsOf = async (response: Response) =>
  ((await listAnswer(response)).items ?? []).map((item) => item.contentDetails?.videoId ?? item.id);

Deno.test("A refusal on request has the status and the reason of the real one", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const cases: [Record<string, unknown>, number, string][] = [
    [{ kind: "expired_token" }, 401, "authError"],
    [{ kind: "revoked_token" }, 401, "authError"],
    [{ kind: "missing_scope" }, 403, "insufficientPermissions"],
    [{ kind: "rate_limited" }, 429, "rateLimitExceeded"],
    [{ kind: "user_rate_limited" }, 403, "userRateLimitExceeded"],
    [{ kind: "quota_exceeded" }, 403, "quotaExceeded"],
    [{ kind: "server_error" }, 500, "internalError"],
    [{ kind: "server_error", status: 503 }, 503, "backendError"],
  ];
  for (const [fault, status, reason] of cases) {
    await google.fault(fault);
    const struck = await google.youtube(channels, access_token);
    assert.equal(struck.status, status, reason);
    assert.equal(await reasonOf(struck), reason);
    const next = await google.youtube(channels, access_token);
    assert.equal(next.status, 200, "a fault strikes once unless told otherwise");
    await next.body?.cancel();
  }
});

Deno.test("429 carries Retry-After when it is given, and none otherwise", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  for (const [fault, header] of [[{ retry_after: 7 }, "7"], [{}, null]] as const) {
    await google.fault({ kind: "rate_limited", ...fault });
    const struck = await google.youtube(channels, access_token);
    assert.equal(struck.headers.get("retry-after"), header);
    await struck.body?.cancel();
  }
});

Deno.test("A fault picks its calls by path, method and account, skips some and counts the rest", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const other = await google.connect("other@example.com");
  await google.fault({
    kind: "server_error",
    path: "/youtube/*/channels",
    account: "creator@example.com",
    skip: 1,
    count: 2,
  });
  const statuses: number[] = [];
  for (let call = 0; call < 5; call++) {
    const response = await google.youtube(channels, access_token);
    statuses.push(response.status);
    await response.body?.cancel();
    const foreign = await google.youtube(channels, other.access_token);
    assert.equal(foreign.status, 200);
    await foreign.body?.cancel();
  }
  assert.deepEqual(statuses, [200, 500, 500, 200, 200]);
  const { faults } = await google.admin<{ faults: { hits: number; count: number }[] }>(
    "GET",
    "faults",
  );
  assert.deepEqual([faults[0]?.hits, faults[0]?.count], [2, 0]);
});

Deno.test("A slow answer is late and otherwise whole", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  await google.fault({ kind: "slow", delay_ms: 150 });
  const began = performance.now();
  const response = await google.youtube(channels, access_token);
  assert.equal((await listAnswer(response)).items?.length, 1);
  assert.ok(performance.now() - began >= 145);
});

Deno.test("A broken connection, half a JSON and a page in its place are what they say", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  await google.fault({ kind: "connection_reset" });
  await assert.rejects(
    async () => (await google.youtube(channels, access_token)).json(),
    TypeError,
  );
  await google.fault({ kind: "truncated_json" });
  const half = await google.youtube(channels, access_token);
  assert.equal(half.status, 200);
  await assert.rejects(half.json(), SyntaxError);
  await google.fault({ kind: "html" });
  const page = await google.youtube(channels, access_token);
  assert.equal(page.status, 200);
  assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(await page.text(), /^<!DOCTYPE html>/);
});

Deno.test("A duplicate item begins the later page, and nothing is lost", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect("some+120@example.com");
  await google.fault({ kind: "duplicate_item" });
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const answer: Response = await page(google, access_token, cursor);
    const body = await listAnswer(answer.clone());
    cursor = body.nextPageToken;
    ids.push(...await idsOf(answer));
  } while (cursor);
  assert.equal(ids[50], ids[49]);
  assert.equal(ids.length, 121);
  assert.equal(new Set(ids).size, 120);
});

Deno.test("An item can be gone between the list and the detail call", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const ids = (await idsOf(await page(google, access_token))).slice(0, 10);
  await google.fault({ kind: "deleted_item", items: 2 });
  const left = await idsOf(await google.youtube(`videos?part=id&id=${ids}`, access_token));
  assert.deepEqual(left.sort(), ids.slice(2).sort());
});

Deno.test("A cursor expires, and an empty page leads on to where it was", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const first = await listAnswer(await page(google, access_token));
  await google.fault({ kind: "cursor_expired" });
  assert.equal((await page(google, access_token)).status, 200, "the first page has no cursor");
  const expired = await page(google, access_token, first.nextPageToken);
  assert.equal(expired.status, 400);
  assert.equal(await reasonOf(expired), "invalidPageToken");
  await google.fault({ kind: "empty_page" });
  const empty = await listAnswer(await page(google, access_token, first.nextPageToken));
  assert.deepEqual(empty.items, []);
  const second = await idsOf(await page(google, access_token, first.nextPageToken));
  assert.deepEqual(await idsOf(await page(google, access_token, empty.nextPageToken)), second);
});

Deno.test("Optional fields can all be missing", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const ids = (await idsOf(await page(google, access_token))).slice(0, 5);
  await google.fault({ kind: "missing_fields" });
  const { items = [] } = await listAnswer(
    await google.youtube(`videos?part=snippet,statistics&id=${ids}`, access_token),
  );
  assert.equal(items.length, 5);
  for (const item of items) {
    assert.equal(item.snippet?.tags, undefined);
    assert.deepEqual(item.statistics, {});
  }
});

Deno.test("The token endpoint has faults of its own", async () => {
  await using google = new TestSimulator();
  const { refresh_token = "" } = await google.connect();
  const refresh = () => google.token({ grant_type: "refresh_token", refresh_token });
  await google.fault({ kind: "revoked_token", path: "/google/token" });
  assert.equal((await refresh()).body.error, "invalid_grant");
  assert.equal((await refresh()).status, 200, "the account itself is well");
  await google.fault({ kind: "server_error", status: 503, path: "/google/token" });
  assert.equal((await refresh()).status, 503);
  await google.fault({ kind: "missing_scope", path: "/google/token" });
  const { scope, access_token } = await google.connect();
  assert.equal(scope, "openid");
  assert.equal(
    await reasonOf(await google.youtube(channels, access_token)),
    "insufficientPermissions",
  );
});

Deno.test("A fault that nobody knows is refused with its reason", async () => {
  await using google = new TestSimulator();
  const response = await fetch(`${google.url}/_admin/faults`, {
    method: "PUT",
    body: JSON.stringify({ faults: [{ kind: "earthquake" }] }),
  });
  assert.equal(response.status, 400);
  assert.match((await response.json()).error, /kind/);
});

Deno.test("The request log says what was asked, by whom, and keeps no secret", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  await (await google.youtube(channels, access_token)).body?.cancel();
  const { requests } = await google.admin<{ requests: Record<string, unknown>[] }>(
    "GET",
    "requests?path=/youtube",
  );
  assert.equal(requests.length, 1);
  assert.equal(requests[0]?.account, "creator@example.com");
  assert.equal(requests[0]?.status, 200);
  const everything = JSON.stringify(await google.admin("GET", "requests"));
  assert.ok(!everything.includes(access_token));
  assert.ok(!everything.includes("state-1"));
});

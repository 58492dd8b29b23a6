import assert from "node:assert/strict";
import { MetaSimulator } from "../../../../local/providers/meta/testing.ts";
import { AppError } from "../errors.ts";
import { serveFake } from "../testing/fake_server.ts";
import { createInstagram } from "./instagram.ts";
import { ProviderError, type ProviderErrorClass } from "./provider_error.ts";

const at = (graphUrl: string) => createInstagram(() => ({ graphUrl, graphVersion: "v26.0" }));

Deno.test("getAccount() tells the professional account by its own id, to the last digit", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken("one@example.com");
  const known = meta.world.instagram.account("one@example.com");
  const account = await at(`${meta.url}/instagram`).getAccount(token);
  assert.deepEqual({ ...account, avatar_url: "u" }, {
    platform_account_id: known.user_id,
    handle: `@${known.username}`,
    display_name: known.name,
    avatar_url: "u",
    follower_count: known.followers,
    app_scoped_id: known.id,
    media_count: 120,
  });
});

Deno.test("getAccount() sends the token in a header, and makes do with what it gets", async () => {
  await using server = serveFake(() => Response.json({ id: "1", user_id: "2", username: "ada" }));
  assert.deepEqual(await at(server.url).getAccount("t0k3n"), {
    platform_account_id: "2",
    handle: "@ada",
    display_name: "ada",
    avatar_url: null,
    follower_count: null,
    app_scoped_id: "1",
    media_count: null,
  });
  const [request] = server.seen;
  assert.equal(request!.path, "/v26.0/me");
  assert.equal(request!.authorization, "Bearer t0k3n");
  assert.ok(!request!.query.has("access_token"));
});

Deno.test("getAccount() throws NO_CHANNEL for a personal account", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken("nochannel@example.com");
  await assert.rejects(
    at(`${meta.url}/instagram`).getAccount(token),
    (error) => error instanceof AppError && error.code === "NO_CHANNEL",
  );
});

const classes: [number, number | undefined, number, ProviderErrorClass, string][] = [
  [190, undefined, 400, "reauth", "token_invalid"],
  [190, 458, 400, "reauth", "app_removed"],
  [190, 459, 400, "reauth", "checkpoint"],
  [190, 460, 400, "reauth", "password_changed"],
  [190, 463, 400, "reauth", "token_expired"],
  [190, 467, 401, "reauth", "token_invalid"],
  [102, undefined, 400, "reauth", "graph_error_102"],
  [1, undefined, 500, "retry_transient", "graph_error_1"],
  [2, undefined, 400, "retry_transient", "graph_error_2"],
  [4, undefined, 400, "retry_after", "rate_limited"],
  [17, undefined, 400, "retry_after", "rate_limited"],
  [32, undefined, 400, "retry_after", "rate_limited"],
  [613, undefined, 400, "retry_after", "rate_limited"],
  [80001, undefined, 400, "retry_after", "rate_limited"],
  [80002, undefined, 403, "retry_after", "rate_limited"],
  [10, undefined, 400, "permission", "graph_error_10"],
  [200, undefined, 403, "permission", "graph_error_200"],
  [299, undefined, 400, "permission", "graph_error_299"],
  [300, undefined, 400, "invalid_input", "graph_error_300"],
  [100, undefined, 500, "invalid_input", "graph_error_100"],
  [100, 33, 400, "not_found", "graph_error_100"],
  [100, 36007, 400, "reauth", "invalid_code"],
  [100, 36008, 400, "invalid_input", "graph_error_100"],
  [100, 36009, 400, "reauth", "invalid_code"],
  [368, undefined, 400, "policy", "graph_error_368"],
  [9, 2207042, 400, "quota_daily", "graph_error_9"],
  [987654, undefined, 503, "retry_transient", "graph_error_987654"],
];
for (const [code, error_subcode, status, kind, reason] of classes) {
  Deno.test(`Meta's ${code}/${error_subcode ?? "-"} with ${status} is ${kind}`, async () => {
    const body = { error: { message: "m", type: "OAuthException", code, error_subcode } };
    await using server = serveFake(() => Response.json(body, { status }));
    const error = await faultOf(server.url);
    assert.deepEqual([error.class, error.reason, error.httpStatus], [kind, reason, status]);
    assert.equal(error.code, String(code));
  });
}

Deno.test("an error that says it is passing is tried again, whatever its number", async () => {
  await using server = serveFake(() => fault({ code: 987654, is_transient: true }));
  assert.equal((await faultOf(server.url)).class, "retry_transient");
});

Deno.test("a throttle waits as long as the longest report says, else five minutes", async () => {
  const usage = (minutes: number) => ({
    call_count: 100,
    estimated_time_to_regain_access: minutes,
  });
  const cases: [string | null, number][] = [
    [JSON.stringify({ 1: [usage(0), usage(12)], 2: [usage(3)] }), 12 * 60_000],
    [JSON.stringify({ 1: [usage(0)] }), 5 * 60_000],
    [JSON.stringify({ 1: "what?" }), 5 * 60_000],
    ["{", 5 * 60_000],
    [null, 5 * 60_000],
  ];
  for (const [header, wait] of cases) {
    await using server = serveFake(() =>
      fault({ code: 80002 }, header === null ? {} : { "x-business-use-case-usage": header })
    );
    assert.equal((await faultOf(server.url)).retryAfterMs, wait, header ?? "no header");
  }
});

Deno.test("an error keeps Meta's trace id, and no token that Meta quotes", async () => {
  const token = "IGAAJustSomeTokenOfSomebody123";
  await using server = serveFake(() =>
    fault({ code: 190, message: `Malformed access token ${token}`, fbtrace_id: "trace" })
  );
  const error = await faultOf(server.url);
  assert.equal(error.requestId, "trace");
  assert.ok(!error.message.includes(token));
});

Deno.test("the simulator's bad days have the classes of the real ones", async () => {
  await using meta = new MetaSimulator();
  const token = await meta.instagramToken();
  const days: [Record<string, unknown>, ProviderErrorClass][] = [
    [{ kind: "expired_token" }, "reauth"],
    [{ kind: "revoked_token" }, "reauth"],
    [{ kind: "missing_scope" }, "permission"],
    [{ kind: "rate_limited", retry_after: 60 }, "retry_after"],
    [{ kind: "user_rate_limited" }, "retry_after"],
    [{ kind: "quota_exceeded" }, "retry_after"],
    [{ kind: "server_error" }, "retry_transient"],
    [{ kind: "html" }, "retry_transient"],
  ];
  for (const [day, kind] of days) {
    await meta.fault(day);
    assert.equal((await faultOf(`${meta.url}/instagram`, token)).class, kind, String(day.kind));
  }
});

function fault(error: Record<string, unknown>, headers: HeadersInit = {}) {
  return Response.json({ error: { type: "OAuthException", ...error } }, { status: 400, headers });
}

async function faultOf(url: string, token = "t"): Promise<ProviderError> {
  const error = await at(url).getAccount(token)
    .then(() => assert.fail("did not fail"), (error) => error);
  assert.ok(error instanceof ProviderError, String(error));
  return error;
}

import { strict as assert } from "node:assert";
import { readScopes, TestTikTok } from "./testing.ts";

const codeOf = (back: URL) => back.searchParams.get("code") ?? "";
const user = "user/info/?fields=open_id";

Deno.test("A code buys flat tokens, once, for a while, at the address it was sent to", async () => {
  await using tiktok = new TestTikTok();
  const code = codeOf(await tiktok.consent());
  const { body } = await tiktok.trade(code);
  assert.match(body.access_token, /^act\./);
  assert.match(body.refresh_token, /^rft\./);
  assert.deepEqual(
    [body.expires_in, body.refresh_expires_in, body.scope, body.token_type, body.error],
    [86_400, 31_536_000, readScopes, "Bearer", undefined],
  );
  assert.equal((await tiktok.trade(code)).body.error, "invalid_grant");

  const wrong: [Record<string, string | null>, number, string][] = [
    [{ redirect_uri: "http://127.0.0.1:54321/other" }, 400, "invalid_request"],
    [{ client_secret: "guessed" }, 401, "invalid_client"],
    [{ client_key: null }, 401, "invalid_client"],
    [{ code: null }, 400, "invalid_request"],
    [{ grant_type: "password" }, 400, "unsupported_grant_type"],
  ];
  for (const [change, status, error] of wrong) {
    const answer = await tiktok.trade(codeOf(await tiktok.consent()), change);
    assert.deepEqual([answer.status, answer.body.error], [status, error]);
    assert.ok(answer.body.error_description && answer.body.log_id);
  }
  const late = codeOf(await tiktok.consent());
  await tiktok.admin("PUT", "settings", { clock_offset_seconds: 601 });
  assert.equal((await tiktok.trade(late)).body.error, "invalid_grant");
});

Deno.test("The token endpoint reads forms only", async () => {
  await using tiktok = new TestTikTok();
  const answer = await fetch(`${tiktok.url}/tiktok/v2/oauth/token/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_key: "local-tiktok-key" }),
  });
  assert.deepEqual([answer.status, (await answer.json()).error], [400, "invalid_request"]);
});

Deno.test("Each refresh brings the next refresh token, and the old access token stays good", async () => {
  await using tiktok = new TestTikTok();
  const first = await tiktok.signIn();
  const second = (await tiktok.renew(first.refresh_token)).body;
  const third = (await tiktok.renew(second.refresh_token)).body;
  assert.equal(new Set([first, second, third].map((one) => one.refresh_token)).size, 3);
  assert.equal(third.open_id, first.open_id);
  for (const { access_token } of [first, third]) {
    assert.equal((await tiktok.api(user, access_token)).status, 200);
  }
});

Deno.test("A refresh token that comes twice ends the grant, its successors included", async () => {
  await using tiktok = new TestTikTok();
  const first = await tiktok.signIn();
  const second = (await tiktok.renew(first.refresh_token)).body;
  const again = await tiktok.renew(first.refresh_token);
  assert.deepEqual([again.status, again.body.error], [400, "invalid_grant"]);
  assert.equal((await tiktok.renew(second.refresh_token)).body.error, "invalid_grant");
  assert.equal((await tiktok.api(user, second.access_token)).error.code, "access_token_invalid");
  assert.equal((await tiktok.api(user, (await tiktok.signIn()).access_token)).status, 200);
});

Deno.test("Twenty refreshes at once of one token: one of them is answered", async () => {
  await using tiktok = new TestTikTok();
  const { refresh_token } = await tiktok.signIn("busy@example.com");
  const answers = await Promise.all(Array.from({ length: 20 }, () => tiktok.renew(refresh_token)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  const { calls } = await tiktok.admin<{ calls: Record<string, number> }>(
    "GET",
    "calls?account=busy@example.com",
  );
  assert.equal(calls["POST /tiktok/v2/oauth/token/ refresh_token"], 20);
  assert.equal(calls["POST /tiktok/v2/oauth/token/ authorization_code"], 1);
});

Deno.test("Tokens run out: access in a day, refresh in a year from the consent", async () => {
  await using tiktok = new TestTikTok();
  const first = await tiktok.signIn();
  await tiktok.admin("PUT", "settings", { clock_offset_seconds: 86_401 });
  assert.equal((await tiktok.api(user, first.access_token)).status, 401);
  const second = (await tiktok.renew(first.refresh_token)).body;
  assert.ok(second.refresh_expires_in < 31_536_000 - 86_400);
  await tiktok.admin("PUT", "settings", { clock_offset_seconds: 31_536_001 });
  assert.equal((await tiktok.renew(second.refresh_token)).body.error, "invalid_grant");
});

Deno.test("invalid_grant can come with the status of a success", async () => {
  await using tiktok = new TestTikTok();
  const { refresh_token } = await tiktok.signIn("one@example.com");
  await tiktok.fault({ kind: "invalid_grant_200", account: "one@example.com" });
  const { status, body } = await tiktok.renew(refresh_token);
  assert.deepEqual([status, body.error, body.access_token], [200, "invalid_grant", undefined]);
  assert.equal((await tiktok.renew(refresh_token)).body.error, undefined, "it was only said");
});

Deno.test("Faults of the token endpoint: revoked, a scope less, broken", async () => {
  await using tiktok = new TestTikTok();
  const code = codeOf(await tiktok.consent());
  await tiktok.fault({ kind: "server_error", status: 503, path: "/tiktok/v2/oauth" });
  assert.equal((await tiktok.trade(code)).status, 503);
  await tiktok.fault({ kind: "missing_scope", path: "/tiktok/v2/oauth/token/" });
  const { body } = await tiktok.trade(code);
  assert.equal(body.scope, readScopes.replace(",video.list", ""));
  await tiktok.fault({ kind: "revoked_token", path: "/tiktok/v2/oauth/token/" });
  assert.equal((await tiktok.renew(body.refresh_token)).body.error, "invalid_grant");
});

Deno.test("Revoking ends all that the person gave the app, and answers nothing", async () => {
  await using tiktok = new TestTikTok();
  const first = await tiktok.signIn();
  const second = await tiktok.signIn();
  const other = await tiktok.signIn("other@example.com");
  const asRefresh = await tiktok.post("revoke", { token: first.refresh_token });
  assert.equal(asRefresh.body.error, "invalid_grant", "it is the access token that is revoked");
  const done = await tiktok.post("revoke", { token: first.access_token });
  assert.deepEqual([done.status, done.text], [200, ""]);
  for (const { refresh_token, access_token } of [first, second]) {
    assert.equal((await tiktok.renew(refresh_token)).body.error, "invalid_grant");
    assert.equal((await tiktok.api(user, access_token)).status, 401);
  }
  const twice = await tiktok.post("revoke", { token: first.access_token });
  assert.equal(twice.body.error, "invalid_grant");
  assert.equal((await tiktok.api(user, other.access_token)).status, 200);
  await tiktok.admin("POST", "tiktok/creators/other@example.com/revoke");
  assert.equal((await tiktok.renew(other.refresh_token)).body.error, "invalid_grant");
});

Deno.test("Grants, their turns and people outlive a restart of the simulator", async () => {
  const { World } = await import("../world.ts");
  const { createSimulator, localClients } = await import("../simulator.ts");
  const { keptFile } = await import("../kept_file.ts");
  await using tiktok = new TestTikTok();
  const first = await tiktok.signIn("someone+12@example.com");
  const second = (await tiktok.renew(first.refresh_token)).body;
  const path = await Deno.makeTempFile();
  const { population, consents } = {
    population: tiktok.world.accounts.population(),
    consents: tiktok.world.consents.record(),
  };
  keptFile(path).write({ population, consents, tiktok: tiktok.world.tiktok.record() });
  const clients = localClients("http://127.0.0.1:54321");
  const reborn = createSimulator(new World(clients, keptFile(path).read()));
  const renew = async (refresh_token: string) => {
    const answer = await reborn.request("/tiktok/v2/oauth/token/", {
      method: "POST",
      body: new URLSearchParams({
        client_key: "local-tiktok-key",
        client_secret: "local-tiktok-secret",
        grant_type: "refresh_token",
        refresh_token,
      }),
    });
    return answer.status;
  };
  assert.equal(await renew(second.refresh_token), 200);
  assert.equal(await renew(first.refresh_token), 400);
  await Deno.remove(path);
});

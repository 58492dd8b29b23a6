import { strict as assert } from "node:assert";
import { readScope, TestSimulator } from "../testing.ts";

const code = (back: URL) => back.searchParams.get("code") ?? "";

Deno.test("A code buys an access token and a refresh token", async () => {
  await using google = new TestSimulator();
  const { status, body } = await google.exchange(code(await google.consent()));
  assert.equal(status, 200);
  assert.equal(body.token_type, "Bearer");
  assert.equal(body.expires_in, 3_599);
  assert.equal(body.scope, readScope);
  assert.match(body.access_token, /^ya29\./);
  assert.match(body.refresh_token ?? "", /^1\/\//);
});

Deno.test("A code is good once, for a while, with the right verifier and address", async () => {
  await using google = new TestSimulator();
  const used = code(await google.consent());
  await google.exchange(used);
  assert.equal((await google.exchange(used)).body.error, "invalid_grant");

  const late = code(await google.consent());
  await google.admin("PUT", "settings", { clock_offset_seconds: 601 });
  assert.equal((await google.exchange(late)).body.error, "invalid_grant");

  const wrong: [Record<string, string | null>, number, string][] = [
    [{ code_verifier: null }, 400, "invalid_grant"],
    [{ code_verifier: "another-verifier" }, 400, "invalid_grant"],
    [{ redirect_uri: "http://127.0.0.1:54321/other" }, 400, "redirect_uri_mismatch"],
    [{ client_secret: "guessed" }, 401, "invalid_client"],
    [{ client_secret: null }, 400, "invalid_request"],
    [{ client_id: "somebody-else" }, 401, "invalid_client"],
    [{ code: null }, 400, "invalid_request"],
    [{ grant_type: "password" }, 400, "unsupported_grant_type"],
  ];
  for (const [change, status, error] of wrong) {
    const answer = await google.exchange(code(await google.consent()), change);
    assert.deepEqual([answer.status, answer.body.error], [status, error]);
  }
});

Deno.test("A client may authenticate by HTTP Basic", async () => {
  await using google = new TestSimulator();
  const response = await fetch(`${google.url}/google/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa("local-google-client:local-google-secret")}` },
    body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: "nonsense" }),
  });
  assert.equal((await response.json()).error, "invalid_grant");
});

Deno.test("A refresh token comes with offline access, at the first consent or when forced", async () => {
  await using google = new TestSimulator();
  const given = async (change: Record<string, string | null>) =>
    (await google.connect("one@example.com", change)).refresh_token !== undefined;
  assert.equal(await given({ access_type: null }), false, "online, although forced");
  await google.admin("POST", "reset");
  assert.equal(await given({ prompt: null }), true, "first consent");
  assert.equal(await given({ prompt: null }), false, "second consent");
  assert.equal(await given({ prompt: "select_account consent" }), true, "forced");
});

Deno.test("A refresh answers a new access token and no refresh token", async () => {
  await using google = new TestSimulator();
  const first = await google.connect();
  const again = { grant_type: "refresh_token", refresh_token: first.refresh_token ?? "" };
  const { status, body } = await google.token(again);
  assert.equal(status, 200);
  assert.equal(body.refresh_token, undefined);
  assert.notEqual(body.access_token, first.access_token);
  assert.equal(body.scope, readScope);
  const channels = await google.youtube("channels?part=id&mine=true", body.access_token);
  assert.equal(channels.status, 200);
  await channels.body?.cancel();
  const asRefresh = await google.token({ ...again, refresh_token: first.access_token });
  assert.equal(asRefresh.body.error, "invalid_grant");
});

Deno.test("An access token runs out, and tokeninfo says when", async () => {
  await using google = new TestSimulator();
  await google.admin("PUT", "settings", { access_token_seconds: 60 });
  const { access_token, expires_in } = await google.connect();
  assert.equal(expires_in, 60);
  const info = () => fetch(`${google.url}/google/tokeninfo?access_token=${access_token}`);
  const before = await (await info()).json();
  assert.equal(before.aud, "local-google-client");
  assert.ok(Number(before.expires_in) > 50);
  await google.admin("PUT", "settings", { clock_offset_seconds: 61 });
  const after = await info();
  assert.equal(after.status, 400);
  assert.equal((await after.json()).error, "invalid_token");
  const refused = await google.youtube("channels?part=id&mine=true", access_token);
  assert.equal(refused.status, 401);
  await refused.body?.cancel();
});

Deno.test("Revoking one token ends all that the person gave the project", async () => {
  await using google = new TestSimulator();
  const first = await google.connect();
  const second = await google.connect();
  const stranger = await google.connect("other@example.com");
  const revoke = (token: string) =>
    fetch(`${google.url}/google/revoke`, { method: "POST", body: new URLSearchParams({ token }) });
  const done = await revoke(first.access_token);
  assert.equal(done.status, 200);
  await done.body?.cancel();
  for (const token of [first, second]) {
    const { status, body } = await google.token({
      grant_type: "refresh_token",
      refresh_token: token.refresh_token ?? "",
    });
    assert.equal(status, 400);
    assert.equal(body.error, "invalid_grant");
    assert.equal(body.error_description, "Token has been expired or revoked.");
    const refused = await google.youtube("channels?part=id&mine=true", token.access_token);
    assert.equal(refused.status, 401);
    await refused.body?.cancel();
  }
  const again = await revoke(first.access_token);
  assert.equal(again.status, 400);
  assert.equal((await again.json()).error, "invalid_token");
  const unharmed = await google.youtube("channels?part=id&mine=true", stranger.access_token);
  assert.equal(unharmed.status, 200);
  await unharmed.body?.cancel();
  assert.ok((await google.connect()).refresh_token, "a new consent starts afresh");
});

Deno.test("Tokens, consents and channels outlive a restart of the simulator", async () => {
  const { World } = await import("../world.ts");
  const { localClients, createSimulator } = await import("../simulator.ts");
  const { keptFile } = await import("../kept_file.ts");
  await using google = new TestSimulator();
  const mine = await google.connect("someone+12@example.com");
  const gone = await google.connect("gone@example.com");
  await google.admin("POST", "accounts/gone@example.com/revoke");
  const path = await Deno.makeTempFile();
  const file = keptFile(path);
  file.write({
    population: google.world.accounts.population(),
    consents: google.world.consents.record(),
  });
  const reborn = createSimulator(new World(localClients("http://127.0.0.1:54321"), file.read()));
  const status = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    return (await reborn.request("/youtube/v3/channels?part=id&mine=true", { headers })).status;
  };
  assert.equal(await status(mine.access_token), 200);
  assert.equal(await status(gone.access_token), 401);
  await Deno.remove(path);
});

import { strict as assert } from "node:assert";
import { callback, readScopes, TestTikTok } from "./testing.ts";

const codeOf = (back: URL) => back.searchParams.get("code") ?? "";

Deno.test("Whoever consents comes back with code, granted scopes and state", async () => {
  await using tiktok = new TestTikTok();
  const back = await tiktok.consent();
  assert.equal(back.origin + back.pathname, callback);
  assert.deepEqual([...back.searchParams.keys()].sort(), ["code", "scopes", "state"]);
  assert.equal(back.searchParams.get("scopes"), readScopes);
  assert.equal(back.searchParams.get("state"), "state-1");
});

Deno.test("A code has to be decoded: as it stands in the address it is no good", async () => {
  await using tiktok = new TestTikTok();
  const back = await tiktok.consent();
  const raw = /[?&]code=([^&]+)/.exec(back.href)?.[1] ?? "";
  assert.match(raw, /%21/);
  assert.equal((await tiktok.trade(raw)).body.error, "invalid_grant");
  assert.equal((await tiktok.trade(codeOf(back))).status, 200);
});

Deno.test("A browser sees a page whose form leads back to the app", async () => {
  await using tiktok = new TestTikTok();
  const page = await fetch(tiktok.authorizeUrl(), { headers: { accept: "text/html" } });
  const text = await page.text();
  assert.match(text, /StreamVibe wants access to your TikTok/);
  const hidden = [...text.matchAll(/<input\s+type="hidden"\s+name="([^"]*)"\s+value="([^"]*)"/g)]
    .map(([, name = "", value = ""]): [string, string] => [name, value]);
  assert.ok(hidden.length >= 5, "the page carries the request along");
  const decide = async (more: [string, string][]) => {
    const answer = await fetch(new URL("decision", page.url), {
      method: "POST",
      body: new URLSearchParams([...hidden, ...more]),
      redirect: "manual",
    });
    await answer.body?.cancel();
    return new URL(answer.headers.get("location") ?? "").searchParams;
  };
  const approved = await decide([["granted", "user.info.basic"], ["decision", "approve"]]);
  assert.equal(approved.get("scopes"), "user.info.basic");
  const denied = await decide([["granted", "user.info.basic"], ["decision", "deny"]]);
  assert.equal(denied.get("error"), "access_denied");
  assert.equal(denied.get("state"), "state-1");
  assert.ok(denied.has("error_description"));
});

Deno.test("What is wrong with a request is shown, never redirected", async () => {
  await using tiktok = new TestTikTok();
  const cases: [Record<string, string | null>, string][] = [
    [{ client_key: null, client_id: "local-tiktok-key" }, "client_key"],
    [{ redirect_uri: "https://evil.example/" }, "redirect_uri"],
    [{ redirect_uri: `${callback}?a=1` }, "redirect_uri"],
    [{ response_type: "token" }, "response_type"],
    [{ scope: readScopes.replaceAll(",", " ") }, "scope"],
    [{ scope: null }, "scope"],
  ];
  for (const [change, code] of cases) {
    const page = await fetch(tiktok.authorizeUrl(change), { redirect: "manual" });
    assert.equal(page.status, 400, code);
    assert.match(await page.text(), new RegExp(`Error 400: ${code}`));
  }
});

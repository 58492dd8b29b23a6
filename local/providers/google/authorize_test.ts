import { strict as assert } from "node:assert";
import { callback, readScope, TestSimulator } from "../testing.ts";

const code = (back: URL) => back.searchParams.get("code") ?? "";

Deno.test("A client that is no browser is sent straight back with code, state and scope", async () => {
  await using google = new TestSimulator();
  const back = await google.consent();
  assert.equal(back.origin + back.pathname, callback);
  assert.equal(back.searchParams.get("state"), "state-1");
  assert.equal(back.searchParams.get("scope"), readScope);
  assert.ok(code(back).length > 20);
});

Deno.test("A browser sees a consent page whose form leads back to the app", async () => {
  await using google = new TestSimulator();
  const page = await fetch(google.authorizeUrl(), { headers: { accept: "text/html" } });
  const html = await page.text();
  assert.equal(page.status, 200);
  assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(html, /StreamVibe wants access/);
  const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
    .map(([, name = "", value = ""]): [string, string] => [name, value]);
  assert.ok(hidden.length > 5, "the page carries the request along");
  for (const decision of ["approve", "deny"]) {
    const answer = await fetch(new URL("auth/decision", page.url), {
      method: "POST",
      body: new URLSearchParams([...hidden, ["granted", readScope], ["decision", decision]]),
      redirect: "manual",
    });
    await answer.body?.cancel();
    assert.equal(answer.status, 302);
    const back = new URL(answer.headers.get("location") ?? "");
    assert.equal(back.searchParams.get("state"), "state-1");
    assert.equal(back.searchParams.get("error"), decision === "deny" ? "access_denied" : null);
    assert.equal(back.searchParams.has("code"), decision === "approve");
  }
});

Deno.test("The consent page does not execute what the request carries", async () => {
  await using google = new TestSimulator();
  const evil = '"><script>alert(1)</script>';
  const url = google.authorizeUrl({ state: evil, login_hint: evil });
  const page = await fetch(url, { headers: { accept: "text/html" } });
  assert.ok(!(await page.text()).includes("<script>"));
});

Deno.test("A refusal comes back as access_denied with the state", async () => {
  await using google = new TestSimulator();
  await google.admin("PUT", "consent", { auto: true, decision: "deny" });
  const back = await google.consent();
  assert.equal(back.searchParams.get("error"), "access_denied");
  assert.equal(back.searchParams.get("state"), "state-1");
  assert.ok(!back.searchParams.has("code"));
});

Deno.test("A request that cannot be trusted gets an error page and is not redirected", async () => {
  await using google = new TestSimulator();
  const cases: [Record<string, string | null>, number, string][] = [
    [{ client_id: "somebody-else" }, 401, "invalid_client"],
    [{ redirect_uri: `${callback}/` }, 400, "redirect_uri_mismatch"],
    [{ redirect_uri: "https://evil.example/" }, 400, "redirect_uri_mismatch"],
    [{ redirect_uri: null }, 400, "redirect_uri_mismatch"],
    [{ response_type: null }, 400, "invalid_request"],
    [{ response_type: "token" }, 400, "unsupported_response_type"],
    [{ scope: "everything" }, 400, "invalid_scope"],
    [{ scope: null }, 400, "invalid_request"],
    [{ code_challenge_method: "S512" }, 400, "invalid_request"],
  ];
  for (const [change, status, code] of cases) {
    const page = await fetch(google.authorizeUrl(change), { redirect: "manual" });
    assert.equal(page.status, status, code);
    assert.match(await page.text(), new RegExp(`Error ${status}: ${code}`));
  }
});

Deno.test("prompt=none answers without a page, or not at all", async () => {
  await using google = new TestSimulator();
  const first = await google.consent({ prompt: "none" });
  assert.equal(first.searchParams.get("error"), "interaction_required");
  await google.connect();
  assert.ok((await google.consent({ prompt: "none" })).searchParams.has("code"));
});

Deno.test("Scopes left unticked are missing from the answer, earlier ones can be included", async () => {
  await using google = new TestSimulator();
  await google.admin("PUT", "consent", { withheld: [readScope] });
  const partial = await google.connect(null, { scope: `openid ${readScope}` });
  assert.equal(partial.scope, "openid");
  assert.equal(
    (await google.youtube("channels?part=id&mine=true", partial.access_token)).status,
    403,
  );
  await google.admin("PUT", "consent", { withheld: [] });
  const whole = await google.connect(null, { include_granted_scopes: "true" });
  assert.equal(whole.scope, `${readScope} openid`);
});

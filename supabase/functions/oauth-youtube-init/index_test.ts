import assert from "node:assert/strict";
import postgres from "postgres";
import { Person } from "../../tests/e2e/person.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const open = () => openFunction(() => import("./index.ts"));

stackTest(
  "oauth-youtube-init sends a user to Google with state, PKCE and our callback",
  async () => {
    const { fetch, stack } = await open();
    const { status, body } = await call(fetch, await Person.signUp(stack), "oauth-youtube-init", {
      redirect: "http://127.0.0.1:3000/connected",
    });
    assert.equal(status, 200);
    const { searchParams } = new URL(body.authorization_url);
    assert.equal(searchParams.get("code_challenge_method"), "S256");
    assert.match(searchParams.get("code_challenge")!, /^[\w-]{43}$/);
    assert.match(searchParams.get("scope")!, /youtube\.readonly/);
    assert.equal(
      searchParams.get("redirect_uri"),
      `${stack.api_url}/functions/v1/oauth-youtube-callback`,
    );
  },
);

stackTest("oauth-youtube-init stores the hash of the state, never the state", async () => {
  const { fetch, stack } = await open();
  const person = await Person.signUp(stack);
  const { body } = await call(fetch, person, "oauth-youtube-init", {});
  const state = new URL(body.authorization_url).searchParams.get("state")!;
  const sql = postgres(stack.admin_db_url, { max: 1 });
  const rows = await sql`
    select oauth_state::text as text, state_hash,
      rtrim(translate(encode(sha256(${state}::bytea), 'base64'), '+/', '-_'), '=') as expected
    from private.oauth_state where user_id = ${person.id}`;
  await sql.end();
  assert.equal(rows.length, 1);
  assert.equal(rows[0]!.state_hash, rows[0]!.expected);
  assert.ok(!rows[0]!.text.includes(state));
});

stackTest("oauth-youtube-init redirects to pages of our own site only", async () => {
  const { fetch, stack } = await open();
  const person = await Person.signUp(stack);
  const api = `${stack.api_url}/functions/v1/oauth-youtube-callback`;
  const nul = "http://127.0.0.1:3000/\0";
  for (const redirect of ["https://evil.example/", "//evil.example", "javascript:x", api, nul]) {
    const answer = await call(fetch, person, "oauth-youtube-init", { redirect });
    assertRefused(answer, 400, "VALIDATION_ERROR");
    assert.match(
      answer.body.error.details.issues[0].path,
      redirect === nul ? /^body$/ : /^body\.redirect$/,
    );
  }
});

stackTest("oauth-youtube-init is for signed-in users, by POST", async () => {
  const { fetch, stack } = await open();
  assertRefused(await call(fetch, null, "oauth-youtube-init", {}), 401, "UNAUTHENTICATED");
  const person = await Person.signUp(stack);
  assertRefused(await call(fetch, person, "oauth-youtube-init"), 405, "METHOD_NOT_ALLOWED");
});

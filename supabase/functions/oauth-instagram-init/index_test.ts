import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const open = () => openFunction(() => import("./index.ts"));

stackTest(
  "oauth-instagram-init sends a user to Instagram with state, commas and our callback",
  async () => {
    const { fetch, stack } = await open();
    const person = await Person.signUp(stack);
    const { status, body } = await call(fetch, person, "oauth-instagram-init", {
      redirect: "http://127.0.0.1:3000/connected",
    });
    assert.equal(status, 200);
    const url = new URL(body.authorization_url);
    assert.match(url.pathname, /\/oauth\/authorize$/);
    const { state, ...rest } = Object.fromEntries(url.searchParams);
    assert.match(state!, /^[\w-]{43}$/);
    assert.deepEqual(rest, {
      client_id: "1000000000000001",
      redirect_uri: `${stack.api_url}/functions/v1/oauth-instagram-callback`,
      response_type: "code",
      scope: "instagram_business_basic",
    });
  },
);

stackTest("oauth-instagram-init redirects to pages of our own site only", async () => {
  const { fetch, stack } = await open();
  const person = await Person.signUp(stack);
  for (const redirect of ["https://evil.example/", "//evil.example", "javascript:x"]) {
    const answer = await call(fetch, person, "oauth-instagram-init", { redirect });
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
});

stackTest("oauth-instagram-init is for signed-in users, by POST", async () => {
  const { fetch, stack } = await open();
  assertRefused(await call(fetch, null, "oauth-instagram-init", {}), 401, "UNAUTHENTICATED");
  const person = await Person.signUp(stack);
  assertRefused(await call(fetch, person, "oauth-instagram-init"), 405, "METHOD_NOT_ALLOWED");
});

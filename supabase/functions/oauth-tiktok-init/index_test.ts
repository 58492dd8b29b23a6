import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const open = () => openFunction(() => import("./index.ts"));

stackTest(
  "oauth-tiktok-init sends a user to TikTok with state, commas and our callback",
  async () => {
    const { fetch, stack } = await open();
    const person = await Person.signUp(stack);
    const { status, body } = await call(fetch, person, "oauth-tiktok-init", {
      redirect: "http://127.0.0.1:3000/connected",
    });
    assert.equal(status, 200);
    const { state, ...rest } = Object.fromEntries(new URL(body.authorization_url).searchParams);
    assert.match(state!, /^[\w-]{43}$/);
    assert.deepEqual(rest, {
      client_key: "local-tiktok-key",
      redirect_uri: `${stack.api_url}/functions/v1/oauth-tiktok-callback`,
      response_type: "code",
      scope: "user.info.basic,user.info.profile,user.info.stats,video.list",
    });
  },
);

stackTest("oauth-tiktok-init redirects to pages of our own site only", async () => {
  const { fetch, stack } = await open();
  const person = await Person.signUp(stack);
  for (const redirect of ["https://evil.example/", "//evil.example", "javascript:x"]) {
    const answer = await call(fetch, person, "oauth-tiktok-init", { redirect });
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
});

stackTest("oauth-tiktok-init is for signed-in users, by POST", async () => {
  const { fetch, stack } = await open();
  assertRefused(await call(fetch, null, "oauth-tiktok-init", {}), 401, "UNAUTHENTICATED");
  const person = await Person.signUp(stack);
  assertRefused(await call(fetch, person, "oauth-tiktok-init"), 405, "METHOD_NOT_ALLOWED");
});

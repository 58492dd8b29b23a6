import assert from "node:assert/strict";
import { isAllowedRedirect, withQuery } from "./redirects.ts";

const site = "https://streamvibe.example";

for (const target of ["https://streamvibe.example/connected?x=1", "https://streamvibe.example"]) {
  Deno.test(`a redirect to ${target} is allowed`, () => assert.ok(isAllowedRedirect(target, site)));
}

for (
  const target of [
    "https://evil.example/",
    "https://api.streamvibe.example/functions/v1/oauth-youtube-callback",
    "https://streamvibe.example.evil.example/",
    "https://streamvibe.example@evil.example/",
    "https://user:pass@streamvibe.example/",
    "http://streamvibe.example/",
    "https://streamvibe.example:8443/",
    "//evil.example/",
    "/connected",
    "\\\\evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "blob:https://streamvibe.example/3f1c",
    "",
  ]
) {
  Deno.test(`a redirect to ${JSON.stringify(target)} is refused`, () => {
    assert.ok(!isAllowedRedirect(target, site));
  });
}

Deno.test("a site without an origin of its own opens the door to nobody", () => {
  const app = "streamvibe://";
  assert.ok(isAllowedRedirect("streamvibe://connected", app));
  assert.ok(!isAllowedRedirect("javascript:alert(1)", app));
});

Deno.test("withQuery() keeps the page's own query and escapes values", () => {
  assert.equal(
    withQuery("https://streamvibe.example/a?b=1#c", { error: "x&y" }),
    "https://streamvibe.example/a?b=1&error=x%26y#c",
  );
});

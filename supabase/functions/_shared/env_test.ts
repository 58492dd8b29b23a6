import assert from "node:assert/strict";
import { automationEnv, googleEnv, linkEnv, platformEnv } from "./env.ts";
import { ConfigurationError } from "./read_env.ts";

/** Runs `test` with exactly these of the named variables set, and puts everything back. */
function withEnv(variables: Record<string, string | undefined>, test: () => void) {
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  const set = (name: string, value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  try {
    for (const [name, value] of Object.entries(variables)) set(name, value);
    test();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}

Deno.test("a group names everything that is missing at once, and no value", () => {
  withEnv({ GOOGLE_CLIENT_ID: undefined, GOOGLE_CLIENT_SECRET: undefined }, () => {
    assert.throws(googleEnv, (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.equal(error.message, "Not set: GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET");
      return true;
    });
  });
});

Deno.test("an empty variable counts as missing", () => {
  withEnv({ AUTOMATION_KEY: "" }, () => assert.throws(automationEnv, /AUTOMATION_KEY/));
});

Deno.test("a reference that was not resolved is no value, and no key least of all", () => {
  withEnv(
    { AUTOMATION_KEY: "env(AUTOMATION_KEY)" },
    () => assert.throws(automationEnv, /AUTOMATION_KEY/),
  );
});

Deno.test("links have no slash at the end", () => {
  withEnv({ PUBLIC_URL: "https://api.example/", SITE_URL: "https://example/" }, () => {
    assert.deepEqual(linkEnv(), { publicUrl: "https://api.example", siteUrl: "https://example" });
  });
});

Deno.test("the key named default wins over the older single-key variable", () => {
  withEnv({
    SUPABASE_URL: "http://localhost",
    SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_new"}',
    SUPABASE_ANON_KEY: "old",
    SUPABASE_SECRET_KEYS: undefined,
    SUPABASE_SERVICE_ROLE_KEY: "old-secret",
    SUPABASE_JWKS: '{"keys":[]}',
  }, () => {
    const { publishableKey, secretKey, jwks } = platformEnv();
    assert.deepEqual([publishableKey, secretKey], ["sb_publishable_new", "old-secret"]);
    assert.deepEqual(jwks, { keys: [] });
  });
});

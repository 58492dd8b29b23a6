import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { jwtSecret, publishableKey, secretKey, startGateway } from "./testing.ts";

Deno.test("verify_jwt", async (t) => {
  await using gateway = await startGateway();
  const call = (headers: Record<string, string>, method = "POST") =>
    fetch(`${gateway.url}/functions/v1/needs_jwt`, { method, headers });
  const sign = (secret: string, expires = "1m") =>
    new SignJWT({ sub: "me" }).setProtectedHeader({ alg: "HS256" }).setExpirationTime(expires)
      .sign(new TextEncoder().encode(secret));
  const passes = async (headers: Record<string, string>, method?: string) => {
    const response = await call(headers, method);
    assert.equal(response.status, 200);
    return await response.json();
  };
  const isRefused = async (headers: Record<string, string>, code: string) => {
    const response = await call(headers);
    assert.equal(response.status, 401);
    assert.equal(response.headers.get("sb-error-code"), code);
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    const body = await response.json();
    assert.deepEqual(Object.keys(body).sort(), ["code", "message", "msg"]);
    assert.equal(body.code, code);
  };

  await t.step("a preflight passes without anything", async () => {
    await passes({}, "OPTIONS");
  });

  await t.step(
    "a token signed with the shared secret passes, and reaches the function",
    async () => {
      const token = await sign(jwtSecret);
      const seen = await passes({ authorization: `Bearer ${token}` });
      assert.equal(seen.authorization, `Bearer ${token}`);
    },
  );

  await t.step("a token signed with a key of the auth server passes", async () => {
    await passes({ authorization: `Bearer ${await gateway.signAsymmetric()}` });
  });

  await t.step("an API key alone passes, also when Authorization repeats it", async () => {
    await passes({ apikey: publishableKey });
    await passes({ apikey: secretKey });
    await passes({ apikey: publishableKey, authorization: `Bearer ${publishableKey}` });
    await passes({ apikey: await sign(jwtSecret) });
  });

  await t.step("no token at all is refused", async () => {
    await isRefused({}, "UNAUTHORIZED_NO_AUTH_HEADER");
    await isRefused({ authorization: `Bearer ${publishableKey}` }, "UNAUTHORIZED_NO_AUTH_HEADER");
  });

  await t.step("what is no token is refused", async () => {
    await isRefused({ authorization: "Basic eA==" }, "UNAUTHORIZED_INVALID_JWT_FORMAT");
    await isRefused({ authorization: "Bearer nonsense" }, "UNAUTHORIZED_INVALID_JWT_FORMAT");
    await isRefused({ apikey: "sb_publishable_other" }, "UNAUTHORIZED_INVALID_JWT_FORMAT");
  });

  await t.step("a foreign, expired or unsigned token is refused", async () => {
    const foreign = await sign("another-secret-of-at-least-32-characters!");
    await isRefused({ authorization: `Bearer ${foreign}` }, "UNAUTHORIZED_LEGACY_JWT");
    const expired = await sign(jwtSecret, "-1m");
    await isRefused({ authorization: `Bearer ${expired}` }, "UNAUTHORIZED_LEGACY_JWT");
    const broken = (await gateway.signAsymmetric()).slice(0, -8) + "AAAAAAAA";
    await isRefused({ authorization: `Bearer ${broken}` }, "UNAUTHORIZED_ASYMMETRIC_JWT");
    const none = `${btoa('{"alg":"none"}')}.${btoa("{}")}.`;
    await isRefused(
      { authorization: `Bearer ${none}` },
      "UNAUTHORIZED_UNSUPPORTED_TOKEN_ALGORITHM",
    );
  });
});

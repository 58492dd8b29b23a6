import assert from "node:assert/strict";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { TokenError, Tokens } from "./tokens.ts";

const options = {
  publishableKey: "sb_publishable_x",
  secretKey: "sb_secret_x",
  jwtSecret: "a secret of more than thirty-two characters",
  jwksUrl: "http://127.0.0.1:9/none",
};

Deno.test("project keys stand for their roles", async () => {
  const tokens = new Tokens(options);
  assert.equal((await tokens.verify("sb_publishable_x")).role, "anon");
  assert.equal((await tokens.verify("sb_secret_x")).role, "service_role");
});

Deno.test("a token signed with a key of the Auth server's key set is accepted", async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const { privateKey: otherKey } = await generateKeyPair("ES256");
  const keys = [{ ...await exportJWK(publicKey), kid: "k1", alg: "ES256" }];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ keys }),
  );
  const tokens = new Tokens({ ...options, jwksUrl: `http://127.0.0.1:${server.addr.port}/` });
  const sign = (key: CryptoKey) =>
    new SignJWT({ role: "authenticated" }).setProtectedHeader({ alg: "ES256", kid: "k1" })
      .setSubject("ann").setExpirationTime("1m").sign(key);

  assert.equal((await tokens.verify(await sign(privateKey))).sub, "ann");
  await assert.rejects(tokens.verify(await sign(otherKey)), { code: "JwtSignatureError" });
});

Deno.test("a token needs a role and an end", async () => {
  const tokens = new Tokens(options);
  const sign = (claims: Record<string, unknown>) =>
    new SignJWT(claims).setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(options.jwtSecret));
  const refused = (error: unknown) =>
    error instanceof TokenError &&
    error.message === "Fields `role` and `exp` are required in JWT";
  await assert.rejects(async () => tokens.verify(await sign({ role: "anon" })), refused);
  await assert.rejects(async () => tokens.verify(await sign({ exp: 9e9 })), refused);
});

import assert from "node:assert/strict";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { authenticateService, authenticateUser, type AuthPlatform } from "./auth.ts";
import { AppError } from "./errors.ts";
import { serveFake } from "./testing/fake_server.ts";

const USER_ID = "0b0f9b0e-3c1a-4b7e-9a55-0d5c4f3b2a10";
const SECRET = new TextEncoder().encode("a-shared-secret-of-at-least-32-characters");
const es256 = await generateKeyPair("ES256", { extractable: true });
const rs256 = await generateKeyPair("RS256", { extractable: true });
const octKey: JWK = { kty: "oct", k: btoa(String.fromCharCode(...SECRET)).replace(/=+$/, "") };
const ecKey: JWK = { ...await exportJWK(es256.publicKey), kid: "ec-1" };
const rsaKey: JWK = { ...await exportJWK(rs256.publicKey), kid: "rsa-1" };

function sign(alg: string, key: CryptoKey | Uint8Array, claims = {}, kid?: string) {
  return new SignJWT({ role: "authenticated", aud: "authenticated", sub: USER_ID, ...claims })
    .setProtectedHeader({ alg, ...(kid && { kid }) })
    .setExpirationTime("5m")
    .sign(key);
}

function platform(keys: JWK[], supabaseUrl = "http://127.0.0.1:9"): AuthPlatform {
  return { supabaseUrl, publishableKey: "sb_publishable_x", jwks: { keys } };
}

function bearing(token: string): Request {
  return new Request("http://f/", { headers: { authorization: `Bearer ${token}` } });
}

const unauthenticated = (error: unknown) =>
  error instanceof AppError && error.code === "UNAUTHENTICATED";

for (
  const [alg, key, kid, what] of [
    ["HS256", SECRET, undefined, "the shared secret"],
    ["ES256", es256.privateKey, "ec-1", "an EC key"],
    ["RS256", rs256.privateKey, "rsa-1", "an RSA key"],
    ["ES256", es256.privateKey, undefined, "an EC key without saying which"],
  ] as const
) {
  Deno.test(`authenticateUser() accepts a token signed with ${what} of the key set`, async () => {
    const token = await sign(alg, key, {}, kid);
    const user = await authenticateUser(bearing(token), platform([octKey, ecKey, rsaKey]));
    assert.deepEqual(user, { id: USER_ID, token });
  });
}

const past = Math.floor(Date.now() / 1000) - 3600;
for (
  const [what, token] of [
    ["no token", ""],
    ["an API key", "sb_publishable_ACJWlzQHlZjBrEguHvfOxg"],
    ["nonsense", "a.b.c"],
    ["the older anon key", await sign("HS256", SECRET, { role: "anon", sub: undefined })],
    ["a service role token", await sign("HS256", SECRET, { role: "service_role" })],
    ["a token for another audience", await sign("HS256", SECRET, { aud: "other" })],
    ["a token whose subject is no uuid", await sign("HS256", SECRET, { sub: "1 or 1=1" })],
    ["a wrong signature", await sign("HS256", new Uint8Array(32))],
    [
      "an expired token",
      await new SignJWT({ role: "authenticated", aud: "authenticated", sub: USER_ID })
        .setProtectedHeader({ alg: "HS256" }).setExpirationTime(past).sign(SECRET),
    ],
    [
      "a token that never expires",
      await new SignJWT({ role: "authenticated", aud: "authenticated", sub: USER_ID })
        .setProtectedHeader({ alg: "HS256" }).sign(SECRET),
    ],
  ] as const
) {
  Deno.test(`authenticateUser() refuses ${what}`, async () => {
    await assert.rejects(authenticateUser(bearing(token), platform([octKey])), unauthenticated);
  });
}

Deno.test("authenticateUser() refuses an unsigned token, and a public key used as HMAC secret", async () => {
  const [, payload] = (await sign("HS256", SECRET)).split(".");
  const unsigned = `${btoa('{"alg":"none"}').replace(/=+$/, "")}.${payload}.`;
  const confused = await sign("HS256", new TextEncoder().encode(JSON.stringify(ecKey)), {}, "ec-1");
  await using authServer = serveFake(() => Response.json({}, { status: 401 }));
  for (const token of [unsigned, confused]) {
    const refusal = authenticateUser(bearing(token), platform([ecKey], authServer.url));
    await assert.rejects(refusal, unauthenticated);
  }
});

Deno.test("authenticateUser() asks the auth server about a token that no known key can have signed", async () => {
  const token = await sign("ES256", es256.privateKey, {}, "rotated-in");
  await using authServer = serveFake(() => Response.json({ id: USER_ID, aud: "authenticated" }));
  const user = await authenticateUser(bearing(token), platform([ecKey], authServer.url));
  assert.equal(user.id, USER_ID);
  assert.equal(authServer.seen[0]?.authorization, `Bearer ${token}`);
});

Deno.test("authenticateUser() says SERVICE_UNAVAILABLE when the auth server does not answer", async () => {
  const token = await sign("ES256", es256.privateKey, {}, "rotated-in");
  await assert.rejects(
    authenticateUser(bearing(token), platform([])),
    (error) => error instanceof AppError && error.code === "SERVICE_UNAVAILABLE",
  );
});

Deno.test("authenticateService() accepts the current and the previous key, and nothing else", async () => {
  const env = { keys: ["sv_automation_new", "sv_automation_old"] };
  const offer = (apikey: string) => new Request("http://f/", { headers: { apikey } });
  await authenticateService(offer("sv_automation_new"), env);
  await authenticateService(offer("sv_automation_old"), env);
  for (const wrong of ["", "sv_automation_ne", "sv_automation_newer", "sb_secret_x"]) {
    await assert.rejects(authenticateService(offer(wrong), env), unauthenticated);
  }
});

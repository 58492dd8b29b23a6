import assert from "node:assert/strict";
import { type JWTPayload, SignJWT } from "jose";
import { tokenReader } from "./shared_secret.ts";

const secret = "a-shared-secret-of-at-least-32-characters";
const read = tokenReader(secret);
const now = () => Math.floor(Date.now() / 1000);

function sign(claims: JWTPayload, { key = secret, header = {} } = {}): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256", ...header })
    .sign(new TextEncoder().encode(key));
}

Deno.test("a token signed with the shared secret is read", async () => {
  const claims = { sub: "me", role: "authenticated", iat: now(), nbf: now(), exp: now() + 60 };
  assert.deepEqual(read(await sign(claims, { header: { typ: "JWT" } })), claims);
});

Deno.test("a token is read up to the second it expires in, and not again", async () => {
  const exp = now() + 2;
  const token = await sign({ sub: "me", exp });
  assert.equal(read(token)?.exp, exp);
  while (now() < exp) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(read(token), null);
});

Deno.test("a token that is not valid yet, or never ends, is left to others", async () => {
  assert.equal(read(await sign({ exp: now() + 60, nbf: now() + 30 })), null);
  assert.equal(read(await sign({ exp: now() + 60, iat: now() + 30 })), null);
  assert.equal(read(await sign({ sub: "me" })), null);
  assert.equal(read(await sign({ exp: "2100" as unknown as number })), null);
});

Deno.test("a forged token is left to others", async () => {
  const claims = { sub: "me", exp: now() + 60 };
  const token = await sign(claims);
  assert.notEqual(read(token), null);
  const [header, , signature] = token.split(".");
  const encode = (part: unknown) =>
    new TextEncoder().encode(JSON.stringify(part)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
  const forged = [
    await sign(claims, { key: "another-secret-of-at-least-32-characters" }),
    `${header}.${encode({ ...claims, sub: "you" })}.${signature}`,
    `${encode({ alg: "none" })}.${encode(claims)}.`,
    `${encode({ alg: "none" })}.${encode(claims)}.${signature}`,
    `${token.slice(0, -1)}`,
    `${token}.${signature}`,
    "nonsense",
    "",
  ];
  for (const [number, other] of forged.entries()) assert.equal(read(other), null, `${number}`);
});

Deno.test("a signed token of another kind is left to others", async () => {
  const claims = { sub: "me", exp: now() + 60 };
  const header = { crit: ["b64"], b64: true };
  assert.equal(read(await sign(claims, { header })), null);
  assert.equal(read(await sign(claims, { header: { kid: "another" } })), null);
});

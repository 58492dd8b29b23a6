/**
 * Tokens that carry their own meaning, sealed so that a client sees nothing but noise. The
 * simulator keeps no list of them, so a token outlives its restart.
 * @module
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { z } from "zod";

const grantSchema = z.strictObject({
  kind: z.enum(["access", "refresh"]),
  client_id: z.string(),
  email: z.string(),
  scope: z.string(),
  /** The number of times this person's grants had been revoked when the token was made. */
  epoch: z.number(),
  /** Milliseconds since 1970; null for a token that does not run out. */
  expires_at: z.number().nullable(),
});

/** What a token stands for. */
export type Grant = z.output<typeof grantSchema>;

// Not a secret: the accounts that these tokens open do not exist.
const sealingKey = createHash("sha256").update("streamvibe provider simulator").digest();
const prefixes: Readonly<Record<Grant["kind"], string>> = { access: "ya29.a0", refresh: "1//0g" };

/** Turns a value into text that means nothing to whoever carries it. */
export function seal(value: unknown): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", sealingKey, nonce);
  const body = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
}

/** The value behind a sealed text; undefined when it was not sealed here. */
export function unseal(text: string): unknown {
  const sealed = Buffer.from(text, "base64url");
  try {
    const decipher = createDecipheriv("aes-256-gcm", sealingKey, sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(12, 28));
    const body = Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** Turns a grant into a token that looks like one of Google's. */
export function sealToken(grant: Grant): string {
  return prefixes[grant.kind] + seal(grant);
}

/** What a token stands for, or null when it was not sealed here. */
export function openToken(token: string): Grant | null {
  const prefix = Object.values(prefixes).find((known) => token.startsWith(known));
  if (!prefix) return null;
  const grant = grantSchema.safeParse(unseal(token.slice(prefix.length)));
  return grant.success ? grant.data : null;
}

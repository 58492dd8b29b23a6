/**
 * Sealing: texts that carry their own meaning and look like noise. The simulator keeps no list of
 * the tokens it gave out, so a token outlives its restart.
 * @module
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

// Not a secret: the accounts that these tokens open do not exist.
const sealingKey = createHash("sha256").update("streamvibe provider simulator").digest();

/** Seals a value that JSON can carry, as base64url. */
export function seal(value: object): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", sealingKey, nonce);
  const body = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
}

/** What was sealed, or null when it was not sealed here. */
export function unseal(text: string): unknown {
  const sealed = Buffer.from(text, "base64url");
  try {
    const decipher = createDecipheriv("aes-256-gcm", sealingKey, sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(12, 28));
    const body = Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
    return JSON.parse(body.toString());
  } catch {
    return null;
  }
}

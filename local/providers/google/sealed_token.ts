/**
 * Google's tokens: sealed grants.
 * @module
 */
import { z } from "zod";
import { seal, unseal } from "../sealing.ts";
import type { World } from "../world.ts";

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

const prefixes: Readonly<Record<Grant["kind"], string>> = { access: "ya29.a0", refresh: "1//0g" };

/** Turns a grant into a token that looks like one of Google's. */
export function sealToken(grant: Grant): string {
  return prefixes[grant.kind] + seal(grant);
}

/** What a token stands for, or null when it was not sealed here. */
export function openToken(token: string): Grant | null {
  const prefix = Object.values(prefixes).find((known) => token.startsWith(known));
  const opened = grantSchema.safeParse(prefix ? unseal(token.slice(prefix.length)) : null);
  return opened.success ? opened.data : null;
}

/** Whether a token is good now: neither run out nor revoked. */
export function isAlive(world: World, grant: Grant): boolean {
  const client = world.clients.get(grant.client_id);
  return client !== undefined &&
    grant.epoch === world.consents.epoch(client.project, grant.email) &&
    (grant.expires_at === null || grant.expires_at > world.now());
}

/**
 * Meta's tokens: sealed grants. A user's token is short-lived first and exchanged for a long-lived
 * one; a Facebook page has tokens of its own.
 * @module
 */
import { z } from "zod";
import type { OAuthClient } from "../consents.ts";
import { seal, unseal } from "../sealing.ts";
import type { World } from "../world.ts";
import { GraphError, tokenExpired, tokenRevoked, tokenUnreadable } from "./graph_error.ts";

/** The two of Meta's platforms that are simulated. */
export type MetaProvider = "instagram" | "facebook";

const grantSchema = z.strictObject({
  provider: z.enum(["instagram", "facebook"]),
  kind: z.enum(["short", "long", "page"]),
  client_id: z.string(),
  email: z.string(),
  /** Separated by commas. */
  scope: z.string(),
  /** The number of times this person's grants had been revoked when the token was made. */
  epoch: z.number(),
  /** Milliseconds since 1970. */
  issued_at: z.number(),
  /** Milliseconds since 1970; null for a token that does not run out. */
  expires_at: z.number().nullable(),
  /** Whom a page token speaks for. */
  page_id: z.string().nullable(),
});

/** What a token stands for. */
export type MetaGrant = z.output<typeof grantSchema>;

const prefixes: Readonly<Record<MetaProvider, string>> = { instagram: "IGAA", facebook: "EAAG" };
/** A short-lived token lasts this long. */
const shortSeconds = 3_600;
/** A long-lived token lasts this long: a little less than 60 days. */
const longSeconds = 5_183_944;

/** Turns a grant into a token that looks like one of Meta's. */
export function sealMetaToken(grant: MetaGrant): string {
  return prefixes[grant.provider] + seal(grant);
}

/** What a token stands for, or null when it was not given out here. */
export function openMetaToken(token: string): MetaGrant | null {
  const prefix = Object.values(prefixes).find((known) => token.startsWith(known));
  const opened = grantSchema.safeParse(prefix ? unseal(token.slice(prefix.length)) : null);
  return opened.success ? opened.data : null;
}

/** A new token for what a consent or an older token allows, with the seconds it lasts. */
export function issueToken(
  world: World,
  kind: "short" | "long",
  grant: Pick<MetaGrant, "provider" | "client_id" | "email" | "scope" | "epoch">,
): { access_token: string; token_type: "bearer"; expires_in: number } {
  const { provider, client_id, email, scope, epoch } = grant;
  const seconds = kind === "short" ? shortSeconds : longSeconds;
  const issued_at = world.now();
  const access_token = sealMetaToken({
    provider,
    kind,
    client_id,
    email,
    scope,
    epoch,
    issued_at,
    expires_at: issued_at + seconds * 1_000,
    page_id: null,
  });
  return { access_token, token_type: "bearer", expires_in: seconds };
}

/** Why a token is no good now; null when it is good. */
export function whyDead(world: World, grant: MetaGrant): GraphError | null {
  const client = world.client(grant.provider, grant.client_id);
  if (!client || grant.epoch !== world.consents.epoch(client.project, grant.email)) {
    return tokenRevoked();
  }
  if (grant.expires_at !== null && grant.expires_at <= world.now()) return tokenExpired();
  return null;
}

/** Opens a token of this provider that is good now, or throws what Meta answers. */
export function requireToken(
  world: World,
  provider: MetaProvider,
  token: string,
): { grant: MetaGrant; app: OAuthClient } {
  const grant = openMetaToken(token);
  const app = grant && world.client(provider, grant.client_id);
  if (!grant || !app || grant.provider !== provider) throw tokenUnreadable();
  const dead = whyDead(world, grant);
  if (dead) throw dead;
  return { grant, app };
}

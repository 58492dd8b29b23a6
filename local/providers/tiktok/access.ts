/**
 * Whether a call to TikTok's API is let in, and the refusals that faults ask for.
 * @module
 */
import type { Context } from "hono";
import type { CallEnv } from "../call.ts";
import type { World } from "../world.ts";
import type { Creator } from "./creators.ts";
import { TikTokError } from "./errors.ts";
import { readToken } from "./grants.ts";
import { isAlive } from "./token.ts";

const tooMany = (headers: Record<string, string> = {}) =>
  new TikTokError(
    429,
    "rate_limit_exceeded",
    "The API rate limit was exceeded. Please try again later.",
    headers,
  );

/** Who is calling, and what they have allowed; `scope` is what the endpoint needs. */
export function authorize(
  c: Context<CallEnv>,
  world: World,
  scope: string,
): { creator: Creator; scopes: readonly string[] } {
  const { faults } = c.var;
  const { grants, creators, calls, settings } = world.tiktok;
  const text = /^Bearer\s+(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  const token = readToken(text ?? "");
  const grant = token?.kind === "act" && isAlive(world, token) ? grants.grantOf(token) : null;
  if (!grant || faults.has("expired_token") || faults.has("revoked_token")) {
    throw new TikTokError(
      401,
      "access_token_invalid",
      "The access token is invalid or not found in the request.",
    );
  }
  if (!calls.count(`${grant.id} ${c.req.path}`, settings.calls_per_minute, world.now())) {
    throw tooMany();
  }
  if (faults.has("missing_scope") || !grant.scopes.includes(scope)) {
    throw new TikTokError(
      401,
      "scope_not_authorized",
      "The user did not authorize the scope required for completing this request.",
    );
  }
  return { creator: creators.creator(grant.email), scopes: grant.scopes };
}

/** Throws what a struck call answers instead of data. */
export function refuse(c: Context<CallEnv>): void {
  const { faults } = c.var;
  const failing = faults.get("server_error");
  if (failing) {
    throw new TikTokError(failing.status, "internal_error", "Internal error. Please try again.");
  }
  const limited = faults.get("rate_limited") ?? faults.get("user_rate_limited") ??
    faults.get("quota_exceeded");
  if (limited) {
    throw tooMany(
      limited.retry_after === undefined ? {} : { "retry-after": String(limited.retry_after) },
    );
  }
}

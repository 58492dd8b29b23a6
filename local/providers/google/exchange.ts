/**
 * What Google hands out for a code or a refresh token.
 * @module
 */
import { createHash } from "node:crypto";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { OAuthClient, PendingCode } from "../consents.ts";
import type { World } from "../world.ts";
import { type Grant, isAlive, openToken, sealToken } from "./sealed_token.ts";

/** A refusal of the token endpoint. */
export class TokenError extends Error {
  constructor(readonly status: ContentfulStatusCode, readonly code: string, description: string) {
    super(description);
  }
}

/** Most of them. */
export const badRequest = (code: string, description: string) =>
  new TokenError(400, code, description);
/** The refusal of a refresh token that is no good any more. */
export const deadToken = () => badRequest("invalid_grant", "Token has been expired or revoked.");

function checkVerifier(pending: PendingCode, verifier: string | null): void {
  if (!pending.challenge) return;
  if (!verifier) throw badRequest("invalid_grant", "Missing code verifier.");
  const { text, method } = pending.challenge;
  const proof = method === "plain"
    ? verifier
    : createHash("sha256").update(verifier).digest("base64url");
  if (proof !== text) throw badRequest("invalid_grant", "Invalid code verifier.");
}

function accessToken(world: World, grant: Omit<Grant, "kind" | "expires_at">) {
  const seconds = world.settings.access_token_seconds;
  const expires_at = world.now() + seconds * 1_000;
  return {
    access_token: sealToken({ ...grant, kind: "access", expires_at }),
    expires_in: seconds,
    scope: grant.scope,
    token_type: "Bearer",
  };
}

/** What is left of a consent when its YouTube scopes were unticked. */
export function withoutYouTube(scope: string): string {
  return scope.split(" ").filter((one) =>
    !one.includes("/auth/yt-") && !one.includes("/auth/youtube")
  )
    .join(" ") || "openid";
}

/** Tokens for a code, which is used up. */
export function exchangeCode(
  world: World,
  client: OAuthClient,
  form: URLSearchParams,
  grantedScope: (asked: string) => string,
) {
  const code = form.get("code");
  if (!code) throw badRequest("invalid_request", "Missing required parameter: code");
  const pending = world.consents.takeCode(code, world.now());
  if (!pending || pending.client_id !== client.id) {
    throw badRequest("invalid_grant", "Bad Request");
  }
  if (pending.redirect_uri !== form.get("redirect_uri")) {
    throw badRequest("redirect_uri_mismatch", "Bad Request");
  }
  checkVerifier(pending, form.get("code_verifier"));
  const { email } = pending;
  const scope = grantedScope(pending.scope);
  const epoch = world.consents.epoch(client.project, email);
  const grant = { client_id: client.id, email, scope, epoch };
  const refreshable = pending.offline && pending.forced;
  return {
    ...accessToken(world, grant),
    ...(refreshable && {
      refresh_token: sealToken({ ...grant, kind: "refresh", expires_at: null }),
    }),
  };
}

/** A new access token. */
export function refresh(world: World, client: OAuthClient, form: URLSearchParams) {
  const token = form.get("refresh_token");
  if (!token) throw badRequest("invalid_request", "Missing required parameter: refresh_token");
  const grant = openToken(token);
  if (grant?.kind !== "refresh" || !isAlive(world, grant)) throw deadToken();
  if (grant.client_id !== client.id) {
    throw new TokenError(401, "unauthorized_client", "Unauthorized");
  }
  // No refresh_token in the answer: whoever stores "the new one" would lose the account.
  const { kind: _kind, expires_at: _expires, ...rest } = grant;
  return accessToken(world, rest);
}

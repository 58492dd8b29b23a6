/**
 * Google's token endpoint: codes and refresh tokens against access tokens, and revocation.
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { CallEnv } from "../call.ts";
import type { World } from "../world.ts";
import type { OAuthClient, PendingCode } from "./consents.ts";
import { type Grant, openToken, sealToken } from "./sealed_token.ts";

class TokenError extends Error {
  constructor(readonly status: ContentfulStatusCode, readonly code: string, description: string) {
    super(description);
  }
}

const badRequest = (code: string, description: string) => new TokenError(400, code, description);
const deadToken = () => badRequest("invalid_grant", "Token has been expired or revoked.");

function readClient(world: World, form: URLSearchParams, basic: string | undefined): OAuthClient {
  const [id, secret] = basic?.startsWith("Basic ")
    ? atob(basic.slice(6)).split(":").map(decodeURIComponent)
    : [form.get("client_id"), form.get("client_secret")];
  if (!id) throw badRequest("invalid_request", "Could not determine client ID from request.");
  const client = world.client("google", id);
  if (!client) throw new TokenError(401, "invalid_client", "The OAuth client was not found.");
  if (!secret) throw badRequest("invalid_request", "client_secret is missing.");
  const [ours, theirs] = [client.secret, secret].map((text) =>
    createHash("sha256").update(text).digest()
  );
  if (!ours || !theirs || !timingSafeEqual(ours, theirs)) {
    throw new TokenError(401, "invalid_client", "Unauthorized");
  }
  return client;
}

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
function withoutYouTube(scope: string): string {
  return scope.split(" ").filter((one) =>
    !one.includes("/auth/yt-") && !one.includes("/auth/youtube")
  )
    .join(" ") || "openid";
}

function exchangeCode(
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

function refresh(world: World, client: OAuthClient, form: URLSearchParams) {
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

/** Whether a token is good now: neither run out nor revoked. */
export function isAlive(world: World, grant: Grant): boolean {
  const client = world.clients.get(grant.client_id);
  return client !== undefined &&
    grant.epoch === world.consents.epoch(client.project, grant.email) &&
    (grant.expires_at === null || grant.expires_at > world.now());
}

/** `POST /token`, `POST /revoke` and `GET /tokeninfo`. */
export function tokenRoutes(world: World): Hono<CallEnv> {
  const app = new Hono<CallEnv>();
  app.post("/token", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const client = readClient(world, form, c.req.header("authorization"));
    const type = form.get("grant_type");
    c.header("cache-control", "no-cache, no-store, max-age=0, must-revalidate");
    if (type === "refresh_token") {
      if (c.var.faults.has("revoked_token")) throw deadToken();
      return c.json(refresh(world, client, form));
    }
    if (type !== "authorization_code") {
      throw badRequest("unsupported_grant_type", `Invalid grant_type: ${type ?? ""}`);
    }
    const unticked = c.var.faults.has("missing_scope");
    return c.json(exchangeCode(world, client, form, unticked ? withoutYouTube : (all) => all));
  });
  app.post("/revoke", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const token = form.get("token") ?? c.req.query("token") ?? "";
    const grant = openToken(token);
    const client = grant && world.clients.get(grant.client_id);
    if (!grant || !client || !isAlive(world, grant)) {
      throw badRequest("invalid_token", "Token expired or revoked");
    }
    world.consents.revoke(client.project, grant.email);
    world.save();
    return c.json({});
  });
  app.get("/tokeninfo", (c) => {
    const grant = openToken(c.req.query("access_token") ?? "");
    if (grant?.kind !== "access" || grant.expires_at === null || !isAlive(world, grant)) {
      throw badRequest("invalid_token", "Invalid Value");
    }
    return c.json({
      azp: grant.client_id,
      aud: grant.client_id,
      scope: grant.scope,
      exp: String(Math.floor(grant.expires_at / 1_000)),
      expires_in: String(Math.floor((grant.expires_at - world.now()) / 1_000)),
      access_type: "offline",
    });
  });
  app.onError((error, c) => {
    if (!(error instanceof TokenError)) throw error;
    return c.json({ error: error.code, error_description: error.message }, error.status);
  });
  return app;
}

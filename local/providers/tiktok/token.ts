/**
 * TikTok's token endpoint, with flat answers, and revocation.
 * @module
 */
import { Hono } from "hono";
import type { CallEnv } from "../call.ts";
import type { World } from "../world.ts";
import { logId } from "./errors.ts";
import { readToken, type TikTokGrant, type TikTokToken, writeToken } from "./grants.ts";

class TokenError extends Error {
  constructor(
    readonly code: string,
    description: string,
    readonly status: 200 | 400 | 401 | 500 | 503 = 400,
  ) {
    super(description);
  }
}

const deadRefreshToken = (status: 200 | 400 = 400) =>
  new TokenError("invalid_grant", "Refresh token is invalid or expired.", status);

/** The client key of an app that has proved its secret. */
function readClient(world: World, form: URLSearchParams): string {
  const client = world.client("tiktok", form.get("client_key"));
  if (!client || client.secret !== form.get("client_secret")) {
    throw new TokenError("invalid_client", "Client key or secret is incorrect.", 401);
  }
  return client.id;
}

/** Whether the token is good now: not run out, and its grant not over. */
export function isAlive(world: World, token: TikTokToken): boolean {
  const grant = world.tiktok.grants.grantOf(token);
  return grant !== null && grant.ended === null && token.expires_at > world.now() &&
    (token.kind === "act" || token.turn === grant.turn);
}

function tokensOf(world: World, grant: TikTokGrant) {
  const { settings, creators } = world.tiktok;
  const now = world.now();
  const token = { grant: grant.id, email: grant.email, turn: grant.turn };
  return {
    access_token: writeToken({
      ...token,
      kind: "act",
      expires_at: now + settings.access_token_seconds * 1_000,
    }),
    expires_in: settings.access_token_seconds,
    open_id: creators.creator(grant.email).open_id,
    refresh_expires_in: Math.ceil((grant.refresh_expires_at - now) / 1_000),
    refresh_token: writeToken({ ...token, kind: "rft", expires_at: grant.refresh_expires_at }),
    scope: grant.scopes.join(","),
    token_type: "Bearer",
  };
}

function exchangeCode(world: World, clientKey: string, form: URLSearchParams, withhold: boolean) {
  const { grants, settings } = world.tiktok;
  const code = form.get("code");
  if (!code) throw new TokenError("invalid_request", "Code is empty.");
  const pending = grants.takeCode(code, world.now());
  if (!pending || pending.client_key !== clientKey) {
    throw new TokenError("invalid_grant", "Authorization code is expired.");
  }
  if (pending.redirect_uri !== form.get("redirect_uri")) {
    throw new TokenError(
      "invalid_request",
      "Redirect_uri is not matched with the uri when requesting code.",
    );
  }
  const scopes = withhold
    ? pending.scopes.filter((scope) => scope !== "video.list")
    : pending.scopes;
  return grants.begin(pending, scopes, world.now() + settings.refresh_token_seconds * 1_000);
}

function refresh(world: World, clientKey: string, form: URLSearchParams): TikTokGrant {
  const token = readToken(form.get("refresh_token") ?? "");
  const grant = token?.kind === "rft" ? world.tiktok.grants.grantOf(token) : null;
  if (!token || !grant || grant.client_key !== clientKey) throw deadRefreshToken();
  if (token.turn < grant.turn) grant.ended ??= "refresh token used twice";
  if (!isAlive(world, token)) throw deadRefreshToken();
  grant.turn++;
  return grant;
}

/** `POST /token/` and `POST /revoke/`. */
export function tokenRoutes(world: World): Hono<CallEnv> {
  const app = new Hono<CallEnv>();
  app.use(async (c, next) => {
    const { faults } = c.var;
    const failing = faults.get("server_error");
    if (failing) throw new TokenError("internal_error", "Internal error.", failing.status);
    if (!c.req.header("content-type")?.startsWith("application/x-www-form-urlencoded")) {
      throw new TokenError(
        "invalid_request",
        "Only `application/x-www-form-urlencoded` is supported.",
      );
    }
    await next();
    // A grant may have moved on or ended, also where the answer is a refusal.
    world.save();
  });
  app.post("/token/", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const clientKey = readClient(world, form);
    const { faults } = c.var;
    if (faults.has("invalid_grant_200")) throw deadRefreshToken(200);
    if (faults.has("revoked_token")) throw deadRefreshToken();
    const type = form.get("grant_type");
    if (type !== "authorization_code" && type !== "refresh_token") {
      throw new TokenError("unsupported_grant_type", "The grant type is not supported.");
    }
    const grant = type === "refresh_token"
      ? refresh(world, clientKey, form)
      : exchangeCode(world, clientKey, form, faults.has("missing_scope"));
    return c.json(tokensOf(world, grant), 200, { "cache-control": "no-store" });
  });
  app.post("/revoke/", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const clientKey = readClient(world, form);
    const token = readToken(form.get("token") ?? "");
    if (token?.kind !== "act" || !isAlive(world, token)) {
      throw new TokenError("invalid_grant", "Access token is invalid or expired.");
    }
    world.tiktok.grants.revoke(clientKey, token.email);
    return c.body(null, 200);
  });
  app.onError((error, c) => {
    if (!(error instanceof TokenError)) throw error;
    const body = { error: error.code, error_description: error.message, log_id: logId(world) };
    return c.json(body, error.status);
  });
  return app;
}

/**
 * Google's token endpoint: codes and refresh tokens against access tokens, and revocation.
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import type { CallEnv } from "../call.ts";
import type { OAuthClient } from "../consents.ts";
import type { World } from "../world.ts";
import {
  badRequest,
  deadToken,
  exchangeCode,
  refresh,
  TokenError,
  withoutYouTube,
} from "./exchange.ts";
import { isAlive, openToken } from "./sealed_token.ts";

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

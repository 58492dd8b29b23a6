/**
 * Instagram's tokens: a code for a short-lived token, that for a long-lived one, and its refresh.
 * There is no refresh token: the access token itself is renewed.
 * @module
 */
import { type Context, Hono } from "hono";
import type { CallEnv } from "../call.ts";
import type { OAuthClient } from "../consents.ts";
import { refuse } from "../meta/access.ts";
import { GraphError, invalidParameter } from "../meta/graph_error.ts";
import { issueToken, requireToken } from "../meta/token.ts";
import type { World } from "../world.ts";

/** An error of `api.instagram.com`, which has a shape of its own. */
class TokenHostError extends Error {}

function readClient(world: World, form: URLSearchParams): OAuthClient {
  const client = world.client("instagram", form.get("client_id"));
  if (!client) throw new TokenHostError("Invalid platform app");
  if (client.secret !== form.get("client_secret")) {
    throw new TokenHostError("Error validating client secret.");
  }
  return client;
}

function exchangeCode(c: Context<CallEnv>, world: World, form: URLSearchParams): Response {
  const client = readClient(world, form);
  if (form.get("grant_type") !== "authorization_code") {
    throw new TokenHostError("Invalid grant_type");
  }
  const pending = world.consents.takeCode(form.get("code") ?? "", world.now());
  if (!pending || pending.client_id !== client.id || c.var.faults.has("revoked_token")) {
    throw new TokenHostError("Invalid authorization code");
  }
  if (pending.redirect_uri !== form.get("redirect_uri")) {
    throw new TokenHostError(
      "Error validating verification code. Please make sure your redirect_uri is identical to " +
        "the one you used in the OAuth dialog request",
    );
  }
  const unticked = c.var.faults.has("missing_scope");
  const scope = unticked ? "instagram_business_manage_comments" : pending.scope;
  const { email } = pending;
  const { access_token } = issueToken(world, "short", {
    provider: "instagram",
    client_id: client.id,
    email,
    scope,
    epoch: world.consents.epoch(client.project, email),
  });
  const { id } = world.instagram.account(email);
  if (!c.var.faults.has("other_shape")) {
    return c.json({ data: [{ access_token, user_id: id, permissions: scope }] });
  }
  // Written by hand: no JavaScript number holds the id.
  const permissions = JSON.stringify(scope.split(","));
  const text = `{"access_token":"${access_token}","user_id":${id},"permissions":${permissions}}`;
  return c.body(text, 200, { "content-type": "application/json; charset=utf-8" });
}

function exchangeForLong(c: Context<CallEnv>, world: World): Response {
  refuse(c, "instagram", "app");
  if (c.req.query("grant_type") !== "ig_exchange_token") throw invalidParameter("grant_type");
  const { grant, app } = requireToken(world, "instagram", c.req.query("access_token") ?? "");
  if (app.secret !== c.req.query("client_secret")) {
    throw new GraphError(1, "Error validating client secret.");
  }
  if (grant.kind !== "short") {
    throw new GraphError(
      452,
      "Session key invalid. This could be because the session key has an " +
        "incorrect format, or because the user has revoked this session",
    );
  }
  return c.json(issueToken(world, "long", grant));
}

function refresh(c: Context<CallEnv>, world: World): Response {
  refuse(c, "instagram", "app");
  if (c.req.query("grant_type") !== "ig_refresh_token") throw invalidParameter("grant_type");
  const { grant } = requireToken(world, "instagram", c.req.query("access_token") ?? "");
  if (grant.kind !== "long") throw invalidParameter("Only a long-lived token can be refreshed");
  if (world.now() - grant.issued_at < world.settings.instagram_refresh_after_seconds * 1_000) {
    throw invalidParameter("The token must be at least 24 hours old to be refreshed");
  }
  return c.json(issueToken(world, "long", grant));
}

/** `POST /oauth/access_token`, `GET /access_token` and `GET /refresh_access_token`. */
export function instagramTokenRoutes(world: World): Hono<CallEnv> {
  const host = new Hono<CallEnv>();
  host.post("/access_token", async (c) => {
    if (c.var.faults.has("server_error")) throw new TokenHostError("Internal Server Error");
    return exchangeCode(c, world, new URLSearchParams(await c.req.text()));
  });
  host.onError((error, c) => {
    if (!(error instanceof TokenHostError)) throw error;
    const code = c.var.faults.get("server_error")?.status ?? 400;
    return c.json({ error_type: "OAuthException", code, error_message: error.message }, code);
  });

  const app = new Hono<CallEnv>();
  app.route("/oauth", host);
  app.get("/access_token", (c) => exchangeForLong(c, world));
  app.get("/refresh_access_token", (c) => refresh(c, world));
  return app;
}

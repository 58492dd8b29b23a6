/**
 * Facebook's tokens: a code for a user token, that for a long-lived one, pages' own tokens, and
 * what a token is worth.
 * @module
 */
import { type Context, Hono } from "hono";
import type { CallEnv } from "../call.ts";
import type { OAuthClient } from "../consents.ts";
import { checkProof, refuse, tokenOf } from "../meta/access.ts";
import { GraphError, invalidParameter } from "../meta/graph_error.ts";
import {
  issueToken,
  type MetaGrant,
  openMetaToken,
  requireToken,
  sealMetaToken,
  whyDead,
} from "../meta/token.ts";
import type { World } from "../world.ts";
import { personId } from "./people.ts";

/** After this long without the person, an app may not read their data. */
const dataAccess = 90 * 24 * 3_600_000;

function readClient(c: Context, world: World): OAuthClient {
  const client = world.client("facebook", c.req.query("client_id"));
  if (!client) throw new GraphError(101, "Error validating application. Invalid application ID.");
  if (client.secret !== c.req.query("client_secret")) {
    throw new GraphError(1, "Error validating client secret.");
  }
  return client;
}

function exchangeCode(c: Context<CallEnv>, world: World, client: OAuthClient, code: string) {
  const pending = world.consents.takeCode(code, world.now());
  if (!pending || pending.client_id !== client.id) {
    throw new GraphError(100, "This authorization code has been used.", { subcode: 36009 });
  }
  if (pending.redirect_uri !== c.req.query("redirect_uri")) {
    throw new GraphError(
      100,
      "Error validating verification code. Please make sure your redirect_uri is identical to " +
        "the one you used in the OAuth dialog request",
      { subcode: 36008 },
    );
  }
  const unticked = c.var.faults.has("missing_scope");
  return issueToken(world, "short", {
    provider: "facebook",
    client_id: client.id,
    email: pending.email,
    scope: unticked ? "" : pending.scope,
    epoch: world.consents.epoch(client.project, pending.email),
  });
}

function answerToken(c: Context<CallEnv>, world: World): Response {
  if (!c.var.faults.has("missing_scope")) refuse(c, "facebook", "app");
  const client = readClient(c, world);
  if (c.req.query("grant_type") === "fb_exchange_token") {
    const { grant } = requireToken(world, "facebook", c.req.query("fb_exchange_token") ?? "");
    if (grant.kind === "page") throw invalidParameter("A user access token is required");
    return c.json(issueToken(world, "long", grant));
  }
  const code = c.req.query("code");
  if (!code) throw invalidParameter("Missing authorization code");
  return c.json(exchangeCode(c, world, client, code));
}

/** A page's own token. From a long-lived user token it does not run out. */
export function pageToken(world: World, user: MetaGrant, page_id: string): string {
  return sealMetaToken({
    ...user,
    kind: "page",
    issued_at: world.now(),
    expires_at: user.kind === "long" ? null : user.expires_at,
    page_id,
  });
}

const seconds = (at: number | null) => (at === null ? 0 : Math.floor(at / 1_000));

function describe(world: World, client: OAuthClient, token: string) {
  const grant = openMetaToken(token);
  if (!grant || grant.client_id !== client.id) {
    const error = { code: 190, message: "Invalid OAuth access token." };
    return { error, is_valid: false, scopes: [] };
  }
  const dead = whyDead(world, grant);
  const scopes = grant.scope.split(",").filter(Boolean);
  return {
    app_id: client.id,
    type: grant.kind === "page" ? "PAGE" : "USER",
    application: client.name,
    data_access_expires_at: seconds(grant.issued_at + dataAccess),
    ...(dead && {
      error: { code: dead.code, message: dead.message, subcode: dead.extras.subcode },
    }),
    expires_at: seconds(grant.expires_at),
    is_valid: dead === null,
    issued_at: seconds(grant.issued_at),
    ...(grant.page_id && { profile_id: grant.page_id }),
    scopes: dead ? [] : [...scopes, "public_profile"],
    granular_scopes: scopes.map((scope) => ({ scope })),
    user_id: personId(grant.email),
  };
}

function debugToken(c: Context<CallEnv>, world: World): Response {
  refuse(c, "facebook", "app");
  const token = tokenOf(c) ?? "";
  const [id, secret] = token.split("|");
  const client = world.client("facebook", id);
  if (!client || client.secret !== secret) {
    throw new GraphError(190, "Invalid OAuth access token signature.");
  }
  // An app's own token needs no proof; one that is given has to be right.
  if (c.req.query("appsecret_proof") !== undefined) checkProof(c, client, token);
  return c.json({ data: describe(world, client, c.req.query("input_token") ?? "") });
}

/** `GET /oauth/access_token` and `GET /debug_token`. */
export function facebookTokenRoutes(world: World): Hono<CallEnv> {
  const app = new Hono<CallEnv>();
  app.get("/oauth/access_token", (c) => answerToken(c, world));
  app.get("/debug_token", (c) => debugToken(c, world));
  return app;
}

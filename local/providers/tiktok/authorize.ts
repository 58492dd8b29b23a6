/**
 * TikTok's authorization page: who signs in, what they allow, and the way back to the app.
 * @module
 */
import { type Context, Hono } from "hono";
import { decidedAtOnce, sendBack } from "../consent_flow.ts";
import { consentPage, errorPage } from "../consent_page.ts";
import type { OAuthClient } from "../consents.ts";
import type { World } from "../world.ts";

/** What an app may ask for, and how people are told. */
const scopeTexts: Readonly<Record<string, string>> = {
  "user.info.basic": "Read your profile info (avatar, display name)",
  "user.info.profile": "Read access to your profile link, bio and verification",
  "user.info.stats": "Read access to your follower, like and video counts",
  "video.list": "Read your public videos on TikTok",
  "video.upload": "Share content to your account as a draft",
  "video.publish": "Post content to TikTok",
};

interface Request {
  readonly client: OAuthClient;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly query: URLSearchParams;
}

class PageError extends Error {}

/** Reads the app's request; what is wrong with it is shown to the person, never redirected. */
function readRequest(world: World, query: URLSearchParams): Request {
  const client = world.client("tiktok", query.get("client_key"));
  if (!client) throw new PageError("client_key");
  const redirectUri = query.get("redirect_uri") ?? "";
  if (!client.redirect_uris.includes(redirectUri)) throw new PageError("redirect_uri");
  if (query.get("response_type") !== "code") throw new PageError("response_type");
  // Commas: a list with spaces is one scope that does not exist.
  const scopes = (query.get("scope") ?? "").split(",").filter(Boolean);
  if (scopes.length === 0 || scopes.some((scope) => !(scope in scopeTexts))) {
    throw new PageError("scope");
  }
  return { client, redirectUri, scopes, query };
}

function back(c: Context, request: Request, answer: Record<string, string>): Response {
  return sendBack(c, request.redirectUri, { ...answer, state: request.query.get("state") });
}

function deny(c: Context, request: Request): Response {
  return back(c, request, {
    error: "access_denied",
    error_description: "The user has denied the authorization request",
  });
}

function approve(
  c: Context,
  world: World,
  request: Request,
  email: string,
  granted: readonly string[],
): Response {
  const creator = world.tiktok.creators.creator(email);
  const now = world.now();
  const code = world.tiktok.grants.keepCode({
    client_key: request.client.id,
    redirect_uri: request.redirectUri,
    email: creator.email,
    scopes: granted,
    expires_at: now + world.settings.code_seconds * 1_000,
  }, now);
  world.save();
  return back(c, request, { code, scopes: granted.join(",") });
}

/** Decides without asking, or shows the page. `login_hint` is the simulator's own. */
function ask(c: Context, world: World, request: Request): Response | Promise<Response> {
  const { scopes, query } = request;
  const email = (query.get("login_hint") ?? world.consent.account).toLowerCase();
  const decision = decidedAtOnce(c, world.consent);
  if (decision !== null) {
    const granted = scopes.filter((scope) => !world.consent.withheld.includes(scope));
    return decision === "approve" && granted.length > 0
      ? approve(c, world, request, email, granted)
      : deny(c, request);
  }
  const known = world.tiktok.creators.creators().map((creator) => creator.email);
  return c.html(consentPage({
    ...request,
    provider: "TikTok",
    action: "decision",
    scopeTexts,
    accounts: [...new Set([email, ...known])],
    chosen: email,
  }));
}

/** `GET /v2/auth/authorize/` and the form it shows. */
export function authorizeRoutes(world: World): Hono {
  const app = new Hono();
  app.get("/", (c) => ask(c, world, readRequest(world, new URL(c.req.url).searchParams)));
  app.post("/decision", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const request = readRequest(world, form);
    const granted = form.getAll("granted").filter((scope) => request.scopes.includes(scope));
    return form.get("decision") === "approve" && granted.length > 0
      ? approve(c, world, request, form.get("account") ?? world.consent.account, granted)
      : deny(c, request);
  });
  app.onError((error, c) => {
    if (!(error instanceof PageError)) throw error;
    return c.html(errorPage(400, error.message, "Something in the app's request is wrong."), 400);
  });
  return app;
}

/**
 * Google's authorization endpoint: who signs in, what they allow, and the way back to the app.
 * @module
 */
import { type Context, Hono } from "hono";
import { decidedAtOnce, sendBack } from "../consent_flow.ts";
import { consentPage, errorPage } from "../consent_page.ts";
import { scribble } from "../seeded.ts";
import type { World } from "../world.ts";
import type { OAuthClient } from "../consents.ts";

const scopeTexts: Readonly<Record<string, string>> = {
  openid: "Associate you with your personal info on Google",
  email: "See your primary Google Account email address",
  profile: "See your personal info",
  "https://www.googleapis.com/auth/youtube.readonly": "View your YouTube account",
  "https://www.googleapis.com/auth/youtube.upload": "Manage your YouTube videos",
  "https://www.googleapis.com/auth/youtube.force-ssl":
    "See, edit, and permanently delete your YouTube videos, ratings, comments and captions",
  "https://www.googleapis.com/auth/yt-analytics.readonly": "View YouTube Analytics reports",
};

interface Request {
  readonly client: OAuthClient;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly prompts: readonly string[];
  readonly query: URLSearchParams;
}

class PageError extends Error {
  constructor(readonly status: 400 | 401, readonly code: string, explanation: string) {
    super(explanation);
  }
}

/** Reads the app's request; what is wrong with it is shown to the person, never redirected. */
function readRequest(world: World, query: URLSearchParams): Request {
  const client = world.client("google", query.get("client_id"));
  if (!client) throw new PageError(401, "invalid_client", "The OAuth client was not found.");
  const redirectUri = query.get("redirect_uri") ?? "";
  if (!client.redirect_uris.includes(redirectUri)) {
    throw new PageError(
      400,
      "redirect_uri_mismatch",
      `The redirect URI in the request, ${redirectUri || "(none)"}, does not match the ones ` +
        "authorized for the OAuth client.",
    );
  }
  const missing = (name: string) =>
    new PageError(400, "invalid_request", `Required parameter is missing: ${name}`);
  if (!query.get("response_type")) throw missing("response_type");
  if (query.get("response_type") !== "code") {
    throw new PageError(400, "unsupported_response_type", "Only response_type=code is served.");
  }
  const scopes = (query.get("scope") ?? "").split(" ").filter(Boolean);
  if (scopes.length === 0) throw missing("scope");
  const unknown = scopes.find((scope) =>
    !/^(openid|email|profile|https:\/\/www\.googleapis\.com\/auth\/[\w.-]+)$/.test(scope)
  );
  if (unknown) {
    throw new PageError(400, "invalid_scope", `Some requested scopes were invalid: ${unknown}`);
  }
  const method = query.get("code_challenge_method") ?? "plain";
  if (query.has("code_challenge") && !["S256", "plain"].includes(method)) {
    throw new PageError(400, "invalid_request", "Invalid code_challenge_method.");
  }
  const prompts = (query.get("prompt") ?? "").split(" ").filter(Boolean);
  return { client, redirectUri, scopes, prompts, query };
}

function back(c: Context, request: Request, answer: Record<string, string>): Response {
  return sendBack(c, request.redirectUri, { state: request.query.get("state"), ...answer });
}

function approve(
  c: Context,
  world: World,
  request: Request,
  email: string,
  granted: readonly string[],
): Response {
  const { client, query } = request;
  const account = world.accounts.account(email);
  const earlier = world.consents.granted(client.project, account.email);
  const scope = query.get("include_granted_scopes") === "true"
    ? [...new Set([...granted, ...earlier])].join(" ")
    : granted.join(" ");
  const challenge = query.get("code_challenge");
  const code = `4/0A${scribble(70, crypto.randomUUID())}`;
  world.consents.keepCode(code, {
    client_id: client.id,
    redirect_uri: request.redirectUri,
    email: account.email,
    scope,
    offline: query.get("access_type") === "offline",
    // Without prompt=consent, only a first consent yields a refresh token.
    forced: request.prompts.includes("consent") || earlier.length === 0,
    challenge: challenge === null ? null : {
      text: challenge,
      method: query.get("code_challenge_method") === "S256" ? "S256" : "plain",
    },
    expires_at: world.now() + world.settings.code_seconds * 1_000,
  }, world.now());
  world.consents.allow(client.project, account.email, granted.join(" "));
  world.save();
  return back(c, request, { code, scope, authuser: "0", prompt: request.prompts[0] ?? "none" });
}

/** Decides without asking, or shows the page. */
function ask(c: Context, world: World, request: Request): Response | Promise<Response> {
  const { client, scopes, prompts, query } = request;
  const email = (query.get("login_hint") ?? world.consent.account).toLowerCase();
  const earlier = world.consents.granted(client.project, email);
  const known = scopes.every((scope) => earlier.includes(scope));
  if (prompts.includes("none")) {
    return known
      ? approve(c, world, request, email, scopes)
      : back(c, request, { error: "interaction_required" });
  }
  if (known && prompts.length === 0) return approve(c, world, request, email, scopes);
  const decision = decidedAtOnce(c, world.consent);
  if (decision !== null) {
    const granted = scopes.filter((scope) => !world.consent.withheld.includes(scope));
    return decision === "approve" && granted.length > 0
      ? approve(c, world, request, email, granted)
      : back(c, request, { error: "access_denied" });
  }
  const accounts = [...new Set([email, ...world.accounts.accounts().map((one) => one.email)])];
  const page = { provider: "Google", action: "auth/decision", client, scopes, scopeTexts, query };
  return c.html(consentPage({ ...page, accounts, chosen: email }));
}

/** `GET /auth` and the form it shows, `POST /auth/decision`. */
export function authorizeRoutes(world: World): Hono {
  const app = new Hono();
  app.get("/auth", (c) => ask(c, world, readRequest(world, new URL(c.req.url).searchParams)));
  app.post("/auth/decision", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const request = readRequest(world, form);
    const granted = form.getAll("granted").filter((scope) => request.scopes.includes(scope));
    if (form.get("decision") !== "approve" || granted.length === 0) {
      return back(c, request, { error: "access_denied" });
    }
    return approve(c, world, request, form.get("account") ?? world.consent.account, granted);
  });
  app.onError((error, c) => {
    if (!(error instanceof PageError)) throw error;
    return c.html(errorPage(error.status, error.code, error.message), error.status);
  });
  return app;
}

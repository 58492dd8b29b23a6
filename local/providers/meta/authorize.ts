/**
 * Meta's consent: Instagram's authorize page and Facebook's login dialog.
 * @module
 */
import { type Context, Hono } from "hono";
import { decidedAtOnce, sendBack } from "../consent_flow.ts";
import { consentPage, errorPage } from "../consent_page.ts";
import type { OAuthClient } from "../consents.ts";
import { scribble } from "../seeded.ts";
import type { World } from "../world.ts";
import type { MetaProvider } from "./token.ts";

/** What differs between the two. */
export interface ConsentDialect {
  readonly provider: MetaProvider;
  /** As people know it. */
  readonly title: string;
  /** Every scope there is, in words. */
  readonly scopeTexts: Readonly<Record<string, string>>;
  /** Where the page's form goes, seen from the page. */
  readonly action: string;
  /** Hangs on every address people are sent back to. */
  readonly fragment: string;
  /** What a refusal says. */
  readonly denial: Readonly<Record<string, string>>;
}

interface Request {
  readonly client: OAuthClient;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly query: URLSearchParams;
}

class PageError extends Error {
  constructor(readonly code: string, explanation: string) {
    super(explanation);
  }
}

/** Reads the app's request; what is wrong with it is shown to the person, never redirected. */
function readRequest(world: World, dialect: ConsentDialect, query: URLSearchParams): Request {
  const client = world.client(dialect.provider, query.get("client_id"));
  if (!client) throw new PageError("invalid_app", "Invalid platform app");
  const redirectUri = query.get("redirect_uri") ?? "";
  if (!client.redirect_uris.includes(redirectUri)) {
    throw new PageError("invalid_redirect_uri", "Invalid redirect_uri");
  }
  if ((query.get("response_type") ?? "code") !== "code") {
    throw new PageError("unsupported_response_type", "Only response_type=code is served.");
  }
  const scopes = (query.get("scope") ?? "").split(/[ ,]+/).filter(Boolean);
  const unknown = scopes.filter((scope) => !(scope in dialect.scopeTexts));
  if (scopes.length === 0 || unknown.length > 0) {
    throw new PageError("invalid_scope", `Invalid Scopes: ${unknown.join(", ") || "none given"}`);
  }
  return { client, redirectUri, scopes, query };
}

function back(
  c: Context,
  { fragment }: ConsentDialect,
  { redirectUri, query }: Request,
  answer: Readonly<Record<string, string>>,
): Response {
  return sendBack(c, redirectUri, { ...answer, state: query.get("state") }, fragment);
}

function approve(
  c: Context,
  world: World,
  dialect: ConsentDialect,
  request: Request,
  account: string,
  granted: readonly string[],
): Response {
  const { client, redirectUri } = request;
  const email = account.toLowerCase();
  const code = `AQ${scribble(120, crypto.randomUUID())}`;
  world.consents.keepCode(code, {
    client_id: client.id,
    redirect_uri: redirectUri,
    email,
    scope: granted.join(","),
    // Neither PKCE nor offline access is known here.
    offline: true,
    forced: true,
    challenge: null,
    expires_at: world.now() + world.settings.code_seconds * 1_000,
  }, world.now());
  world.consents.allow(client.project, email, granted.join(" "));
  world.save();
  return back(c, dialect, request, { code });
}

/** Decides without asking, or shows the page. */
function ask(
  c: Context,
  world: World,
  dialect: ConsentDialect,
  request: Request,
): Response | Promise<Response> {
  const { client, scopes, query } = request;
  // The real ones have no login_hint: whoever is signed in answers. A test has to name somebody.
  const email = (query.get("login_hint") ?? world.consent.account).toLowerCase();
  const decision = decidedAtOnce(c, world.consent);
  if (decision !== null) {
    const granted = scopes.filter((scope) => !world.consent.withheld.includes(scope));
    return decision === "approve" && granted.length > 0
      ? approve(c, world, dialect, request, email, granted)
      : back(c, dialect, request, dialect.denial);
  }
  const accounts = [...new Set([email, ...world.accounts.accounts().map((one) => one.email)])];
  const { title: provider, action, scopeTexts } = dialect;
  const page = { provider, action, client, scopes, scopeTexts, query };
  return c.html(consentPage({ ...page, accounts, chosen: email }));
}

/** `GET` of the page and `POST` of the form it shows. */
export function consentRoutes(world: World, dialect: ConsentDialect): Hono {
  const app = new Hono();
  app.get("/", (c) => {
    const request = readRequest(world, dialect, new URL(c.req.url).searchParams);
    return ask(c, world, dialect, request);
  });
  app.post("/decision", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const request = readRequest(world, dialect, form);
    const granted = form.getAll("granted").filter((scope) => request.scopes.includes(scope));
    if (form.get("decision") !== "approve" || granted.length === 0) {
      return back(c, dialect, request, dialect.denial);
    }
    const account = form.get("account") ?? world.consent.account;
    return approve(c, world, dialect, request, account, granted);
  });
  app.onError((error, c) => {
    if (!(error instanceof PageError)) throw error;
    return c.html(errorPage(400, error.code, error.message), 400);
  });
  return app;
}

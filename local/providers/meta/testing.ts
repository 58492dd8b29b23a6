/**
 * What the contract tests of the simulated Instagram and Facebook share.
 * @module
 */
import { strict as assert } from "node:assert";
import { createHmac } from "node:crypto";
import { localApps } from "../../functions.env.ts";
import { TestSimulator } from "../testing.ts";
import type { MetaProvider } from "./token.ts";

/** The apps of the local stack. */
export const apps = {
  instagram: {
    ...localApps.instagram,
    callback: "http://127.0.0.1:54321/functions/v1/oauth-instagram-callback",
    consent: "/instagram/oauth/authorize",
    scope: "instagram_business_basic,instagram_business_manage_insights",
  },
  facebook: {
    ...localApps.facebook,
    callback: "http://127.0.0.1:54321/functions/v1/oauth-facebook-callback",
    consent: "/facebook/v26.0/dialog/oauth",
    scope: "pages_show_list,pages_read_engagement",
  },
} as const;

/** The parts of answers that tests read. */
export interface GraphAnswer {
  id: string;
  error?: {
    code: number;
    error_subcode?: number;
    message: string;
    type: string;
    fbtrace_id: string;
    is_transient?: boolean;
  };
  data?: (Record<string, unknown> & { id: string })[];
  paging?: { cursors: { before: string; after: string }; next?: string };
  [field: string]: unknown;
}

type Changes = Record<string, string | null>;

function withQuery(url: string, parameters: Changes): string {
  const target = new URL(url);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null) target.searchParams.set(name, value);
  }
  return target.href;
}

/** A running simulator and what a client of Meta does with it. */
export class MetaSimulator extends TestSimulator {
  /** Where a person is sent to, with any parameter changed or (null) left out. */
  consentUrl(provider: MetaProvider, change: Changes = {}): string {
    const { id, callback, scope, consent } = apps[provider];
    const parameters = {
      client_id: id,
      redirect_uri: callback,
      response_type: "code",
      scope,
      state: "state-1",
      ...change,
    };
    return withQuery(`${this.url}${consent}`, parameters);
  }

  /** Follows the consent without a browser and returns where it leads. */
  async visit(provider: MetaProvider, change: Changes = {}): Promise<URL> {
    const response = await fetch(this.consentUrl(provider, change), { redirect: "manual" });
    const text = await response.text();
    assert.equal(response.status, 302, text);
    return new URL(response.headers.get("location") ?? "");
  }

  /** A call with these parameters; the status and the answer. */
  async get(
    path: string,
    parameters: Changes = {},
    init?: RequestInit,
  ): Promise<{ status: number; headers: Headers; body: GraphAnswer }> {
    const response = await fetch(withQuery(`${this.url}${path}`, parameters), init);
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  /** A call of the Facebook graph with the proof that belongs to the token. */
  graph(path: string, token: string, parameters: Changes = {}, init?: RequestInit) {
    const proof = createHmac("sha256", apps.facebook.secret).update(token).digest("hex");
    const all = { access_token: token, appsecret_proof: proof, ...parameters };
    return this.get(`/facebook/v26.0/${path}`, all, init);
  }

  /** Instagram's token endpoint, with any parameter changed. */
  async instagramCode(code: string, change: Changes = {}) {
    const form = new URLSearchParams();
    const all = {
      client_id: apps.instagram.id,
      client_secret: apps.instagram.secret,
      grant_type: "authorization_code",
      redirect_uri: apps.instagram.callback,
      code,
      ...change,
    };
    for (const [name, value] of Object.entries(all)) if (value !== null) form.set(name, value);
    const response = await fetch(`${this.url}/instagram/oauth/access_token`, {
      method: "POST",
      body: form,
    });
    return { status: response.status, text: await response.text() };
  }

  /** Signs in at Instagram; the long-lived token. */
  async instagramToken(email = "creator@example.com", change: Changes = {}): Promise<string> {
    const back = await this.visit("instagram", { login_hint: email, ...change });
    const { text } = await this.instagramCode(back.searchParams.get("code") ?? "");
    const { body } = await this.get("/instagram/access_token", {
      grant_type: "ig_exchange_token",
      client_secret: apps.instagram.secret,
      access_token: JSON.parse(text).data[0].access_token,
    });
    return String(body.access_token);
  }

  /** Facebook's token endpoint. */
  facebookToken(parameters: Changes) {
    const { id, secret } = apps.facebook;
    const all = { client_id: id, client_secret: secret, ...parameters };
    return this.get("/facebook/v26.0/oauth/access_token", all);
  }

  /** Signs in at Facebook; the long-lived user token. */
  async facebookUser(email = "creator@example.com", change: Changes = {}): Promise<string> {
    const back = await this.visit("facebook", { login_hint: email, ...change });
    const short = await this.facebookToken({
      redirect_uri: apps.facebook.callback,
      code: back.searchParams.get("code"),
    });
    const long = await this.facebookToken({
      grant_type: "fb_exchange_token",
      fb_exchange_token: String(short.body.access_token),
    });
    return String(long.body.access_token);
  }

  /** Moves the simulated clock to so many seconds ahead. */
  later(seconds: number): Promise<unknown> {
    return this.admin("PUT", "settings", { clock_offset_seconds: seconds });
  }
}

/** Code and subcode of a refusal. */
export const codesOf = ({ error }: GraphAnswer) => [error?.code, error?.error_subcode];

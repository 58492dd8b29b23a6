/**
 * The steps of a TikTok client that the simulator's tests share.
 * @module
 */
import { strict as assert } from "node:assert";
import { TestSimulator } from "../testing.ts";

/** The one address the simulated TikTok lets the tests' app be called back at. */
export const callback = "http://127.0.0.1:54321/functions/v1/oauth-tiktok-callback";
/** What a sync asks for. */
export const readScopes = "user.info.basic,user.info.profile,user.info.stats,video.list";

/** What the token endpoint answers, as far as tests look. */
export interface TokenAnswer {
  access_token: string;
  expires_in: number;
  open_id: string;
  refresh_expires_in: number;
  refresh_token: string;
  scope: string;
  token_type: string;
  error?: string;
  error_description?: string;
  log_id?: string;
}

/** What the API answers, as far as tests look. */
export interface ApiAnswer {
  data: {
    user?: Record<string, string | number | boolean>;
    videos?: Record<string, string | number>[];
    cursor?: number;
    has_more?: boolean;
  };
  error: { code: string; message: string; log_id: string };
}

type Change = Record<string, string | null>;

function fill<T extends { set(name: string, value: string): void }>(target: T, values: Change): T {
  for (const [name, value] of Object.entries(values)) if (value !== null) target.set(name, value);
  return target;
}

/** A running simulator and what a TikTok client does with it. */
export class TestTikTok extends TestSimulator {
  /** The address a person is sent to, with any parameter changed or (null) left out. */
  override authorizeUrl(change: Change = {}): string {
    const url = new URL(`${this.url}/tiktok/v2/auth/authorize/`);
    fill(url.searchParams, {
      client_key: "local-tiktok-key",
      redirect_uri: callback,
      response_type: "code",
      scope: readScopes,
      state: "state-1",
      ...change,
    });
    return url.href;
  }

  /** Posts a form to `/v2/oauth/…`. */
  async post<T = TokenAnswer>(
    path: string,
    form: Change,
  ): Promise<{ status: number; body: T; text: string }> {
    const body = fill(new URLSearchParams(), {
      client_key: "local-tiktok-key",
      client_secret: "local-tiktok-secret",
      ...form,
    });
    const response = await fetch(`${this.url}/tiktok/v2/oauth/${path}/`, { method: "POST", body });
    const text = await response.text();
    return { status: response.status, text, body: text ? JSON.parse(text) : {} };
  }

  /** Exchanges a code, with any parameter changed. */
  trade(code: string, change: Change = {}) {
    const form = { grant_type: "authorization_code", code, redirect_uri: callback, ...change };
    return this.post("token", form);
  }

  /** Uses a refresh token. */
  renew(refreshToken: string, change: Change = {}) {
    const form = { grant_type: "refresh_token", refresh_token: refreshToken, ...change };
    return this.post("token", form);
  }

  /** Signs in and returns the tokens. */
  async signIn(email: string | null = null, change: Change = {}): Promise<TokenAnswer> {
    const back = await this.consent({ login_hint: email, ...change });
    const { status, body } = await this.trade(back.searchParams.get("code") ?? "");
    assert.equal(status, 200, body.error_description);
    return body;
  }

  /** Calls the API: with a body by POST. */
  async api(
    path: string,
    token: string | null,
    body?: unknown,
  ): Promise<{ status: number; headers: Headers } & ApiAnswer> {
    const response = await fetch(`${this.url}/tiktok/v2/${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json; charset=UTF-8" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer: ApiAnswer = await response.json();
    return { status: response.status, headers: response.headers, ...answer };
  }

  /** Reads posts page by page, as long as there is more. */
  async walk(token: string, fields = "id,create_time", max_count = 20): Promise<ApiAnswer[]> {
    const pages: ApiAnswer[] = [];
    let cursor: number | undefined;
    for (;;) {
      const page = await this.api(`video/list/?fields=${fields}`, token, { cursor, max_count });
      assert.equal(page.error.code, "ok");
      pages.push(page);
      if (!page.data.has_more) return pages;
      assert.ok(page.data.cursor !== cursor && pages.length < 200, "the cursor moves");
      cursor = page.data.cursor;
    }
  }
}

/** The ids of all posts of some pages. */
export const idsOf = (pages: ApiAnswer[]) =>
  pages.flatMap(({ data }) => data.videos ?? []).map(({ id }) => String(id));

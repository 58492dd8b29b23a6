/**
 * A simulator in this process, and the steps of a client that its tests share.
 * @module
 */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { localClients, serveSimulator } from "./simulator.ts";
import { World } from "./world.ts";

/** The one address the simulated Google lets the tests' app be called back at. */
export const callback = "http://127.0.0.1:54321/functions/v1/oauth-youtube-callback";
/** The scope that a sync asks for. */
export const readScope = "https://www.googleapis.com/auth/youtube.readonly";
/** A PKCE verifier and its S256 challenge. */
const verifier = "a-code-verifier-of-at-least-forty-three-characters-long";
const challenge = createHash("sha256").update(verifier).digest("base64url");

/** What the token endpoint answers, as far as tests look. */
export interface TokenAnswer {
  access_token: string;
  refresh_token?: string;
  expires_in: number;
  scope: string;
  token_type: string;
  error?: string;
}

/** A running simulator and what a client does with it. */
export class TestSimulator implements AsyncDisposable {
  readonly world = new World(localClients("http://127.0.0.1:54321"));
  readonly #server = serveSimulator(this.world);
  readonly url = this.#server.url;

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#server[Symbol.asyncDispose]());
  }

  /** The address a person is sent to, with any parameter changed or (null) left out. */
  authorizeUrl(change: Record<string, string | null> = {}): string {
    const parameters = {
      client_id: "local-google-client",
      redirect_uri: callback,
      response_type: "code",
      scope: readScope,
      state: "state-1",
      access_type: "offline",
      prompt: "consent",
      code_challenge: challenge,
      code_challenge_method: "S256",
      ...change,
    };
    const url = new URL(`${this.url}/google/o/oauth2/v2/auth`);
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== null) url.searchParams.set(name, value);
    }
    return url.href;
  }

  /** Follows the authorization without a browser and returns where it leads. */
  async consent(change: Record<string, string | null> = {}): Promise<URL> {
    const response = await fetch(this.authorizeUrl(change), { redirect: "manual" });
    await response.body?.cancel();
    assert.equal(response.status, 302);
    return new URL(response.headers.get("location") ?? "");
  }

  /** Calls the token endpoint; a parameter that is null is left out. */
  async token(
    form: Record<string, string | null>,
  ): Promise<{ status: number; body: TokenAnswer & { error_description?: string } }> {
    const all = {
      client_id: "local-google-client",
      client_secret: "local-google-secret",
      ...form,
    };
    const body = new URLSearchParams();
    for (const [name, value] of Object.entries(all)) if (value !== null) body.set(name, value);
    const response = await fetch(`${this.url}/google/token`, { method: "POST", body });
    return { status: response.status, body: await response.json() };
  }

  /** Exchanges a code, with any parameter changed. */
  exchange(code: string, change: Record<string, string | null> = {}) {
    return this.token({
      grant_type: "authorization_code",
      code,
      redirect_uri: callback,
      code_verifier: verifier,
      ...change,
    });
  }

  /** Signs in and returns the tokens. */
  async connect(
    email: string | null = null,
    change: Record<string, string | null> = {},
  ): Promise<TokenAnswer> {
    const back = await this.consent({ login_hint: email, ...change });
    const { status, body } = await this.exchange(back.searchParams.get("code") ?? "");
    assert.equal(status, 200, body.error_description);
    return body;
  }

  /** Calls the YouTube API. */
  youtube(
    path: string,
    accessToken: string | null,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const all = new Headers(headers);
    if (accessToken !== null) all.set("authorization", `Bearer ${accessToken}`);
    return fetch(`${this.url}/youtube/v3/${path}`, { headers: all });
  }

  /** Uses a switch below `/_admin`. */
  async admin<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}/_admin/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.json();
    assert.ok(response.ok, JSON.stringify(answer));
    return answer;
  }

  /** Switches one fault on, in place of all others. */
  fault(fault: Record<string, unknown>): Promise<unknown> {
    return this.admin("PUT", "faults", { faults: [fault] });
  }
}

/** For tests: a user's client as a page has it, with hands on its wire, its token and its tab. */
import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { SignJWT } from "jose";
import type { StackInfo } from "../../local/stack/client.ts";
import type { Person } from "../../supabase/tests/e2e/person.ts";
import type { Page } from "./job_source.ts";

/** A page, as far as anybody here looks. */
export class TestPage implements Page {
  readonly window = new EventTarget();
  readonly document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  /** Every socket the client has opened, the newest last. */
  readonly sockets: WebSocket[] = [];
  /** Every URL the client has fetched. */
  readonly fetched: string[] = [];
  /** What the client keeps in the browser's storage. */
  readonly storage = new Map<string, string>();
  readonly #stack: StackInfo;

  constructor(stack: StackInfo) {
    this.#stack = stack;
  }

  show(isVisible: boolean) {
    this.document.visibilityState = isVisible ? "visible" : "hidden";
    this.document.dispatchEvent(new Event("visibilitychange"));
  }

  /** A client with a user's session, as `createClient` makes it for a page. */
  async open(person: Person): Promise<SupabaseClient> {
    const { sockets } = this;
    class Socket extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    }
    const client = createClient(this.#stack.api_url, this.#stack.publishable_key, {
      auth: {
        autoRefreshToken: false,
        storageKey: `session of ${person.id}`,
        storage: {
          getItem: (name) => this.storage.get(name) ?? null,
          setItem: (name, value) => void this.storage.set(name, value),
          removeItem: (name) => void this.storage.delete(name),
        },
      },
      global: {
        fetch: (url, options) => {
          this.fetched.push(url instanceof Request ? url.url : String(url));
          return fetch(url, options);
        },
      },
      realtime: { transport: Socket as never },
    });
    const { data } = await person.client.auth.getSession();
    const { error } = await client.auth.setSession(data.session!);
    assert.equal(error, null);
    return client;
  }

  /** The user's token, except that it ends in so many seconds. */
  async tokenOf(client: SupabaseClient, seconds: number): Promise<string> {
    const { data } = await client.auth.getSession();
    const claims = JSON.parse(atob(data.session!.access_token.split(".")[1]!));
    return await new SignJWT({ ...claims, exp: Math.floor(Date.now() / 1000) + seconds })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .sign(new TextEncoder().encode(this.#stack.jwt_secret));
  }

  /** The user's session, except that it has to be renewed in so many seconds. */
  async shortSession(client: SupabaseClient, seconds: number): Promise<void> {
    const { data } = await client.auth.getSession();
    const access_token = await this.tokenOf(client, seconds);
    const { refresh_token } = data.session!;
    const { error } = await client.auth.setSession({ access_token, refresh_token });
    assert.equal(error, null);
  }

  /** The stored token gets a signature that nobody made; for the client it stays good for an hour. */
  spoilToken() {
    for (const [name, stored] of this.storage) {
      const session = JSON.parse(stored);
      const token = session.access_token.replace(/[^.]+$/, "c3BvaWx0");
      this.storage.set(name, JSON.stringify({ ...session, access_token: token }));
    }
  }
}

/** For contract tests: an authorization at a simulated platform, from its start to the page that hands in the code. */

import assert from "node:assert/strict";
import type { Person } from "../../../tests/e2e/person.ts";
import { call, type Fetch } from "./stack.ts";

/** What happens on the way. */
export interface Visit {
  redirectTo?: string;
  decision?: "approve" | "deny";
  /** A parameter that the browser loses on the way to the platform. */
  without?: string;
}

/** Authorizations at one platform, with its callback in this process. */
export class Authorization {
  constructor(readonly platform: string, readonly callback: Fetch) {}

  /** Starts one and lets the creator decide at the platform; returns where that sends back. */
  async consent(person: Person, account: string, visit: Visit = {}): Promise<URL> {
    const init = await person.call(`oauth-${this.platform}-init`, {
      redirect: visit.redirectTo,
    });
    assert.equal(init.status, 200, JSON.stringify(init.body));
    const url = new URL(String(init.body.authorization_url));
    url.searchParams.set("login_hint", account);
    if (visit.without) url.searchParams.delete(visit.without);
    const answer = await fetch(url, {
      redirect: "manual",
      headers: { "x-simulator-consent": visit.decision ?? "approve" },
    });
    const page = await answer.text();
    assert.equal(answer.status, 302, page);
    return new URL(answer.headers.get("location")!);
  }

  /** The browser comes back from the platform: where it is passed on to. */
  async comeBack(url: URL): Promise<URL> {
    const response = await this.callback(new Request(url, { headers: { accept: "text/html" } }));
    assert.equal(response.status, 303, await response.text());
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal(response.headers.get("referrer-policy"), "no-referrer");
    return new URL(response.headers.get("location")!);
  }

  /** The page that the browser is on hands in, in a user's name, what it got. */
  finish(person: Person | null, { searchParams }: URL, more = {}) {
    const body = { code: searchParams.get("code"), state: searchParams.get("state"), ...more };
    return call(this.callback, person, `oauth-${this.platform}-callback`, body);
  }

  /** All of it: consent, the way back, and the page's call. */
  async connect(person: Person, account: string, visit?: Visit) {
    return await this.finish(
      person,
      await this.comeBack(await this.consent(person, account, visit)),
    );
  }
}

/** The scopes of a user's connections: empty when there is none. */
export async function grantedScopes(person: Person): Promise<string[]> {
  const { data } = await person.client.from("platform_connection").select("scopes").throwOnError();
  return data.flatMap(({ scopes }) => scopes);
}

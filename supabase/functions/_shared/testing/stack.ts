/** For contract tests: a function's own `fetch`, called in this process against a running stack. */

import assert from "node:assert/strict";
import { readStack, type StackInfo } from "../../../../local/stack/client.ts";
import type { Person } from "../../../tests/e2e/person.ts";

/** The `fetch` of a function. */
export type Fetch = (request: Request) => Promise<Response>;

/** A test that needs a running stack: skipped unless STREAMVIBE_STACK names one. */
export function stackTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ignore: !Deno.env.has("STREAMVIBE_STACK") });
}

/** Loads a function with the configuration that the stack would give it. */
export async function openFunction(
  load: () => Promise<{ default: { fetch: Fetch } }>,
): Promise<{ fetch: Fetch; stack: StackInfo }> {
  const stack = await readStack();
  const variables = {
    SUPABASE_URL: stack.api_url,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: stack.publishable_key }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: stack.secret_key }),
    // No key fits, so these tests go the way of asking the auth server; auth_test.ts has the other.
    SUPABASE_JWKS: '{"keys":[]}',
    PUBLIC_URL: stack.api_url,
    SITE_URL: "http://127.0.0.1:3000",
    AUTOMATION_KEY: stack.automation_key,
    GOOGLE_CLIENT_ID: "local-google-client",
    GOOGLE_CLIENT_SECRET: "local-google-secret",
    GOOGLE_AUTH_URL: `${stack.providers_url}/google/o/oauth2/v2/auth`,
    GOOGLE_TOKEN_URL: `${stack.providers_url}/google`,
    YOUTUBE_API_URL: `${stack.providers_url}/youtube/v3`,
    INSTAGRAM_APP_ID: "1000000000000001",
    INSTAGRAM_APP_SECRET: "local-instagram-secret",
    INSTAGRAM_AUTH_URL: `${stack.providers_url}/instagram/oauth/authorize`,
    INSTAGRAM_TOKEN_URL: `${stack.providers_url}/instagram/oauth/access_token`,
    INSTAGRAM_GRAPH_URL: `${stack.providers_url}/instagram`,
    FACEBOOK_APP_ID: "1000000000000002",
    FACEBOOK_APP_SECRET: "local-facebook-secret",
    FACEBOOK_DIALOG_URL: `${stack.providers_url}/facebook`,
    FACEBOOK_GRAPH_URL: `${stack.providers_url}/facebook`,
    TIKTOK_CLIENT_KEY: "local-tiktok-key",
    TIKTOK_CLIENT_SECRET: "local-tiktok-secret",
    TIKTOK_AUTH_URL: `${stack.providers_url}/tiktok/v2/auth/authorize/`,
    TIKTOK_API_URL: `${stack.providers_url}/tiktok`,
  };
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  return { fetch: (await load()).default.fetch, stack };
}

/** A call in somebody's name; null calls with the publishable key only. A body makes it a POST. */
export async function call(fetch: Fetch, person: Person | null, path: string, body?: unknown) {
  const token = person?.token ?? (await readStack()).publishable_key;
  const response = await fetch(
    new Request(`http://function/${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    }),
  );
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Fails unless the answer is the envelope of this error. */
export function assertRefused(
  answer: { status: number; headers: Headers; body: Record<string, unknown> },
  status: number,
  code: string,
): void {
  const { success, error } = answer.body as { success: boolean; error?: { code: string } };
  assert.deepEqual([answer.status, success, error?.code], [status, false, code]);
  assert.ok(answer.headers.get("x-request-id"));
}

import assert from "node:assert/strict";
import { AppError } from "../errors.ts";
import { createConnections } from "./connections.ts";
import type { OAuthClient, TokenGrant } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";
import type { StoredTokens, TokenStore } from "./token_store.ts";

const NOW = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

/** A store of one connection that behaves like the SQL functions. */
function fakeStore(initial: Partial<StoredTokens> = {}) {
  const row: StoredTokens = {
    connection_id: "c1",
    platform_name: "youtube",
    access_token: "at-1",
    refresh_token: "rt-1",
    token_expires_at: new Date(NOW + HOUR).toISOString(),
    token_version: 1,
    status: "active",
    ...initial,
  };
  const revoked: string[] = [];
  const store: TokenStore = {
    read: () => Promise.resolve({ ...row }),
    swap(read, grant) {
      if (read.token_version !== row.token_version) return Promise.resolve(false);
      row.access_token = grant.accessToken;
      row.refresh_token = grant.refreshToken ?? row.refresh_token;
      row.token_expires_at = grant.expiresAt;
      row.token_version += 1;
      return Promise.resolve(true);
    },
    markRevoked(read, reason) {
      if (read.token_version === row.token_version) row.status = "disconnected";
      revoked.push(reason);
      return Promise.resolve();
    },
  };
  return { row, revoked, store };
}

function open(store: TokenStore, refresh: OAuthClient["refresh"]) {
  const unused = () => assert.fail("not part of this");
  const oauth: OAuthClient = {
    pkce: true,
    refreshesWith: "refresh_token",
    refresh,
    authorizationUrl: unused,
    exchangeCode: unused,
    revoke: unused,
  };
  return createConnections({ store, platforms: { youtube: { oauth } }, now: () => NOW });
}

function grant(accessToken: string, refreshToken: string | null = null): Promise<TokenGrant> {
  const expiresAt = new Date(NOW + HOUR).toISOString();
  return Promise.resolve({ accessToken, refreshToken, expiresAt, scopes: [] });
}

function refusal(reason: string, kind: ProviderError["class"] = "reauth") {
  const fault = { provider: "p", httpStatus: 401, code: reason, message: reason };
  return new ProviderError({ ...fault, reason, class: kind });
}

const isRevoked = (error: unknown) =>
  error instanceof AppError && error.code === "CONNECTION_REVOKED";
const never = () => assert.fail("must not refresh");
const echo = (token: string) => Promise.resolve(token);

Deno.test("withAccessToken() uses a token that is still good", async () => {
  const { store } = fakeStore();
  assert.equal(await open(store, never).withAccessToken("a", echo), "at-1");
});

Deno.test("withAccessToken() refreshes a token that ends soon and keeps the refresh token", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW + 60_000).toISOString() });
  assert.equal(await open(store, () => grant("at-2")).withAccessToken("a", echo), "at-2");
  assert.deepEqual([row.token_version, row.refresh_token], [2, "rt-1"]);
});

Deno.test("withAccessToken() refreshes once for many callers at once", async () => {
  const { store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  let refreshes = 0;
  const { withAccessToken } = open(store, () => {
    refreshes += 1;
    return grant("at-2");
  });
  const tokens = await Promise.all(Array.from({ length: 20 }, () => withAccessToken("a", echo)));
  assert.deepEqual([refreshes, new Set(tokens)], [1, new Set(["at-2"])]);
});

Deno.test("withAccessToken() refreshes a refused token and tries once more", async () => {
  const { store } = fakeStore();
  const used: string[] = [];
  const result = await open(store, () => grant("at-2")).withAccessToken("a", (token) => {
    used.push(token);
    return token === "at-1" ? Promise.reject(refusal("authError")) : Promise.resolve("done");
  });
  assert.deepEqual([result, used], ["done", ["at-1", "at-2"]]);
});

Deno.test("withAccessToken() ends the connection when a fresh token is refused as well", async () => {
  const { row, revoked, store } = fakeStore();
  const { withAccessToken } = open(store, () => grant("at-2"));
  const use = () => Promise.reject(refusal("authError"));
  await assert.rejects(withAccessToken("a", use), isRevoked);
  assert.deepEqual([row.status, revoked], ["disconnected", ["authError"]]);
});

Deno.test("withAccessToken() ends the connection when the grant is gone", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  const { withAccessToken } = open(store, () => Promise.reject(refusal("invalid_grant")));
  await assert.rejects(withAccessToken("a", never), isRevoked);
  assert.equal(row.status, "disconnected");
  await assert.rejects(withAccessToken("a", never), isRevoked);
});

Deno.test("withAccessToken() ends an expired connection that has no refresh token", async () => {
  const { row, store } = fakeStore({
    refresh_token: null,
    token_expires_at: new Date(NOW).toISOString(),
  });
  await assert.rejects(open(store, never).withAccessToken("a", never), isRevoked);
  assert.equal(row.status, "disconnected");
});

Deno.test("withAccessToken() goes on with the tokens of another worker that was faster", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  const { withAccessToken } = open(store, async () => {
    await store.swap({ ...row }, await grant("at-theirs", "rt-theirs"));
    return grant("at-ours");
  });
  assert.equal(await withAccessToken("a", echo), "at-theirs");
  assert.equal(row.refresh_token, "rt-theirs");
});

Deno.test("withAccessToken() does not take a token that another worker rotated for a revoked one", async () => {
  const { row, revoked, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  const { withAccessToken } = open(store, async () => {
    await store.swap({ ...row }, await grant("at-theirs", "rt-theirs"));
    throw refusal("invalid_grant");
  });
  assert.equal(await withAccessToken("a", echo), "at-theirs");
  assert.deepEqual(revoked, []);
});

Deno.test("withAccessToken() leaves the connection alone when the provider is only down", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  const down = refusal("http_503", "retry_transient");
  const { withAccessToken } = open(store, () => Promise.reject(down));
  await assert.rejects(withAccessToken("a", never), (error) => error === down);
  assert.equal(row.status, "active");
});

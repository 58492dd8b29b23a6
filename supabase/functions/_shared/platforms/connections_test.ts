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
  let lease: string | null = null;
  const isCurrent = ({ token_version }: StoredTokens) =>
    token_version === row.token_version && row.status === "active";
  const store: TokenStore = {
    read: () => Promise.resolve({ ...row }),
    claim(read, holder) {
      if (!isCurrent(read)) return Promise.resolve("stale");
      if (lease !== null) return Promise.resolve("busy");
      lease = holder;
      return Promise.resolve("claimed");
    },
    release(_read, holder) {
      if (lease === holder) lease = null;
      return Promise.resolve();
    },
    swap(read, grant) {
      if (read.token_version !== row.token_version) return Promise.resolve(false);
      row.access_token = grant.accessToken;
      row.refresh_token = grant.refreshToken ?? row.refresh_token;
      row.token_expires_at = grant.expiresAt;
      row.token_version += 1;
      lease = null;
      return Promise.resolve(true);
    },
    markRevoked(read, reason) {
      if (!isCurrent(read)) return Promise.resolve();
      row.status = "disconnected";
      row.access_token = null;
      revoked.push(reason);
      return Promise.resolve();
    },
  };
  return { row, revoked, store };
}

function open(
  store: TokenStore,
  refresh: OAuthClient["refresh"],
  refreshesWith: OAuthClient["refreshesWith"] = "refresh_token",
) {
  const unused = () => assert.fail("not part of this");
  const oauth: OAuthClient = {
    pkce: true,
    refreshesWith,
    refresh,
    authorizationUrl: unused,
    exchangeCode: unused,
    revoke: unused,
  };
  let now = NOW;
  const sleep = (ms: number) => {
    now += ms;
    return new Promise<void>((resolve) => setTimeout(resolve));
  };
  return createConnections({ store, platforms: { youtube: { oauth } }, now: () => now, sleep });
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

Deno.test("withAccessToken() makes one refresh of those of many workers", async () => {
  const { store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  let refreshes = 0;
  const workers = Array.from({ length: 20 }, () =>
    open(store, async () => {
      refreshes += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      return await grant("at-2", "rt-2");
    }));
  const tokens = await Promise.all(workers.map((one) => one.withAccessToken("a", echo)));
  assert.deepEqual([refreshes, new Set(tokens)], [1, new Set(["at-2"])]);
});

Deno.test("withAccessToken() does not wait for ever for a refresh that does not end", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  await store.claim({ ...row }, "a worker that hangs");
  await assert.rejects(open(store, never).withAccessToken("a", never), (error) => {
    return error instanceof AppError && error.code === "SERVICE_UNAVAILABLE";
  });
  assert.equal(row.status, "active");
});

Deno.test("withAccessToken() lets the next one try when the provider was down", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  const down = refusal("http_503", "retry_transient");
  await assert.rejects(
    open(store, () => Promise.reject(down)).withAccessToken("a", never),
    (error) => error === down,
  );
  assert.equal(row.status, "active");
  assert.equal(await open(store, () => grant("at-2")).withAccessToken("a", echo), "at-2");
});

Deno.test("withAccessToken() stores what a provider has given out although the database stumbles", async () => {
  const { row, store } = fakeStore({ token_expires_at: new Date(NOW).toISOString() });
  let tries = 0;
  const stumbling: TokenStore = {
    ...store,
    swap: (read, given) => {
      tries += 1;
      return tries < 3
        ? Promise.reject(new AppError("SERVICE_UNAVAILABLE"))
        : store.swap(read, given);
    },
  };
  const { withAccessToken } = open(stumbling, () => grant("at-2", "rt-2"));
  assert.deepEqual([await withAccessToken("a", echo), row.refresh_token, tries], [
    "at-2",
    "rt-2",
    3,
  ]);
});

Deno.test("renew() renews the tokens it was asked about and no later ones", async () => {
  const { row, store } = fakeStore();
  assert.equal(await open(store, () => grant("at-2")).renew("a", 1), true);
  assert.equal(await open(store, never).renew("a", 1), false);
  assert.deepEqual([row.access_token, row.token_version], ["at-2", 2]);
});

Deno.test("renew() renews a token that is refreshed with itself", async () => {
  const { row, store } = fakeStore({ refresh_token: null });
  const { renew } = open(store, ({ accessToken }) => grant(`${accessToken}+`), "access_token");
  assert.equal(await renew("a", 1), true);
  assert.deepEqual([row.access_token, row.refresh_token], ["at-1+", null]);
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

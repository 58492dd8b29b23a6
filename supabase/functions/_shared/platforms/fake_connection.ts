/** For tests of connections: one connection in memory, and a platform that refreshes as told. */
import assert from "node:assert/strict";
import { AppError } from "../errors.ts";
import { createConnections } from "./connections.ts";
import type { OAuthClient, TokenGrant } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";
import type { StoredTokens, TokenStore } from "./token_store.ts";

export const NOW = Date.UTC(2026, 0, 1);
/** Of the access tokens. */
const HOUR = 3_600_000;

/** A store of one connection that behaves like the SQL functions. */
export function fakeStore(initial: Partial<StoredTokens> = {}) {
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

/** Connections of one worker over a store, to a platform that refreshes like this. */
export function open(
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

/** What a token endpoint grants. */
export function grant(
  accessToken: string,
  refreshToken: string | null = null,
): Promise<TokenGrant> {
  const expiresAt = new Date(NOW + HOUR).toISOString();
  return Promise.resolve({ accessToken, refreshToken, expiresAt, scopes: [] });
}

/** What a provider refuses with. */
export function refusal(reason: string, kind: ProviderError["class"] = "reauth") {
  const fault = { provider: "p", httpStatus: 401, code: reason, message: reason };
  return new ProviderError({ ...fault, reason, class: kind });
}

/** Whether a connection is said to have ended. */
export const isRevoked = (error: unknown) =>
  error instanceof AppError && error.code === "CONNECTION_REVOKED";
/** A refresh, or a use, that must not be. */
export const never = () => assert.fail("must not refresh");
/** Uses a token by showing it. */
export const echo = (token: string) => Promise.resolve(token);

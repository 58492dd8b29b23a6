/**
 * Valid access tokens for connected accounts.
 *
 * A refresh is single-flight: in this worker by sharing one promise per token version, between
 * workers by compare-and-swap on that version. Whoever loses the swap goes on with the winner's tokens.
 */

import { AppError } from "../errors.ts";
import type { OAuthClient } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";
import { platforms } from "./registry.ts";
import { type StoredTokens, type TokenStore, tokenStore } from "./token_store.ts";

/** What the connections rest on; a test passes plain objects. */
export interface ConnectionDeps {
  store: TokenStore;
  /** By platform name. */
  platforms: Record<string, { oauth: OAuthClient }>;
  now: () => number;
}

/** Opens connections with these parts. */
export interface Connections {
  /**
   * Runs `use` with a valid access token of the account. When the provider refuses the token, it is
   * refreshed and `use` runs once more. When the grant is gone, the connection is marked revoked and
   * `CONNECTION_REVOKED` is thrown.
   */
  withAccessToken<T>(
    socialAccountId: string,
    use: (accessToken: string) => Promise<T>,
  ): Promise<T>;
}

type ActiveTokens = StoredTokens & { access_token: string };

/** A token that ends this soon is refreshed first: a piece of work must fit into the rest. */
const EARLY_MS = 2 * 60 * 1000;

/** Connections over the given parts. */
export function createConnections({ store, platforms, now }: ConnectionDeps): Connections {
  const flights = new Map<string, Promise<ActiveTokens>>();

  /** One flight per version. It ignores any caller's abort signal, since others wait for it too. */
  function refresh(socialAccountId: string, tokens: ActiveTokens): Promise<ActiveTokens> {
    const key = `${tokens.connection_id}:${tokens.token_version}`;
    const flight = flights.get(key) ??
      refreshOnce(socialAccountId, tokens).finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  }

  async function refreshOnce(socialAccountId: string, tokens: ActiveTokens): Promise<ActiveTokens> {
    const platform = platforms[tokens.platform_name];
    if (!platform) throw new Error(`Nobody refreshes tokens of ${tokens.platform_name}`);
    const { oauth } = platform;
    const { access_token: accessToken, refresh_token: refreshToken } = tokens;
    if (oauth.refreshesWith === "refresh_token" && refreshToken === null) {
      return await revoke(tokens, "no refresh token");
    }
    try {
      const grant = await oauth.refresh({ accessToken, refreshToken });
      await store.swap(tokens, grant);
    } catch (error) {
      if (!isReauth(error)) throw error;
      // A token that another worker has just rotated is refused like a revoked one.
      const current = await store.read(socialAccountId);
      if (current.token_version === tokens.token_version) {
        return await revoke(tokens, error.reason, error);
      }
    }
    // Ours if the swap was won, else the winner's.
    return assertActive(await store.read(socialAccountId));
  }

  async function revoke(tokens: StoredTokens, reason: string, cause?: unknown): Promise<never> {
    await store.markRevoked(tokens, reason);
    throw new AppError("CONNECTION_REVOKED", { cause });
  }

  return {
    async withAccessToken(socialAccountId, use) {
      let tokens = assertActive(await store.read(socialAccountId));
      if (endsSoon(tokens, now())) tokens = await refresh(socialAccountId, tokens);
      try {
        return await use(tokens.access_token);
      } catch (error) {
        if (!isReauth(error)) throw error;
      }
      tokens = await refresh(socialAccountId, tokens);
      try {
        return await use(tokens.access_token);
      } catch (error) {
        if (!isReauth(error)) throw error;
        return await revoke(tokens, error.reason, error);
      }
    },
  };
}

/** Runs `use` with a valid access token of the account; see {@link Connections.withAccessToken}. */
export const withAccessToken: Connections["withAccessToken"] = (socialAccountId, use) =>
  connections.withAccessToken(socialAccountId, use);

/** Shared by all jobs of this worker, so that their refreshes meet. */
const connections = createConnections({ store: tokenStore, platforms, now: Date.now });

function assertActive(tokens: StoredTokens): ActiveTokens {
  const { status, access_token } = tokens;
  if (status !== "active" || access_token === null) throw new AppError("CONNECTION_REVOKED");
  return { ...tokens, access_token };
}

function endsSoon({ token_expires_at }: StoredTokens, now: number): boolean {
  return token_expires_at !== null && Date.parse(token_expires_at) - now < EARLY_MS;
}

function isReauth(error: unknown): error is ProviderError {
  return error instanceof ProviderError && error.class === "reauth";
}

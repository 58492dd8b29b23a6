/** Valid access tokens for connected accounts. */

import { AppError } from "../errors.ts";
import { sleep, systemClock } from "../jobs/clock.ts";
import { platforms } from "./registry.ts";
import { assertActive, createRefresh, isReauth, type RefreshDeps } from "./token_refresh.ts";
import { type StoredTokens, tokenStore } from "./token_store.ts";

/** Opens connections with these parts. */
export interface Connections {
  /**
   * Runs `use` with a valid access token of the account. When the provider refuses the token, it is
   * refreshed and `use` runs once more. When the grant is gone, the connection is marked revoked and
   * `CONNECTION_REVOKED` is thrown. `use` is told the platform, for who has nothing but the account.
   */
  withAccessToken<T>(
    socialAccountId: string,
    use: (accessToken: string, platform: string) => Promise<T>,
  ): Promise<T>;
}

/** Renews tokens that nobody uses just now. */
export interface Renewals {
  /** False when the tokens are no longer those of this version. Throws as `withAccessToken()` does. */
  renew(socialAccountId: string, tokenVersion: number): Promise<boolean>;
}

/** A token that ends this soon is refreshed first: a piece of work must fit into the rest. */
const EARLY_MS = 2 * 60 * 1000;

/** Connections over the given parts. */
export function createConnections(deps: RefreshDeps): Connections & Renewals {
  const { store, now } = deps;
  const refresh = createRefresh(deps);

  return {
    async withAccessToken(socialAccountId, use) {
      let tokens = assertActive(await store.read(socialAccountId));
      if (endsSoon(tokens, now())) tokens = await refresh(socialAccountId, tokens);
      try {
        return await use(tokens.access_token, tokens.platform_name);
      } catch (error) {
        if (!isReauth(error)) throw error;
      }
      tokens = await refresh(socialAccountId, tokens);
      try {
        return await use(tokens.access_token, tokens.platform_name);
      } catch (error) {
        if (!isReauth(error)) throw error;
        await store.markRevoked(tokens, error.reason);
        throw new AppError("CONNECTION_REVOKED", { cause: error });
      }
    },

    async renew(socialAccountId, tokenVersion) {
      const tokens = assertActive(await store.read(socialAccountId));
      if (tokens.token_version !== tokenVersion) return false;
      await refresh(socialAccountId, tokens);
      return true;
    },
  };
}

/** Shared by all jobs of this worker, so that their refreshes meet. */
export const connections: Connections & Renewals = createConnections({
  store: tokenStore,
  platforms,
  now: Date.now,
  sleep: (ms) => sleep(systemClock, ms),
});

function endsSoon({ token_expires_at }: StoredTokens, now: number): boolean {
  return token_expires_at !== null && Date.parse(token_expires_at) - now < EARLY_MS;
}

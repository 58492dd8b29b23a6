/**
 * New tokens for old ones, at one call of the provider however many workers want them: a refresh token
 * that rotates and is used twice ends the grant. In this worker all share one promise per version of the
 * tokens; between workers one holds a lease in the database, and the others wait for what it stores.
 *
 * What remains: a worker that dies between the provider's answer and storing it. The lease runs out, the
 * next refresh is refused if the provider had rotated, and the connection ends as a revoked one. That is
 * one call of the database long, which is made again while the database is in trouble.
 */

import { toAppError } from "../error_mapping.ts";
import { AppError } from "../errors.ts";
import { systemClock } from "../jobs/clock.ts";
import { insist } from "../jobs/insist.ts";
import type { OAuthClient, TokenGrant } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";
import type { StoredTokens, TokenStore } from "./token_store.ts";

/** What a refresh rests on; a test passes plain objects. */
export interface RefreshDeps {
  store: TokenStore;
  /** By platform name. */
  platforms: Record<string, { oauth: OAuthClient }>;
  now: () => number;
  sleep: (ms: number) => Promise<void>;
}

/** Tokens of a connection that works. */
export type ActiveTokens = StoredTokens & { access_token: string };

/** Refreshes the tokens that were read, or says who did. Throws `CONNECTION_REVOKED` when the grant is gone. */
export type Refresh = (socialAccountId: string, tokens: ActiveTokens) => Promise<ActiveTokens>;

/** How often somebody else's refresh is asked about. */
const POLL_MS = 200;
/** Longer than a lease: by then its holder has stored, given up or died. */
const PATIENCE_MS = 65_000;
/**
 * How long the provider may take, over all calls of a refresh, and then storing, whose last try may last
 * 15 s more: together less than a lease.
 */
const PROVIDER_MS = 15_000;
const STORE_MS = 20_000;

/** Refreshes over the given parts. */
export function createRefresh({ store, platforms, now, sleep }: RefreshDeps): Refresh {
  const flights = new Map<string, Promise<ActiveTokens>>();

  async function refreshOnce(socialAccountId: string, tokens: ActiveTokens): Promise<ActiveTokens> {
    const holder = crypto.randomUUID();
    if (await claim(tokens, holder)) await renew(tokens, holder);
    // Ours, or those of who was faster.
    return assertActive(await store.read(socialAccountId));
  }

  /** True once these tokens are ours to use, false when they are no longer the current ones. */
  async function claim(tokens: ActiveTokens, holder: string): Promise<boolean> {
    for (const end = now() + PATIENCE_MS; now() < end; await sleep(POLL_MS)) {
      const answer = await store.claim(tokens, holder);
      if (answer !== "busy") return answer === "claimed";
    }
    throw new AppError("SERVICE_UNAVAILABLE", { cause: "another worker's refresh does not end" });
  }

  async function renew(tokens: ActiveTokens, holder: string): Promise<void> {
    let grant: TokenGrant;
    try {
      grant = await askProvider(tokens);
    } catch (error) {
      if (isReauth(error)) return await store.markRevoked(tokens, error.reason);
      // What cannot be given back runs out.
      await store.release(tokens, holder).catch(() => {});
      throw error;
    }
    await insist({
      clock: systemClock,
      signal: AbortSignal.timeout(STORE_MS),
      isFinal: (error) => toAppError(error).status < 500,
      onTrouble: () => {},
    }, () => store.swap(tokens, grant));
  }

  async function askProvider(tokens: ActiveTokens): Promise<TokenGrant> {
    const platform = platforms[tokens.platform_name];
    if (!platform) throw new Error(`Nobody refreshes tokens of ${tokens.platform_name}`);
    const { oauth } = platform;
    const { access_token: accessToken, refresh_token: refreshToken } = tokens;
    if (oauth.refreshesWith === "refresh_token" && refreshToken === null) {
      throw noRefreshToken(tokens.platform_name);
    }
    const signal = AbortSignal.timeout(PROVIDER_MS);
    try {
      return await oauth.refresh({ accessToken, refreshToken }, { signal });
    } catch (cause) {
      if (signal.aborted) throw new AppError("PROVIDER_UNAVAILABLE", { cause });
      throw cause;
    }
  }

  return (socialAccountId, tokens) => {
    // It ignores any caller's abort signal, since others wait for it too.
    const key = `${tokens.connection_id}:${tokens.token_version}`;
    const flight = flights.get(key) ??
      refreshOnce(socialAccountId, tokens).finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  };
}

/** Whether the grant itself is gone. */
export function isReauth(error: unknown): error is ProviderError {
  return error instanceof ProviderError && error.class === "reauth";
}

/** The tokens of a connection that has not ended, or `CONNECTION_REVOKED`. */
export function assertActive(tokens: StoredTokens): ActiveTokens {
  const { status, access_token } = tokens;
  if (status !== "active" || access_token === null) throw new AppError("CONNECTION_REVOKED");
  return { ...tokens, access_token };
}

function noRefreshToken(provider: string): ProviderError {
  return new ProviderError({
    provider,
    httpStatus: 0,
    code: "no_refresh_token",
    reason: "no_refresh_token",
    message: `${provider}: no refresh token`,
    class: "reauth",
  });
}

/**
 * A creator takes an account back. The provider is told first and our rows go last: whoever is interrupted
 * in between finds the account still connected and disconnects it again, which a provider that has already
 * ended the grant takes for done. The other way round nobody would be left who knows the tokens, or the
 * grant would be ended late, when the creator has already made a new one. A provider that does not answer
 * holds up nothing for longer than a few seconds.
 */

import { serviceDb } from "../db.ts";
import { AppError } from "../errors.ts";
import { sleep, systemClock } from "../jobs/clock.ts";
import type { Logger } from "../log.ts";
import type { OAuthClient } from "./platform.ts";
import { platforms } from "./registry.ts";
import { type StoredTokens, type TokenStore, tokenStore } from "./token_store.ts";

/** What disconnecting rests on; a test passes plain objects. */
export interface DisconnectDeps {
  store: Pick<TokenStore, "read" | "claim">;
  /** By platform name. */
  platforms: Record<string, { oauth: Pick<OAuthClient, "revoke"> }>;
  /** Removes the account, unless its tokens are no longer those of this version; null: it has none. */
  remove: (account: OwnAccount, tokenVersion: number | null, revoked: boolean) => Promise<boolean>;
  sleep: (ms: number) => Promise<void>;
}

/** An account, and who has to own it. */
export interface OwnAccount {
  userId: string;
  socialAccountId: string;
}

/** How often tokens that change meanwhile are looked at anew. */
const ROUNDS = 3;
/** How often a refresh that is under way is waited for, and how long each time. */
const WAITS = 20;
const WAIT_MS = 200;
const REVOKE_MS = 5_000;

/** Disconnects an account; says whether the grant has ended at the provider, too. */
export async function disconnect(
  account: OwnAccount,
  log: Logger,
  deps: DisconnectDeps = standard,
): Promise<{ revoked: boolean }> {
  for (let round = 0; round < ROUNDS; round++) {
    const tokens = await findTokens(account, deps);
    if (tokens) await waitForRefresh(tokens, deps);
    const revoked = tokens !== null && await revoke(tokens, log, deps);
    if (await deps.remove(account, tokens?.token_version ?? null, revoked)) return { revoked };
  }
  throw new AppError("CONFLICT", { message: "The account was connected anew meanwhile." });
}

async function findTokens(
  { socialAccountId }: OwnAccount,
  { store }: DisconnectDeps,
): Promise<StoredTokens | null> {
  try {
    return await store.read(socialAccountId);
  } catch (error) {
    if (error instanceof AppError && error.code === "SOCIAL_ACCOUNT_NOT_FOUND") return null;
    throw error;
  }
}

/** A refresh that is under way would leave tokens behind that nobody revokes; one that hangs is not waited for. */
async function waitForRefresh(tokens: StoredTokens, { store, sleep }: DisconnectDeps) {
  const holder = crypto.randomUUID();
  for (let wait = 0; wait < WAITS; wait++) {
    if (await store.claim(tokens, holder) !== "busy") return;
    await sleep(WAIT_MS);
  }
}

async function revoke(
  { platform_name, access_token, refresh_token }: StoredTokens,
  log: Logger,
  { platforms }: DisconnectDeps,
): Promise<boolean> {
  // Without tokens the provider has ended the grant before.
  if (access_token === null) return true;
  try {
    const answer = await platforms[platform_name]!.oauth.revoke(
      { accessToken: access_token, refreshToken: refresh_token },
      { signal: AbortSignal.timeout(REVOKE_MS) },
    );
    return answer.revoked;
  } catch (error) {
    log.warning("the grant was not revoked at the platform", { platform: platform_name, error });
    return false;
  }
}

const standard: DisconnectDeps = {
  store: tokenStore,
  platforms,
  sleep: (ms) => sleep(systemClock, ms),
  async remove({ userId, socialAccountId }, tokenVersion, revoked) {
    const { data } = await serviceDb().rpc("disconnect_account", {
      p_user_id: userId,
      p_social_account_id: socialAccountId,
      p_token_version: tokenVersion ?? undefined,
      p_is_revoked: revoked,
    }).throwOnError();
    return data;
  },
};

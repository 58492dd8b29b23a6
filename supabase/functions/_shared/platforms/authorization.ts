/**
 * Connecting an account, the same for every platform: send the creator away with a state and a PKCE
 * challenge, and take what they bring back, once.
 */

import { serviceDb } from "../db.ts";
import { encodeBase64Url, sha256 } from "../digest.ts";
import { linkEnv } from "../env.ts";
import { AppError } from "../errors.ts";
import type { CallOptions, OAuthClient, PlatformAccount, TokenGrant } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";

/** A platform that accounts can be connected from. */
export interface ConnectablePlatform {
  /** As in the table `platform`; `oauth-<name>-callback` is the function that receives the redirect. */
  name: string;
  oauth: OAuthClient;
  getAccount(accessToken: string, options?: CallOptions): Promise<PlatformAccount>;
}

/** An authorization that was started here, taken from the store. */
export interface PendingAuthorization {
  user_id: string;
  code_verifier: string;
  redirect_uri: string;
  redirect_to: string | null;
}

/** Starts an authorization and returns where to send the creator. */
export async function startAuthorization(
  { name, oauth }: ConnectablePlatform,
  userId: string,
  redirectTo: string | undefined,
): Promise<string> {
  const { data: platform } = await serviceDb()
    .from("platform").select("scopes").eq("name", name).single().throwOnError();
  const state = randomToken();
  const codeVerifier = randomToken();
  const redirectUri = `${linkEnv().publicUrl}/functions/v1/oauth-${name}-callback`;
  await serviceDb().rpc("create_oauth_state", {
    p_user_id: userId,
    p_platform: name,
    p_state_hash: await hashState(state),
    p_code_verifier: codeVerifier,
    p_redirect_uri: redirectUri,
    p_redirect_to: redirectTo,
  }).throwOnError();
  const codeChallenge = encodeBase64Url(await sha256(codeVerifier));
  return oauth.authorizationUrl({ redirectUri, state, codeChallenge, scopes: platform.scopes });
}

/** Takes the authorization a state belongs to; `OAUTH_STATE_INVALID` if unknown, used or expired. */
export async function takeAuthorization(
  { name }: ConnectablePlatform,
  state: string,
): Promise<PendingAuthorization> {
  const { data } = await serviceDb()
    .rpc("consume_oauth_state", { p_platform: name, p_state_hash: await hashState(state) })
    .throwOnError();
  const pending = data[0];
  if (!pending) throw new AppError("OAUTH_STATE_INVALID");
  return pending;
}

/** Exchanges the code, reads the account and stores the connection. Returns the social account's id. */
export async function finishAuthorization(
  platform: ConnectablePlatform,
  pending: PendingAuthorization,
  code: string,
  options: CallOptions = {},
): Promise<string> {
  const grant = await exchange(platform.oauth, pending, code, options);
  await assertScopes(platform, grant);
  const account = await platform.getAccount(grant.accessToken, options);
  if (grant.refreshToken === null) await assertStoredGrant(platform, pending.user_id, account);
  const { data: socialAccountId } = await serviceDb().rpc("connect_platform_account", {
    p_user_id: pending.user_id,
    p_platform: platform.name,
    p_account: { ...account },
    p_tokens: { access_token: grant.accessToken, refresh_token: grant.refreshToken },
    p_scopes: grant.scopes,
    p_token_expires_at: grant.expiresAt,
  }).throwOnError();
  return socialAccountId;
}

async function exchange(
  oauth: OAuthClient,
  { code_verifier, redirect_uri }: PendingAuthorization,
  code: string,
  options: CallOptions,
): Promise<TokenGrant> {
  try {
    return await oauth.exchangeCode({
      code,
      codeVerifier: code_verifier,
      redirectUri: redirect_uri,
    }, options);
  } catch (cause) {
    if (cause instanceof ProviderError) throw new AppError("OAUTH_EXCHANGE_FAILED", { cause });
    throw cause;
  }
}

/** A creator can untick scopes: without the ones we read with, nothing would work later. */
async function assertScopes({ name }: ConnectablePlatform, { scopes }: TokenGrant): Promise<void> {
  const { data: platform } = await serviceDb()
    .from("platform").select("scopes").eq("name", name).single().throwOnError();
  const missing = platform.scopes.filter((scope) => !scopes.includes(scope));
  if (missing.length > 0) throw new AppError("OAUTH_DENIED", { details: { missing } });
}

/** No refresh token is fine while an earlier one is stored; otherwise the account would die in an hour. */
async function assertStoredGrant(
  { name }: ConnectablePlatform,
  userId: string,
  { platform_account_id }: PlatformAccount,
): Promise<void> {
  const { data: known } = await serviceDb()
    .from("social_account").select("platform_connection!inner(status)")
    .match({ user_id: userId, platform_name: name, platform_account_id })
    .eq("platform_connection.status", "active")
    .maybeSingle().throwOnError();
  if (known) return;
  throw new AppError("OAUTH_EXCHANGE_FAILED", {
    message: "The platform granted no lasting access. Remove this app there and connect again.",
  });
}

/** Stored instead of the state itself: a reader of the table cannot finish somebody's authorization. */
async function hashState(state: string): Promise<string> {
  return encodeBase64Url(await sha256(state));
}

/** 256 random bits; also a PKCE verifier of the right length and alphabet. */
function randomToken(): string {
  return encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)));
}

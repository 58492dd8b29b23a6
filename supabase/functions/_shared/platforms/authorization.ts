/**
 * Connecting an account, the same for every platform: send the creator away with a state and a PKCE
 * challenge, and take what the same creator brings back, once.
 */

import { serviceDb } from "../db.ts";
import { encodeBase64Url, sha256 } from "../digest.ts";
import { linkEnv } from "../env.ts";
import { AppError, type ErrorCode } from "../errors.ts";
import type {
  CallOptions,
  ConnectablePlatform,
  OAuthClient,
  PlatformAccount,
  TokenGrant,
} from "./platform.ts";
import { ProviderError } from "./provider_error.ts";

/** What the exchange of a code needs besides the code. */
interface PendingAuthorization {
  code_verifier: string;
  redirect_uri: string;
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
  const redirectUri = callbackUri(name);
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

/** Where an authorization goes on. */
export interface ReturnPage {
  page: string;
  /** Why the state is not good; null when it is. */
  refusal: ErrorCode | null;
}

/** The page of ours that an authorization goes on at; the site for one that is not known. Takes nothing. */
export async function findReturnPage(
  { name }: ConnectablePlatform,
  state: string,
): Promise<ReturnPage> {
  const { data } = await serviceDb().rpc("get_oauth_redirect", {
    p_platform: name,
    p_state_hash: await hashState(state),
    p_redirect_uri: callbackUri(name),
  }).throwOnError();
  // The generated type does not know that a returned column may be null.
  const known = data[0] as { redirect_to: string | null; refusal: ErrorCode | null } | undefined;
  return {
    page: known?.redirect_to ?? linkEnv().siteUrl,
    refusal: known ? known.refusal : "OAUTH_STATE_INVALID",
  };
}

/** What the creator's page hands in. */
export interface ReturnedAuthorization {
  state: string;
  code: string;
  /** The address that the code was sent to, by who does not take our callback for granted. */
  redirectUri?: string;
}

/**
 * Takes the authorization, exchanges the code, reads the account and stores the connection.
 * Refused unless this user started it, here, a short time ago, and has not finished it yet.
 *
 * @returns The social account's id.
 */
export async function finishAuthorization(
  platform: ConnectablePlatform,
  userId: string,
  returned: ReturnedAuthorization,
  options: CallOptions = {},
): Promise<string> {
  const pending = await takeAuthorization(platform, userId, returned);
  const granted = await exchange(platform.oauth, pending, returned.code, options);
  await assertScopes(platform, granted);
  const { account, grant } = await platform.openAccount(granted, options);
  if (!lasts(platform.oauth, grant)) await assertStoredGrant(platform, userId, account);
  const { data: socialAccountId } = await serviceDb().rpc("connect_platform_account", {
    p_user_id: userId,
    p_platform: platform.name,
    p_account: { ...account },
    p_tokens: { access_token: grant.accessToken, refresh_token: grant.refreshToken },
    p_scopes: grant.scopes,
    // The generated type does not know that an argument may be null.
    p_token_expires_at: grant.expiresAt as string,
  }).throwOnError();
  return socialAccountId;
}

async function takeAuthorization(
  { name }: ConnectablePlatform,
  userId: string,
  { state, redirectUri = callbackUri(name) }: ReturnedAuthorization,
): Promise<PendingAuthorization> {
  const { data } = await serviceDb().rpc("consume_oauth_state", {
    p_user_id: userId,
    p_platform: name,
    p_state_hash: await hashState(state),
    p_redirect_uri: redirectUri,
  }).throwOnError();
  const pending = data[0];
  if (!pending) throw new AppError("INTERNAL_ERROR", { cause: "a state was taken without a row" });
  return pending;
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
    if (!(cause instanceof ProviderError)) throw cause;
    const code = cause.class === "reauth" ? "OAUTH_CODE_INVALID" : "OAUTH_EXCHANGE_FAILED";
    throw new AppError(code, { cause });
  }
}

/** A creator can untick scopes: without the ones we read with, nothing would work later. */
async function assertScopes({ name }: ConnectablePlatform, { scopes }: TokenGrant): Promise<void> {
  const { data: platform } = await serviceDb()
    .from("platform").select("scopes").eq("name", name).single().throwOnError();
  const missing = platform.scopes.filter((scope) => !scopes.includes(scope));
  if (missing.length > 0) throw new AppError("SCOPES_MISSING", { details: { missing } });
}

/** Whether a grant outlives its access token by itself. */
function lasts({ refreshesWith }: OAuthClient, { refreshToken, expiresAt }: TokenGrant): boolean {
  return refreshesWith === "access_token" || refreshToken !== null || expiresAt === null;
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

/** The address of ours that a platform sends back to, and must say again when the code is exchanged. */
function callbackUri(platform: string): string {
  return `${linkEnv().publicUrl}/functions/v1/oauth-${platform}-callback`;
}

/** Stored instead of the state itself: a reader of the table cannot finish somebody's authorization. */
async function hashState(state: string): Promise<string> {
  return encodeBase64Url(await sha256(state));
}

/** 256 random bits; also a PKCE verifier of the right length and alphabet. */
function randomToken(): string {
  return encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)));
}

/**
 * Connecting an account, the same for every platform: send the creator away with a state and a PKCE
 * challenge, and take what the same creator brings back, once.
 */

import { serviceDb } from "../db.ts";
import { AppError } from "../errors.ts";
import {
  beginAuthorization,
  type PendingAuthorization,
  type ReturnedAuthorization,
  takeAuthorization,
} from "./oauth_state.ts";
import type {
  CallOptions,
  ConnectablePlatform,
  OAuthClient,
  PlatformAccount,
  TokenGrant,
} from "./platform.ts";
import { ProviderError } from "./provider_error.ts";

/** Starts an authorization and returns where to send the creator. */
export async function startAuthorization(
  { name, oauth }: ConnectablePlatform,
  userId: string,
  redirectTo: string | undefined,
): Promise<string> {
  const { data: platform } = await serviceDb()
    .from("platform").select("scopes").eq("name", name).single().throwOnError();
  const begun = await beginAuthorization(name, userId, redirectTo);
  return oauth.authorizationUrl({ ...begun, scopes: platform.scopes });
}

/**
 * Takes the authorization, exchanges the code, reads the account and stores the connection.
 * Refused unless this user started it, here, a short time ago, and has not finished it yet. A grant that is
 * refused after the exchange is not revoked: that would end all that its person has allowed us, which
 * another connection may live on.
 *
 * @returns The social account's id.
 */
export async function finishAuthorization(
  platform: ConnectablePlatform,
  userId: string,
  returned: ReturnedAuthorization,
  options: CallOptions = {},
): Promise<string> {
  const pending = await takeAuthorization(platform.name, userId, returned);
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

/** Authorizations under way: each for one user, platform and address, a short time, and once. */

import { serviceDb } from "../db.ts";
import { encodeBase64Url, sha256 } from "../digest.ts";
import { linkEnv } from "../env.ts";
import { AppError, type ErrorCode } from "../errors.ts";

/** What the exchange of a code needs besides the code. */
export interface PendingAuthorization {
  code_verifier: string;
  redirect_uri: string;
}

/** Remembers a new authorization; returns what the creator takes along to the platform. */
export async function beginAuthorization(
  platform: string,
  userId: string,
  redirectTo: string | undefined,
): Promise<{ state: string; codeChallenge: string; redirectUri: string }> {
  const state = randomToken();
  const codeVerifier = randomToken();
  const redirectUri = callbackUri(platform);
  await serviceDb().rpc("create_oauth_state", {
    p_user_id: userId,
    p_platform: platform,
    p_state_hash: await hashState(state),
    p_code_verifier: codeVerifier,
    p_redirect_uri: redirectUri,
    p_redirect_to: redirectTo,
  }).throwOnError();
  return { state, codeChallenge: encodeBase64Url(await sha256(codeVerifier)), redirectUri };
}

/** Where an authorization goes on. */
export interface ReturnPage {
  page: string;
  /** Why the state is not good; null when it is. */
  refusal: ErrorCode | null;
}

/** The page of ours that an authorization goes on at; the site for one that is not known. Takes nothing. */
export async function findReturnPage(
  platform: string,
  state: string,
): Promise<ReturnPage> {
  const { data } = await serviceDb().rpc("get_oauth_redirect", {
    p_platform: platform,
    p_state_hash: await hashState(state),
    p_redirect_uri: callbackUri(platform),
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

/** Takes an authorization for the user who began it, once; refused with a code of its own otherwise. */
export async function takeAuthorization(
  platform: string,
  userId: string,
  { state, redirectUri = callbackUri(platform) }: ReturnedAuthorization,
): Promise<PendingAuthorization> {
  const { data } = await serviceDb().rpc("consume_oauth_state", {
    p_user_id: userId,
    p_platform: platform,
    p_state_hash: await hashState(state),
    p_redirect_uri: redirectUri,
  }).throwOnError();
  const pending = data[0];
  if (!pending) throw new AppError("INTERNAL_ERROR", { cause: "a state was taken without a row" });
  return pending;
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

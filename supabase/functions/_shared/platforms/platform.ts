/**
 * What a platform offers to the rest of the house. One file per provider implements these contracts;
 * a platform that lacks a verb does not implement that contract (no optional members).
 */

/** What every call to a provider accepts. */
export interface CallOptions {
  /** Aborts the call; the abort reason is thrown as it is, never as a provider error. */
  signal?: AbortSignal;
}

/** The account at the platform, in the keys of `connect_platform_account(p_account)`. */
export interface PlatformAccount {
  platform_account_id: string;
  handle: string | null;
  display_name: string;
  avatar_url: string | null;
  /** Null when the creator hides it. */
  follower_count: number | null;
}

/** A picture or video of a post. A type and not an interface, so that it is JSON to the compiler. */
export type MediaPart = {
  platform_media_id: string;
  media_type: "image" | "video";
  /** Where it was when it was read: platforms sign these addresses, and they end. */
  url: string | null;
  thumbnail_url: string | null;
  position: number;
};

/** One piece of content, in the keys that `save_content_batch(p_items)` expects. */
export interface NormalizedItem {
  platform_content_id: string;
  content_type:
    | "long_video"
    | "short_video"
    | "image"
    | "carousel"
    | "story"
    | "reel"
    | "post";
  title: string;
  description: string;
  url: string;
  thumbnail_url: string | null;
  /** Null when the platform has none yet (a live stream). */
  duration_seconds: number | null;
  /** Null when hidden or switched off, which is not 0. */
  view_count: number | null;
  like_count: number | null;
  comment_count: number | null;
  tags: string[];
  hashtags: string[];
  /** Whom the text names, in lower case, without the sign. */
  mentions: string[];
  /** The parts of a post that has several, in their order; empty for one that is its only part. */
  media: MediaPart[];
  category: string | null;
  published_at: string | null;
  visibility: "public" | "unlisted" | "private";
  platform_data: Record<string, string | number | boolean | null>;
}

/** What a provider knows a connection by. */
export interface Tokens {
  accessToken: string;
  /** Null when the response had none: keep the stored one. */
  refreshToken: string | null;
}

/** What a token endpoint granted. */
export interface TokenGrant extends Tokens {
  /** ISO 8601; null for a token that does not expire by itself. */
  expiresAt: string | null;
  /** As the provider says, which may be less than what was asked for. */
  scopes: string[];
}

/** The OAuth side of a platform. */
export interface OAuthClient {
  /** Whether the challenge is sent along; a platform without PKCE relies on state and secret. */
  pkce: boolean;
  /**
   * What a refresh needs: a connection whose platform gives refresh tokens is refused without one;
   * elsewhere the access token itself is renewed while it is still good.
   */
  refreshesWith: "refresh_token" | "access_token";
  /** Where to send the creator. */
  authorizationUrl(request: AuthorizationRequest): string;
  /** Fails with a `ProviderError` of class `reauth` for a code that is unknown, expired or used. */
  exchangeCode(exchange: CodeExchange, options?: CallOptions): Promise<TokenGrant>;
  /** Fails with a `ProviderError` of class `reauth` when the grant is gone, and only then. */
  refresh(tokens: Tokens, options?: CallOptions): Promise<TokenGrant>;
  /** Ends the grant; one that has already ended counts as done. False where only the creator can. */
  revoke(tokens: Tokens, options?: CallOptions): Promise<{ revoked: boolean }>;
}

/** What {@link OAuthClient.authorizationUrl} needs. */
export interface AuthorizationRequest {
  redirectUri: string;
  state: string;
  codeChallenge: string;
  scopes: readonly string[];
}

/** What {@link OAuthClient.exchangeCode} needs. */
export interface CodeExchange {
  code: string;
  codeVerifier: string;
  redirectUri: string;
}

/** What a grant turns out to be for. */
export interface OpenedAccount {
  account: PlatformAccount;
  /** What is stored; a platform may give an account a token of its own. */
  grant: TokenGrant;
}

/** A platform that accounts can be connected from. */
export interface ConnectablePlatform {
  /** As in the table `platform`; `oauth-<name>-callback` is the function to come back to. */
  name: string;
  oauth: OAuthClient;
  /** Reads what `oauth` is configured with, so that a function stops at its start without it. */
  settings: () => unknown;
  /** Throws `NO_CHANNEL` when there is nothing to connect. */
  openAccount(grant: TokenGrant, options?: CallOptions): Promise<OpenedAccount>;
}

/** `openAccount` of a platform whose grant is used as it is. */
export function openWith(
  getAccount: (accessToken: string, options?: CallOptions) => Promise<PlatformAccount>,
): ConnectablePlatform["openAccount"] {
  return async (grant, options) => ({
    account: await getAccount(grant.accessToken, options),
    grant,
  });
}

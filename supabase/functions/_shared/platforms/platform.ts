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
  category: string | null;
  published_at: string | null;
  visibility: "public" | "unlisted" | "private";
  platform_data: Record<string, string | number | boolean | null>;
}

/** What a token endpoint granted. */
export interface TokenGrant {
  accessToken: string;
  /** Null when the response had none: keep the stored one. */
  refreshToken: string | null;
  /** ISO 8601. */
  expiresAt: string;
  /** As the response says, which may be less than what was asked for. */
  scopes: string[];
}

/** The OAuth side of a platform. */
export interface OAuthClient {
  /** Where to send the creator. */
  authorizationUrl(request: AuthorizationRequest): string;
  exchangeCode(exchange: CodeExchange, options?: CallOptions): Promise<TokenGrant>;
  refresh(refreshToken: string, options?: CallOptions): Promise<TokenGrant>;
  /** Ends the grant. One that has already ended counts as done. */
  revoke(token: string, options?: CallOptions): Promise<void>;
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

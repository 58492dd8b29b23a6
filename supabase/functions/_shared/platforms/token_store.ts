/** The tokens of a connection, in Vault behind functions that only the service may call. */

import { serviceDb } from "../db.ts";
import { AppError } from "../errors.ts";
import type { TokenGrant } from "./platform.ts";

/** What is stored for one connection. Never logged, never returned by an endpoint. */
export interface StoredTokens {
  connection_id: string;
  platform_name: string;
  /** Null once the connection is revoked. */
  access_token: string | null;
  refresh_token: string | null;
  token_expires_at: string | null;
  /** Grows with every change; the compare-and-swap rests on it. */
  token_version: number;
  status: string;
}

/** What came of a claim. */
export type Claim = "claimed" | "busy" | "stale";

/** Reads and writes tokens. */
export interface TokenStore {
  /** `SOCIAL_ACCOUNT_NOT_FOUND` for an account that is not there or has no connection any more. */
  read(socialAccountId: string): Promise<StoredTokens>;
  /**
   * Asks to be the one who uses these tokens at the provider. `busy`: somebody else does. `stale`: they
   * changed since they were read, or the connection has ended.
   */
  claim(read: StoredTokens, holder: string): Promise<Claim>;
  /** Gives a claim back that led to no new tokens; storing or ending does so by itself. */
  release(read: StoredTokens, holder: string): Promise<void>;
  /** Stores a grant unless the tokens changed since they were read; false when they did. */
  swap(read: StoredTokens, grant: TokenGrant): Promise<boolean>;
  /** Ends the connection unless its tokens changed since they were read. */
  markRevoked(read: StoredTokens, reason: string): Promise<void>;
}

/** The store behind the data API. */
export const tokenStore: TokenStore = {
  async read(socialAccountId) {
    const { data } = await serviceDb()
      .rpc("get_connection_tokens", { p_social_account_id: socialAccountId })
      .throwOnError();
    const tokens = data[0];
    if (!tokens) throw new AppError("SOCIAL_ACCOUNT_NOT_FOUND");
    return tokens;
  },

  async claim({ connection_id, token_version }, holder) {
    const { data } = await serviceDb().rpc("claim_token_lease", {
      p_connection_id: connection_id,
      p_token_version: token_version,
      p_holder: holder,
    }).throwOnError();
    return data as Claim;
  },

  async release({ connection_id }, holder) {
    await serviceDb()
      .rpc("release_token_lease", { p_connection_id: connection_id, p_holder: holder })
      .throwOnError();
  },

  async swap({ connection_id, token_version }, grant) {
    const { data } = await serviceDb().rpc("store_refreshed_tokens", {
      p_connection_id: connection_id,
      p_token_version: token_version,
      p_access_token: grant.accessToken,
      // An empty one keeps what is stored: most refreshes answer without.
      p_refresh_token: grant.refreshToken ?? "",
      // The generated type does not know that an argument may be null.
      p_token_expires_at: grant.expiresAt as string,
    }).throwOnError();
    return data;
  },

  async markRevoked({ connection_id, token_version }, reason) {
    await serviceDb().rpc("mark_connection_revoked", {
      p_connection_id: connection_id,
      p_error: reason,
      p_token_version: token_version,
    }).throwOnError();
  },
};

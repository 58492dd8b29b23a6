/** Grants whose connection was deleted, most of them with their user. */

import type { Db } from "../db.ts";
import type { Tokens } from "./platform.ts";

/** A grant to be ended. Never logged. */
export interface OrphanedGrant {
  platform: string;
  tokens: Tokens;
}

/** What is left of deleted connections. */
export interface OrphanedGrants {
  /** Null for a grant that has been forgotten, and for one that must not be ended. */
  read(connectionId: string): Promise<OrphanedGrant | null>;
  /** Removes a grant with its tokens; repeatable. */
  forget(connectionId: string): Promise<void>;
}

/** Those in the database. */
export function createOrphanedGrants(db: Db): OrphanedGrants {
  return {
    async read(connectionId) {
      const { data } = await db
        .rpc("get_orphaned_grant", { p_connection_id: connectionId })
        .throwOnError();
      const [grant] = data;
      // The generated type does not know that what a function returns may be null.
      if (!grant || grant.access_token as string | null === null) return null;
      const { platform_name: platform, access_token: accessToken, refresh_token } = grant;
      return { platform, tokens: { accessToken, refreshToken: refresh_token } };
    },

    async forget(connectionId) {
      await db.rpc("forget_orphaned_grant", { p_connection_id: connectionId }).throwOnError();
    },
  };
}

import type { Db } from "../db.ts";
import { connections } from "../platforms/connections.ts";
import { createOrphanedGrants } from "../platforms/orphaned_grants.ts";
import { createQuotaLedger } from "../platforms/provider_quota.ts";
import { contentSources, platforms } from "../platforms/registry.ts";
import { createContentStore } from "./content_store.ts";
import type { FollowerSyncDeps } from "./handlers/follower_sync.ts";
import type { GrantRevokeDeps } from "./handlers/grant_revoke.ts";
import type { TokenRefreshDeps } from "./handlers/token_refresh.ts";
import type { SyncDeps } from "./sync_state.ts";

/** Everything that some handler needs from outside. */
export type JobDeps = SyncDeps & FollowerSyncDeps & GrantRevokeDeps & TokenRefreshDeps;

/** The real things; tests pass plain objects instead. */
export function createJobDeps(db: Db): JobDeps {
  return {
    connections,
    content: createContentStore(db),
    grants: createOrphanedGrants(db),
    platforms,
    quota: createQuotaLedger(db),
    sources: contentSources,
  };
}

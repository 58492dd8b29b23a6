import type { Db } from "../db.ts";
import { connections } from "../platforms/connections.ts";
import { youtube } from "../platforms/youtube.ts";
import { createContentStore } from "./content_store.ts";
import type { SyncYouTubeDeps } from "./handlers/sync_youtube.ts";
import type { TokenRefreshDeps } from "./handlers/token_refresh.ts";

/** Everything that some handler needs from outside. */
export type JobDeps = SyncYouTubeDeps & TokenRefreshDeps;

/** The real things; tests pass plain objects instead. */
export function createJobDeps(db: Db): JobDeps {
  return { youtube, connections, content: createContentStore(db) };
}

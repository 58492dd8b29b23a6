import type { Db } from "../db.ts";
import { withAccessToken } from "../platforms/connections.ts";
import { youtube } from "../platforms/youtube.ts";
import { createContentStore } from "./content_store.ts";
import type { SyncYouTubeDeps } from "./handlers/sync_youtube.ts";

/** Everything that some handler needs from outside. */
export type JobDeps = SyncYouTubeDeps;

/** The real things; tests pass plain objects instead. */
export function createJobDeps(db: Db): JobDeps {
  return { youtube, connections: { withAccessToken }, content: createContentStore(db) };
}

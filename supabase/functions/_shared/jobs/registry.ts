import type { JobDeps } from "./deps.ts";
import type { RunnableJob } from "./define_job.ts";
import { followerSync } from "./handlers/follower_sync.ts";
import { grantRevoke } from "./handlers/grant_revoke.ts";
import { selfTest } from "./handlers/self_test.ts";
import { syncInstagram } from "./handlers/sync_instagram.ts";
import { syncTikTok } from "./handlers/sync_tiktok.ts";
import { syncYouTube } from "./handlers/sync_youtube.ts";
import { tokenRefresh } from "./handlers/token_refresh.ts";

/** Every job type this deployment can run. Types that are not listed stay unclaimed. */
export const jobs: readonly RunnableJob<JobDeps>[] = [
  followerSync,
  grantRevoke,
  selfTest,
  syncInstagram,
  syncTikTok,
  syncYouTube,
  tokenRefresh,
];

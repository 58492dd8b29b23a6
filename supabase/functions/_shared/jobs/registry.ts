import type { JobDeps } from "./deps.ts";
import type { RunnableJob } from "./define_job.ts";
import { selfTest } from "./handlers/self_test.ts";
import { syncYouTube } from "./handlers/sync_youtube.ts";
import { tokenRefresh } from "./handlers/token_refresh.ts";

/** Every job type this deployment can run. Types that are not listed stay unclaimed. */
export const jobs: readonly RunnableJob<JobDeps>[] = [
  selfTest,
  syncYouTube,
  tokenRefresh,
];

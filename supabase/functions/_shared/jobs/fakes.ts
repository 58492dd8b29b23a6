import { PostgrestClient } from "@supabase/postgrest-js";
import type { Database } from "../database.types.ts";
import type { ClaimedJob } from "./job_store.ts";

/** A job as a claim returns it. */
export function claimedJob(job: Partial<ClaimedJob> = {}): ClaimedJob {
  return {
    id: crypto.randomUUID(),
    user_id: crypto.randomUUID(),
    job_type: "test_job",
    params: {},
    checkpoint: null,
    progress_percent: 0,
    retry_count: 0,
    crash_count: 0,
    parent_job_id: null,
    fencing_token: 1,
    lease_ms: 30_000,
    ...job,
  };
}

/** A data API client that leads nowhere, for handlers that do not use theirs. */
export const noDb = new PostgrestClient<Database>("http://127.0.0.1:9");

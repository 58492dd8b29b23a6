import * as z from "zod";
import type { ClaimedJob } from "./job_store.ts";

/** A job that was given to a sleeping worker by whoever created it; nobody has claimed it. */
export interface HandOver {
  job: ClaimedJob;
  /** Of the sleep in which it was handed over, on the worker's own clock: its lease began no earlier. */
  asleep_at: number;
  /** How long that lease is at first; heartbeats make it what the type says. */
  held_ms: number;
}

const handOver = z.object({
  id: z.uuid(),
  job_type: z.string(),
  params: z.unknown(),
  fencing_token: z.int(),
  lease_ms: z.number(),
  held_ms: z.number(),
  asleep_at: z.number(),
}).transform(({ asleep_at, held_ms, ...job }): HandOver => ({
  asleep_at,
  held_ms,
  job: {
    ...job,
    // Only new jobs of the system are handed over.
    user_id: null,
    checkpoint: null,
    progress_percent: null,
    retry_count: null,
    crash_count: null,
    parent_job_id: null,
  },
}));

/** What a notification says; null when it is none of ours. */
export function readNotice(payload: string): HandOver | null {
  try {
    return handOver.parse(JSON.parse(payload));
  } catch {
    return null;
  }
}

export function readHandOvers(rows: unknown): HandOver[] {
  return handOver.array().parse(rows ?? []);
}

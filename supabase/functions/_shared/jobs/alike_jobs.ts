import type { ClaimedJob } from "./job_store.ts";
import { itemsOf } from "./sql_values.ts";

/** Claimed jobs that agree in all but their id, owner and params: of one claim nearly always all. */
export interface AlikeJobs extends Omit<ClaimedJob, "id" | "user_id" | "params"> {
  /** A PostgreSQL array. */
  readonly ids: string;
  /** Their owners, as a PostgreSQL array; null when none has one. */
  readonly user_ids?: string | null;
  /** A JSON array, in the same order. */
  readonly all_params: string;
}

/** One by one, and written out: objects of one shape are the cheapest to make and to read. */
export function jobsOf(alike: AlikeJobs): ClaimedJob[] {
  const { user_ids, job_type, checkpoint, progress_percent, retry_count, crash_count } = alike;
  const { parent_job_id, fencing_token, lease_ms } = alike;
  const ids = itemsOf(alike.ids);
  const owners = user_ids ? itemsOf(user_ids) : null;
  const allParams: unknown[] = JSON.parse(alike.all_params);
  return ids.map((id, n) => ({
    id,
    user_id: ownerIn(owners, n),
    job_type,
    params: allParams[n],
    checkpoint,
    progress_percent,
    retry_count,
    crash_count,
    parent_job_id,
    fencing_token,
    lease_ms,
  }));
}

function ownerIn(owners: string[] | null, n: number): string | null {
  return owners === null || owners[n] === "NULL" ? null : owners[n]!;
}

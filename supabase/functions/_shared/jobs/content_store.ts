import type { Db } from "../db.ts";
import type { NormalizedItem } from "../platforms/platform.ts";
import type { Json } from "../database.types.ts";
import type { Lease, Progress } from "./job_store.ts";

/** A page of content with everything that must become true together with it. */
export interface ContentBatch {
  lease: Lease;
  socialAccountId: string;
  items: NormalizedItem[];
  checkpoint: Json;
  progress: Required<Progress>;
}

/** Totals of the job so far, this batch included. */
export interface ContentCounts {
  new: number;
  updated: number;
  unchanged: number;
}

/** Where sync handlers put content. */
export interface ContentStore {
  /**
   * Upserts the items, adds the counts, stores checkpoint and progress: one transaction, refused
   * with `LEASE_LOST` when the job is no longer held.
   */
  saveBatch(batch: ContentBatch): Promise<ContentCounts>;
}

/** The store behind the data API. */
export function createContentStore(db: Db): ContentStore {
  return {
    async saveBatch({ lease, socialAccountId, items, checkpoint, progress }) {
      const { data } = await db.rpc("save_content_batch", {
        p_job_id: lease.job_id,
        p_fencing_token: lease.fencing_token,
        p_social_account_id: socialAccountId,
        p_items: items.map((item) => ({ ...item })),
        p_checkpoint: checkpoint,
        p_progress_percent: progress.percent,
        p_progress_message: progress.message ?? "",
      }).throwOnError();
      const [counts] = data;
      if (!counts) throw new Error("save_content_batch answered no counts");
      return {
        new: counts.new_count,
        updated: counts.updated_count,
        unchanged: counts.unchanged_count,
      };
    },
  };
}

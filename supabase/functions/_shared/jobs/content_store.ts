import type { Db } from "../db.ts";
import type { NormalizedItem } from "../platforms/platform.ts";
import type { ItemFailure } from "../platforms/read_items.ts";
import type { Json } from "../database.types.ts";
import type { Lease, Progress } from "./job_store.ts";

/** A page of content with everything that must become true together with it. */
export interface ContentBatch {
  lease: Lease;
  socialAccountId: string;
  items: NormalizedItem[];
  /** All ids that were there, also those that could not be read: they have not vanished. */
  seen: string[];
  checkpoint: Json;
  progress: Required<Progress>;
}

/** Totals of the job so far, by item: what two pages show counts once. */
export interface ContentCounts {
  new: number;
  updated: number;
  unchanged: number;
  failed: number;
  /** All of them. */
  seen: number;
}

/** What became of a batch. */
export interface SavedBatch {
  counts: ContentCounts;
  /** Items of this batch that break a rule; the others are stored. */
  failed: ItemFailure[];
}

/** The end of a pass over an account's content. */
export interface ContentEnd {
  lease: Lease;
  socialAccountId: string;
  /** The pass has seen all there is: what it has not seen has vanished at the source. */
  isComplete: boolean;
}

/** What a platform tells of an account besides its content. */
export interface AccountFacts {
  handle: string | null;
  display_name: string;
  avatar_url: string | null;
  follower_count: number | null;
}

/** Where sync handlers put what they read. */
export interface ContentStore {
  /**
   * Upserts the items, adds the counts, stores checkpoint and progress: one transaction, refused
   * with `LEASE_LOST` when the job is no longer held.
   */
  saveBatch(batch: ContentBatch): Promise<SavedBatch>;
  /** Marks what has vanished and says how much; asked again for the same job, it says the same. */
  finish(end: ContentEnd): Promise<number>;
  /** Refused with `LEASE_LOST` as well. */
  updateAccount(lease: Lease, socialAccountId: string, facts: AccountFacts): Promise<void>;
}

/** The store behind the data API. */
export function createContentStore(db: Db): ContentStore {
  return {
    async saveBatch({ lease, socialAccountId, items, seen, checkpoint, progress }) {
      const { data } = await db.rpc("save_content_batch", {
        p_job_id: lease.job_id,
        p_fencing_token: lease.fencing_token,
        p_social_account_id: socialAccountId,
        p_items: items.map((item) => ({ ...item })),
        p_checkpoint: checkpoint,
        p_progress_percent: progress.percent,
        p_progress_message: progress.message ?? "",
        p_seen: seen,
      }).throwOnError();
      const [saved] = data;
      if (!saved) throw new Error("save_content_batch() answered no counts");
      return {
        counts: {
          new: saved.new_count,
          updated: saved.updated_count,
          unchanged: saved.unchanged_count,
          failed: saved.failed_count,
          seen: saved.seen_count,
        },
        failed: saved.failed as ItemFailure[],
      };
    },

    async finish({ lease, socialAccountId, isComplete }) {
      const { data } = await db.rpc("finish_sync", {
        p_job_id: lease.job_id,
        p_fencing_token: lease.fencing_token,
        p_social_account_id: socialAccountId,
        p_is_complete: isComplete,
      }).throwOnError();
      return data;
    },

    async updateAccount(lease, socialAccountId, facts) {
      const { handle, display_name, avatar_url, follower_count } = facts;
      await db.rpc("update_account_facts", {
        p_job_id: lease.job_id,
        p_fencing_token: lease.fencing_token,
        p_social_account_id: socialAccountId,
        p_account: { handle, display_name, avatar_url, follower_count },
      }).throwOnError();
    },
  };
}

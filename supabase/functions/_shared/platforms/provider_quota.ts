/** What the platforms let all users of the project do in a day, counted over all jobs and workers. */

import type { Db } from "../db.ts";

/** What came of asking for units. */
export interface Reservation {
  allowed: boolean;
  /** When the counter starts again. */
  resetsAt: Date;
}

/** The counters. */
export interface QuotaLedger {
  /** Takes units before they are spent; all of them or none. */
  reserve(platform: string, bucket: string, units: number): Promise<Reservation>;
  /** The platform says that nothing is left, whatever we have counted: nobody asks before the reset. */
  reportExhausted(platform: string, bucket: string, resetsAt: Date): Promise<void>;
}

/** The counters in the database. */
export function createQuotaLedger(db: Db): QuotaLedger {
  return {
    async reserve(platform, bucket, units) {
      const { data } = await db.rpc("reserve_provider_quota", {
        p_platform: platform,
        p_bucket: bucket,
        p_units: units,
      }).throwOnError();
      const [answer] = data;
      if (!answer) throw new Error("reserve_provider_quota() answered nothing");
      return { allowed: answer.allowed, resetsAt: new Date(answer.resets_at) };
    },

    async reportExhausted(platform, bucket, resetsAt) {
      await db.rpc("report_provider_quota_exhausted", {
        p_platform: platform,
        p_bucket: bucket,
        p_resets_at: resetsAt.toISOString(),
      }).throwOnError();
    },
  };
}

/**
 * The state of a job as the demo needs it, from either of its two sources.
 * @module
 */
import { z } from "zod";

/** The result of a finished sync. */
export const jobResult = z.object({
  total: z.number(),
  new_items: z.number(),
  updated_items: z.number(),
  unchanged: z.number(),
  removed: z.number(),
  missing: z.number(),
  failed_count: z.number(),
  pages: z.number(),
});

/** What a finished sync reports. */
export type SyncResult = z.output<typeof jobResult>;

/** One state of the job, wherever it was learned. */
export interface Snapshot {
  readonly status: string;
  readonly percent: number;
  readonly message: string | null;
  readonly seq: number;
  readonly error: string | null;
  readonly result: unknown;
}

/** What Realtime tells. */
export const broadcastShape = z.object({
  status: z.string(),
  progress_percent: z.number(),
  progress_message: z.string().nullable(),
  seq: z.number(),
  error_code: z.string().nullish(),
  error_message: z.string().nullish(),
  result: z.unknown().optional(),
}).transform((told): Snapshot => ({
  status: told.status,
  percent: told.progress_percent,
  message: told.progress_message,
  seq: told.seq,
  error: told.error_code ? `${told.error_code}: ${told.error_message ?? ""}` : null,
  result: told.result,
}));

/** What job-status answers. */
export const statusShape = z.object({
  job: z.object({
    status: z.string(),
    progress: z.object({ percent: z.number(), message: z.string().nullable() }),
    seq: z.number(),
    error: z.object({ code: z.string(), message: z.string().nullable() }).nullable(),
    result: z.unknown().optional(),
  }),
}).transform(({ job }): Snapshot => ({
  status: job.status,
  percent: job.progress.percent,
  message: job.progress.message,
  seq: job.seq,
  error: job.error && `${job.error.code}: ${job.error.message ?? ""}`,
  result: job.result,
}));

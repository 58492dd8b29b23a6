import * as z from "zod";
import type { Db } from "../_shared/db.ts";
import { endpoint } from "../_shared/endpoint.ts";
import { toUtc } from "../_shared/job_view.ts";
import { limitUpTo, offsetUpTo } from "../_shared/paging.ts";
import { ok } from "../_shared/reply.ts";

const Query = z.strictObject({
  job_id: z.guid(),
  level: z.enum(["debug", "info", "warning", "error"]).optional(),
  limit: limitUpTo(500, 100),
  offset: offsetUpTo(10_000).default(0),
});

/** What one of the caller's jobs had to say, oldest line first. */
export default {
  fetch: endpoint({
    name: "job-logs",
    caller: "user",
    methods: ["GET"],
    query: Query,
    cacheControl: "private, no-cache",
  }, async ({ db, query }) => {
    const lines = await findLines(db, query);
    // Behind the last page there is no line to carry the count.
    const total_count = lines[0]?.total_count ??
      (await findLines(db, { ...query, limit: 1, offset: 0 }))[0]?.total_count ?? 0;
    return ok({
      logs: lines.map(({ id, log_level, message, metadata, created_at }) => (
        { id, level: log_level, message, metadata, created_at: toUtc(created_at) }
      )),
      total_count,
    });
  }),
};

async function findLines(db: Db, { job_id, level, limit, offset }: z.output<typeof Query>) {
  const { data } = await db.rpc("get_job_logs", {
    p_job_id: job_id,
    p_log_level: level,
    p_limit: limit,
    p_offset: offset,
  }).throwOnError();
  return data;
}

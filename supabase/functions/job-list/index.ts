import type { Db } from "../_shared/db.ts";
import { endpoint } from "../_shared/endpoint.ts";
import { ok } from "../_shared/reply.ts";
import { formatCursor } from "./cursor.ts";
import { describeRow } from "./describe_row.ts";
import { isNewestFirst, ListQuery } from "./list_query.ts";

/** The caller's jobs, without those that are children of another. */
export default {
  fetch: endpoint({
    name: "job-list",
    caller: "user",
    methods: ["GET"],
    query: ListQuery,
    cacheControl: "private, no-cache",
  }, async ({ db, query }) => {
    const rows = await findJobs(db, query);
    const last = rows.length === query.limit && isNewestFirst(query) ? rows.at(-1) : undefined;
    return ok({
      jobs: rows.map((row) => describeRow(row, Date.now())),
      // Counted on the way by offset only; behind the last page there is no row to carry it.
      total_count: query.cursor ? null : rows[0]?.total_count ?? await countJobs(db, query),
      next_cursor: last ? formatCursor(last) : null,
    });
  }),
};

async function findJobs(db: Db, query: ListQuery) {
  const { cursor } = query;
  const filter = { p_status: query.status, p_job_type: query.job_type, p_limit: query.limit };
  const { data } = await (cursor
    ? db.rpc("get_user_jobs_page", {
      ...filter,
      p_before_created_at: cursor.created_at,
      p_before_id: cursor.id,
    })
    : db.rpc("get_user_jobs", {
      ...filter,
      p_offset: query.offset,
      p_order_by: query.order_by,
      p_order_dir: query.order_dir,
    })).throwOnError();
  return data;
}

async function countJobs(db: Db, query: ListQuery): Promise<number> {
  const [first] = await findJobs(db, { ...query, limit: 1, offset: 0 });
  return first?.total_count ?? 0;
}

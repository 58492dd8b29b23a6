import type { BatchSummary, ChildResult, JobStore } from "./job_store.ts";
import type { Pool, Tag } from "./pool.ts";

/** What a worker asks of the database about a job's children. */
type ChildCalls = Pick<
  JobStore,
  "waitForChildren" | "createChildren" | "readBatch" | "readChildren"
>;

/** These calls, on a connection of the worker. */
export function childCalls(sql: Tag, json: Pool["json"]): ChildCalls {
  const orNull = (value: unknown) => value === undefined ? null : json(value);

  return {
    async waitForChildren(wait) {
      const [row] = await sql<{ status: string | null }[]>`
        select public.wait_for_children(
          ${wait.job_id}, ${wait.fencing_token}, ${wait.on_child_failure}, ${wait.when_done},
          ${orNull(wait.checkpoint)}
        ) as status`;
      return row!.status;
    },

    async createChildren(lease, children, checkpoint) {
      try {
        const rows = await sql<{ outcome: "created" | "joined" }[]>`
          select outcome from public.create_child_jobs(
            ${lease.job_id}, ${lease.fencing_token}, ${json(children)}, ${orNull(checkpoint)}
          )`;
        return rows.map(({ outcome }) => outcome);
      } catch (error) {
        if ((error as { hint?: unknown }).hint === "LEASE_LOST") return null;
        throw error;
      }
    },

    async readBatch(parentId) {
      const [batch] = await sql<BatchSummary[]>`
        select total, completed, failed, cancelled
        from public.job_batch where parent_job_id = ${parentId}`;
      return batch ?? { total: 0, completed: 0, failed: 0, cancelled: 0 };
    },

    async readChildren(parentId, after, limit) {
      const rows = await sql<(ChildResult & { dedupe_key: string })[]>`
        select id as job_id, case when starts_with(dedupe_key, 'key:') then substr(dedupe_key, 5) end as key,
               job_type, status, error_code, result, dedupe_key
        from public.job_queue
        where parent_job_id = ${parentId} and (${after}::text is null or dedupe_key > ${after})
        order by dedupe_key
        limit ${limit}`;
      const children = rows.map(({ dedupe_key: _, ...child }) => child);
      return { children, next: rows.length < limit ? null : rows.at(-1)!.dedupe_key };
    },
  };
}

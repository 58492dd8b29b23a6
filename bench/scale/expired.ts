import type { Sql } from "postgres";
import { jobType } from "./fill.ts";

/**
 * Adds finished jobs that cleanup has to delete. They are on disk, as jobs of a week ago are: at ten
 * million rows adding them leaves every buffer changed, and whoever comes next would write them out.
 */
export async function addExpired(sql: Sql, count: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`
      insert into public.job_queue (
        job_type, params, status, progress_percent, created_at, requested_at, started_at, completed_at,
        worker_id, seq)
      select ${jobType}, jsonb_build_object('n', n), 'completed', 100, at, at, at, at, 'worker-bench', 2
      from generate_series(1, ${count}::int) as n
      cross join lateral (select now() - interval '8 days' as at) as moment`;
    await tx`
      insert into private.job_count_change (job_type, status, change)
      values (${jobType}, 'completed', ${count})`;
  });
  await sql`analyze public.job_queue`;
  await sql`checkpoint`;
}

/** What must hold of the history that the witness wrote down, and what the history was. */
import type postgres from "postgres";
import { accountRules } from "./rules/accounts.ts";
import { batchRules } from "./rules/batches.ts";
import { lifeRules } from "./rules/life.ts";
import { limitRules } from "./rules/limits.ts";

const rules = [...lifeRules, ...limitRules, ...batchRules, ...accountRules];

/** The sentences that do not hold, each with a few of the rows that show it. */
export async function findings(sql: postgres.Sql): Promise<string[]> {
  const broken: string[] = [];
  for (const [title, query] of rules) {
    const rows = await sql.unsafe(query);
    if (rows.length === 0) continue;
    const shown = rows.slice(0, 5).map((row) => `    ${JSON.stringify(row)}`);
    broken.push([`NOT: ${title} (${rows.length})`, ...shown].join("\n"));
  }
  return broken;
}

/** What happened, in numbers. */
export async function figures(sql: postgres.Sql): Promise<Record<string, number>> {
  const [row] = await sql<Record<string, number>[]>`
    select
      (select count(*)::int from public.job_queue where job_type in (select name from chaos.job_type)) as jobs,
      (select count(*)::int from public.job_queue
        where parent_job_id is not null and job_type in (select name from chaos.job_type)) as children,
      (select count(*)::int from public.job_batch) as batches,
      (select count(*)::int from public.job_queue where error_code = 'SUPERSEDED') as superseded,
      count(*) filter (where old_status = 'pending' and new_status = 'processing')::int as claims,
      count(*) filter (where old_status = 'pending' and new_status = 'completed' and new_token > 1000000000000)::int
        as ends_of_unwritten_starts,
      count(*) filter (where old_status = 'processing' and new_status = 'pending' and new_token > old_token)::int
        as leases_lost,
      count(*) filter (where old_status = 'processing' and new_token = old_token and lease_over > interval '0'
        and wrote && '{status,result,percent,message,checkpoint}')::int as writes_after_the_lease_but_before_recovery,
      count(*) filter (where old_status in ('failed', 'cancelled') and new_status = 'pending')::int as retries_by_hand,
      (select count(*)::int from public.job_queue where crash_count > 1) as jobs_lost_twice_and_more,
      count(*)::int as changes,
      (select count(*)::int from chaos.line) as log_lines
    from chaos.change`;
  return row!;
}

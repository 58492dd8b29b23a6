import type postgres from "postgres";
import type { CronJob } from "./cron.ts";

/** Reads cron.job; nothing when there is no pg_cron, or the real one, which needs no help. */
export async function loadJobs(sql: postgres.Sql): Promise<CronJob[]> {
  if (!await hasStandIn(sql)) return [];
  return await sql<CronJob[]>`
    select jobid::text, command, database, username, active, cron._stand_in_parse(schedule) as parsed
    from cron.job
    order by jobid`;
}

/** Runs that a scheduler left unfinished when it died will never end: say so. */
export async function markInterruptedRuns(sql: postgres.Sql): Promise<void> {
  if (!await hasStandIn(sql)) return;
  await sql`
    update cron.job_run_details
    set status = 'failed', return_message = 'server restarted'
    where status in ('starting', 'connecting', 'sending', 'running')`;
}

async function hasStandIn(sql: postgres.Sql): Promise<boolean> {
  const [row] = await sql<[{ found: boolean }]>`
    select to_regprocedure('cron._stand_in_parse(text)') is not null as found`;
  return row.found;
}

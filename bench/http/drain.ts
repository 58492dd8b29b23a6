import type { Sql } from "postgres";
import type { Api } from "./api.ts";

/**
 * Jobs a second through `job-processor`, called over HTTP: those that users have enqueued while
 * their type was paused. Each writes its step, its log and its result, and its owner is told.
 */
export async function measureDrain(sql: Sql, api: Api): Promise<number> {
  const jobs = await waitingSelfTests(sql);
  await sql`select public.resume_job_type('self_test')`;
  const started = performance.now();
  let left = jobs;
  while (left > 0) {
    await api.drainQueue();
    const still = await waitingSelfTests(sql);
    if (still === left) throw new Error(`job-processor left ${still} jobs alone.`);
    left = still;
  }
  const seconds = (performance.now() - started) / 1000;
  const [row] = await sql`
    select count(*)::int as failed from public.job_queue
    where job_type = 'self_test' and status <> 'completed'`;
  if (row!.failed > 0) throw new Error(`${row!.failed} of ${jobs} jobs did not complete.`);
  return jobs / seconds;
}

async function waitingSelfTests(sql: Sql): Promise<number> {
  const [row] = await sql`
    select count(*)::int as jobs from public.job_queue
    where job_type = 'self_test' and status in ('pending', 'processing')`;
  return row!.jobs;
}

/** Jobs that are handed to a worker which sleeps, for `deferred_starts_test.ts`. */
import assert from "node:assert/strict";
import type { DeferredRun } from "./run.ts";

/** While a worker sleeps: the job is handed to it where none waits, or lines up. */
export async function createBeside(
  { jobType, ledger, own: { sql } }: DeferredRun,
  worker: string,
): Promise<void> {
  await sql`select public.heartbeat(${worker}, '[]', 1000, 0)`;
  const unheard = await sql<{ id: string; token: string }[]>`
    select job ->> 'id' as id, job ->> 'fencing_token' as token
    from jsonb_array_elements(
        private.go_to_sleep(${worker}, 'job_for:nobody', ${[jobType]}, 0)) as job`;
  for (const { id, token } of unheard) {
    assert.ok(ledger.isHolder({ id, token: Number(token), worker }), "unheard is held");
  }
  const [lane] = await sql<{ is_empty: boolean }[]>`
    select not exists (
      select from private.job_waiting
        where job_type = ${jobType} and job_priority = 5 and turn is not null
      ) and not exists (
      select from private.job_bundle where job_type = ${jobType} and job_priority = 5
      ) as is_empty`;
  const [job] = await sql<{ id: string }[]>`
    select public.create_job(null, ${jobType}, ${sql.json({ n: crypto.randomUUID() })}) as id`;
  const { id } = job!;
  ledger.add(id);
  // Another one may sleep since an earlier step.
  const [lease] = await sql<{ worker: string; token: string }[]>`
    select worker_id as worker, 1000000000000 + lease_id as token
    from private.job_lease
    where ${id} = any(job_ids) and is_handed_over`;
  if (!lease) return;
  assert.ok(lane!.is_empty, "nobody is overtaken");
  ledger.hold({ id, token: Number(lease.token), worker: lease.worker });
}

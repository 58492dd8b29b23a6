import type { Sql, TransactionSql } from "postgres";
import { spreadOf } from "../statistics.ts";
import { type Backend, backendOf, costOf, undone } from "../lab/backend.ts";
import { jobType } from "./fill.ts";

const jobs = 1_000;
const goes = 9;

/**
 * Lets some jobs live with every index and without one of them, by turns, and undoes it all. On a
 * database without other jobs, so that nothing else is found.
 */
export async function indexCosts(sql: Sql): Promise<Map<string, number | null>> {
  const indexes = await sql<{ name: string; is_primary: boolean }[]>`
    select relname as name, indisprimary as is_primary
    from pg_index join pg_class on pg_class.oid = indexrelid
    where indrelid = 'public.job_queue'::regclass
    order by indisprimary, name`;
  const backend = await backendOf(sql);
  const costs = new Map<string, number | null>();
  // The first life also pays for what is loaded once.
  await oneLife(backend, indexes[0]!.name, true);
  for (const { name, is_primary } of indexes) {
    const differences: number[] = [];
    for (let go = 0; go < goes && !is_primary; go++) {
      await sql`vacuum public.job_queue`;
      const keepsFirst = go % 2 === 0;
      const first = await oneLife(backend, name, keepsFirst);
      const second = await oneLife(backend, name, !keepsFirst);
      differences.push(keepsFirst ? first - second : second - first);
    }
    costs.set(name, is_primary ? null : spreadOf(differences).median / jobs * 1000);
  }
  return costs;
}

/** The room an index takes for each row of the table, on the average. */
export async function indexBytes(sql: Sql): Promise<Map<string, number>> {
  const rows = await sql<{ name: string; bytes: number }[]>`
    select relname as name,
      pg_relation_size(indexrelid) / greatest(1.0, (select count(*) from public.job_queue))::float8
        as bytes
    from pg_index join pg_class on pg_class.oid = indexrelid
    where indrelid = 'public.job_queue'::regclass
    order by bytes desc`;
  return new Map(rows.map(({ name, bytes }) => [name, bytes]));
}

/** Milliseconds of database time for creating, claiming and completing the jobs. */
async function oneLife({ sql, pid }: Backend, index: string, keep: boolean): Promise<number> {
  const { cpuMs } = await undone(sql, async (tx) => {
    // Dropped in either case: every plan is then made anew, which costs the same in both.
    await tx`savepoint whole`;
    await tx`drop index public.${tx(index)}`;
    if (keep) await tx`rollback to savepoint whole`;
    return await costOf(pid, () => live(tx));
  });
  return cpuMs;
}

async function live(tx: TransactionSql): Promise<void> {
  await tx`
    insert into public.job_queue (job_type, params, expires_at, turn)
    select ${jobType}, jsonb_build_object('n', n), now() + interval '1 day', 1
    from generate_series(1, ${jobs}::int) as n`;
  const claimed = await tx`
    select id as job_id, fencing_token from public.claim_jobs('worker-bench', ${jobs})`;
  const settled = await tx`
    select from public.complete_jobs(${tx.json(claimed)}) where recorded`;
  if (settled.length !== jobs) throw new Error(`${settled.length} jobs were completed.`);
}

import type { Sql, TransactionSql } from "postgres";
import { spreadOf } from "../statistics.ts";
import { addExpired, jobType, watchedUser } from "./fill.ts";

/** One line of "Speed it must reach": what is timed, and the most it may take with 10 000 rows. */
export interface Measure {
  readonly name: string;
  readonly limitMs: number;
  /** The function it needs; without it the line is left open. */
  readonly needs?: string;
  /** Milliseconds of one go. */
  run(sql: Sql, quick: boolean): Promise<number>;
}

/** Every go changes nothing: what it did is rolled back. */
class RolledBack extends Error {}

/** The list of the specification, in its order. */
export const measures: readonly Measure[] = [
  {
    name: "claim of one job",
    limitMs: 10,
    run: (sql) => timed(sql, (tx) => tx`select id from public.claim_jobs('worker-bench', 1)`),
  },
  {
    name: "status by id, as its owner",
    limitMs: 2,
    async run(sql) {
      const [job] =
        await sql`select id from public.job_queue where user_id = ${watchedUser} limit 1`;
      return await timed(
        sql,
        (tx) => tx`select * from public.job_queue where id = ${job!.id}`,
        asOwner,
      );
    },
  },
  {
    name: "dedupe: an equal job is joined",
    limitMs: 5,
    run: (sql) => find(sql, "pending"),
  },
  { name: "cache: a result is reused", limitMs: 5, run: (sql) => find(sql, "completed") },
  {
    name: "1 000 jobs in one call",
    limitMs: 100,
    needs: "public.create_jobs(jsonb)",
    run(sql) {
      const jobs = Array.from(
        { length: 1_000 },
        (_, n) => ({ job_type: jobType, params: { n: -n } }),
      );
      return timed(sql, (tx) => tx`select count(*) from public.create_jobs(${tx.json(jobs)})`);
    },
  },
  {
    name: "cleanup of 100 000 finished jobs",
    limitMs: 500,
    async run(sql, quick) {
      const count = quick ? 10_000 : 100_000;
      await addExpired(sql, count);
      const started = performance.now();
      await sql`select private.cleanup_old_jobs(${count})`;
      return (performance.now() - started) * 100_000 / count;
    },
  },
  {
    name: "stats over all jobs",
    limitMs: 50,
    needs: "public.get_job_queue_stats(uuid)",
    run: (sql) => timed(sql, (tx) => tx`select * from public.get_job_queue_stats(null)`),
  },
  {
    name: "first page of a user's jobs",
    limitMs: 5,
    needs: "public.get_user_jobs(uuid,text,text,integer,integer,text,text)",
    run: (sql) =>
      timed(sql, (tx) => tx`select * from public.get_user_jobs(${watchedUser})`, asOwner),
  },
];

/** The median of a few goes; null when its function is not there yet. */
export async function take(sql: Sql, measure: Measure, quick: boolean): Promise<number | null> {
  if (measure.needs) {
    const [row] = await sql`select to_regprocedure(${measure.needs}) is not null as present`;
    if (!row!.present) return null;
  }
  const samples: number[] = [];
  const goes = measure.limitMs > 50 ? 3 : 15;
  for (let go = 0; go < goes; go++) samples.push(await measure.run(sql, quick));
  return spreadOf(samples).median;
}

async function find(sql: Sql, status: string): Promise<number> {
  const [job] = await sql`
    select params from public.job_queue
    where user_id = ${watchedUser} and status = ${status} and job_type = ${jobType}
    order by completed_at desc nulls last limit 1`;
  return await timed(
    sql,
    (tx) =>
      tx`
        select outcome from public.find_or_create_job(
          ${watchedUser}, ${jobType}, ${tx.json(job!.params)})`,
    asOwner,
  );
}

async function timed(
  sql: Sql,
  work: (tx: TransactionSql) => PromiseLike<unknown>,
  before: (tx: TransactionSql) => PromiseLike<unknown> = () => Promise.resolve(),
): Promise<number> {
  let took = NaN;
  try {
    await sql.begin(async (tx) => {
      await before(tx);
      const started = performance.now();
      await work(tx);
      took = performance.now() - started;
      throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
  return took;
}

function asOwner(tx: TransactionSql): PromiseLike<unknown> {
  const claims = JSON.stringify({ sub: watchedUser, role: "authenticated" });
  return tx`
    select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${claims}, true)`;
}

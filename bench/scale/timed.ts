import type { Sql, TransactionSql } from "postgres";
import { busyMs } from "./busy.ts";
import { watchedUser } from "./fill.ts";

/** What one go took. */
export interface Sample {
  /** By the clock: what the limit is about. */
  readonly ms: number;
  /** CPU time of the database's backend, which others at work do not change: what growth is about. */
  readonly cpuMs: number;
}

/** One connection, and the process at its other end. */
export interface Session {
  readonly sql: Sql;
  readonly pid: number;
}

/** Every go changes nothing: what it did is rolled back. */
class RolledBack extends Error {}

/** Times work in a transaction of its own; what comes before it in there is not counted. */
export async function timed(
  { sql, pid }: Session,
  work: (tx: TransactionSql) => PromiseLike<unknown>,
  before: (tx: TransactionSql) => PromiseLike<unknown> = () => Promise.resolve(),
): Promise<Sample> {
  let sample: Sample | undefined;
  try {
    await sql.begin(async (tx) => {
      await before(tx);
      const busy = await busyMs(pid);
      const started = performance.now();
      await work(tx);
      const ms = performance.now() - started;
      sample = { ms, cpuMs: await busyMs(pid) - busy };
      throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
  return sample!;
}

/** What follows is done by the user whose jobs are watched. */
export function asOwner(tx: TransactionSql): PromiseLike<unknown> {
  const claims = JSON.stringify({ sub: watchedUser, role: "authenticated" });
  return tx`
    select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${claims}, true)`;
}

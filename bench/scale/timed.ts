import type { TransactionSql } from "postgres";
import { type Backend, type Cost, costOf, undone } from "../lab/backend.ts";
import { watchedUser } from "./fill.ts";

/** What work costs in a transaction that is taken back; what comes before it in there is not counted. */
export async function timed(
  { sql, pid }: Backend,
  work: (tx: TransactionSql) => PromiseLike<unknown>,
  before: (tx: TransactionSql) => PromiseLike<unknown> = () => Promise.resolve(),
): Promise<Cost> {
  return await undone(sql, async (tx) => {
    await before(tx);
    return await costOf(pid, () => work(tx));
  });
}

/** What follows is done by the user whose jobs are watched. */
export function asOwner(tx: TransactionSql): PromiseLike<unknown> {
  const claims = JSON.stringify({ sub: watchedUser, role: "authenticated" });
  return tx`
    select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${claims}, true)`;
}

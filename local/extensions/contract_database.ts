import postgres from "postgres";
import { readStack } from "../stack/client.ts";

/**
 * The database whose extensions are held to their contract: CONTRACT_DB_URL, which may have the
 * real ones, else the running stack's. The role is `postgres`, not a superuser, as when hosted.
 */
export async function contractDatabase(): Promise<postgres.Sql & AsyncDisposable> {
  const url = Deno.env.get("CONTRACT_DB_URL") ?? (await readStack()).db_url;
  const sql = postgres(url, {
    max: 4,
    fetch_types: false,
    // Some tests write statements that must fail; no test needs a plan twice.
    prepare: false,
    onnotice: () => {},
  });
  return Object.assign(sql, { [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) });
}

/** Runs statements in a transaction that is rolled back: nothing of the test stays. */
export async function inVain(
  sql: postgres.Sql,
  act: (sql: postgres.TransactionSql) => Promise<void>,
): Promise<void> {
  const rollback = new Error("roll back");
  await sql.begin(async (transaction) => {
    await act(transaction);
    throw rollback;
  }).catch((error) => {
    if (error !== rollback) throw error;
  });
}

/** The error of a statement that must fail, which a savepoint undoes. */
export async function failure(
  sql: postgres.TransactionSql,
  act: (sql: postgres.TransactionSql) => Promise<unknown>,
): Promise<postgres.PostgresError> {
  let failed: unknown;
  await sql.savepoint(async (inner) => {
    await act(inner);
  }).catch((error) => failed = error);
  if (failed instanceof postgres.PostgresError) return failed;
  throw new Error(failed ? String(failed) : "the statement did not fail", { cause: failed });
}

/** Asks until there is an answer; fails after `ms`. */
export async function eventually<T>(ask: () => Promise<T | undefined>, ms = 8000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`no answer within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

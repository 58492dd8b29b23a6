import assert from "node:assert/strict";
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

/** In what one server may differ from another and still keep the contract. */
export interface ContractServer {
  /** The role is a superuser, whom nothing is denied: on a server of one's own it may be. */
  readonly isSuperuser: boolean;
  /** pg_cron before 1.5 knows minutes only, and no `$`. */
  readonly cronKnowsSeconds: boolean;
  /** Jobs run in processes of the server instead of connections: their texts are shorter. */
  readonly cronUsesWorkers: boolean;
}

/** Reads what the server is; `null` versions belong to stand-ins that were put in as plain SQL. */
export async function contractServer(sql: postgres.Sql): Promise<ContractServer> {
  const [server] = await sql<ContractServer[]>`
    select
      (select rolsuper from pg_roles where rolname = current_user) as "isSuperuser",
      coalesce((
        select string_to_array(regexp_replace(extversion, '[^0-9.].*', ''), '.')::int[] >= array[1, 5]
        from pg_extension where extname = 'pg_cron'
      ), true) as "cronKnowsSeconds",
      coalesce(current_setting('cron.use_background_workers', true), 'off') = 'on' as "cronUsesWorkers"`;
  assert(server);
  return server;
}

/** A step that this server cannot be held to; the output says so, and why. */
export function unless(
  t: Deno.TestContext,
  reason: string | false,
): (name: string, fn: () => Promise<void>) => Promise<boolean> {
  return (name, fn) => {
    if (reason) console.log(`    NOT CHECKED here: ${name} (${reason})`);
    return t.step({ name, ignore: Boolean(reason), fn });
  };
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
export async function eventually<T>(ask: () => Promise<T | undefined>, ms = 30_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`no answer within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** One call beside the deletion of a user, which is held at one place after the other. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../../../../local/stack/client.ts";
import { until, waitingFor, withOpenTransaction } from "../../async/own_jobs.ts";
import { type Doomed, makeDoomed, makeJobTypes } from "./doomed_user.ts";

/** A call, and what has to be so before. */
export interface Call {
  readonly before?: (own: Doomed) => Promise<unknown>;
  readonly run: (sql: postgres.Sql, own: Doomed) => Promise<unknown>;
}

type Place = (sql: postgres.Sql, own: Doomed) => Promise<unknown>;

/** Rows that can be changed but not deleted as long as somebody refers to them: so far a deletion comes. */
const PLACES: Record<string, Place> = {
  "the connection": (sql, { connection }) =>
    sql`select from public.platform_connection where id = ${connection} for key share`,
  "the first job": (sql, { first }) =>
    sql`select from public.job_queue where id = ${first} for key share`,
  "the last job": (sql, { last }) =>
    sql`select from public.job_queue where id = ${last} for key share`,
  "the role": (sql, { user }) =>
    sql`select from public.user_role where user_id = ${user} for key share`,
  "the settings": (sql, { user }) =>
    sql`select from public.user_setting where user_id = ${user} for key share`,
  "the subscription": (sql, { user }) =>
    sql`select from public.subscription where user_id = ${user} for key share`,
  "the notifications": (sql, { user }) =>
    sql`select from public.notification where user_id = ${user} for key share`,
  "the account": (sql, { account }) =>
    sql`select from public.social_account where id = ${account} for key share`,
  "the content": (sql, { item }) =>
    sql`select from public.content_item where id = ${item} for key share`,
  "the authorization": (sql, { state }) =>
    sql`select from private.oauth_state where state_hash = ${state} for key share`,
};
const DONE = "its commit";

const stack = await readStack();

/** Connections and job types of its own. */
export async function withRaces(
  run: (race: (call: Call) => Promise<void>) => Promise<void>,
): Promise<void> {
  const sql = postgres(stack.db_url, { max: 6, onnotice: () => {} });
  const jobTypes = await makeJobTypes(sql);
  try {
    await run(async (call) => {
      const faults: string[] = [];
      for (const place of [...Object.keys(PLACES), DONE]) {
        const fault = await meet(await makeDoomed(sql, jobTypes), call, place);
        if (fault) faults.push(`held at ${place}: ${fault}`);
      }
      assert.deepEqual(faults, []);
    });
  } finally {
    await sql`delete from auth.users where id in (
      select user_id from public.job_queue where job_type = any(${jobTypes}))`;
    await sql`delete from public.job_queue where job_type = any(${jobTypes})`;
    await sql`delete from public.job_type where name = any(${jobTypes})`;
    await sql.end();
  }
}

/** Lets the deletion and the call meet, and says what went wrong. */
async function meet(own: Doomed, call: Call, place: string): Promise<string | undefined> {
  const { sql, user } = own;
  await call.before?.(own);
  const [deleter, caller] = [await sql.reserve(), await sql.reserve()];
  try {
    const deletion = () =>
      deleter`delete from auth.users where id = ${user}`.then(() => undefined, String);
    let deleted: Promise<string | undefined> | undefined;
    let called: { end: Promise<string | undefined> } | undefined;
    await deleter`begin`;
    if (place === DONE) {
      deleted = Promise.resolve(await deletion());
      called = await start(sql, caller, own, call);
    } else {
      await withOpenTransaction(sql, (held) => PLACES[place]!(held, own), async (pid) => {
        deleted = deletion();
        await until(async () => await waitingFor(sql, pid) > 0);
        called = await start(sql, caller, own, call);
      });
    }
    const fault = await deleted;
    await deleter.unsafe(fault ? "rollback" : "commit");
    const refusal = await called?.end;
    const [left] = await sql<{ jobs: number }[]>`
      select count(*)::int as jobs from public.job_queue where user_id = ${user}`;
    if (fault) return `the deletion: ${fault}`;
    return refusal ?? (left!.jobs > 0 ? `${left!.jobs} jobs are left` : undefined);
  } finally {
    // After a failure; else there is no transaction left, and this is a notice.
    await deleter`rollback`;
    deleter.release();
    caller.release();
  }
}

/** Begins the call, and comes back when it has ended or waits for somebody. */
async function start(sql: postgres.Sql, caller: postgres.ReservedSql, own: Doomed, call: Call) {
  const [session] = await caller<{ pid: number }[]>`
    select pg_backend_pid() as pid, set_config('request.jwt.claims', ${
    JSON.stringify({ sub: own.user, role: "authenticated" })
  }, false)`;
  let isOver = false;
  const called = call.run(caller, own)
    .then(() => undefined, explain)
    .finally(() => isOver = true);
  let looks = 0;
  await until(async () => {
    const [row] = await sql<{ waits: boolean }[]>`
      select cardinality(pg_blocking_pids(${session!.pid})) > 0 as waits`;
    looks = row!.waits ? looks + 1 : 0;
    return isOver || looks > 1;
  });
  return { end: called };
}

/** What is wrong with a failure; a refusal in our own words is none. */
function explain(error: unknown): string | undefined {
  if (!(error instanceof postgres.PostgresError)) return String(error);
  if (error.code.startsWith("PT") && error.hint) return undefined;
  if (error.message === "There is no such user.") return undefined;
  return `${error.code} ${error.message}`;
}

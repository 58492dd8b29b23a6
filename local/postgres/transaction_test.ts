import { equal, rejects } from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../stack/client.ts";
import { waitUntil } from "../stack/process.ts";
import { transaction } from "./transaction.ts";

async function withPools(work: (sql: postgres.Sql, killer: postgres.Sql) => Promise<void>) {
  const { admin_db_url } = await readStack();
  const [sql, killer] = [1, 1].map((max) => postgres(admin_db_url, { max, onnotice: () => {} }));
  try {
    await work(sql!, killer!);
  } finally {
    await Promise.all([sql!.end(), killer!.end()]);
  }
}

async function ownPid(sql: postgres.Sql | postgres.TransactionSql): Promise<number> {
  const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  return row?.pid ?? 0;
}

/** The driver may give the last word of a lost connection to the first query on the next one. */
async function goesOn(sql: postgres.Sql): Promise<void> {
  const answers = () => sql`select 42 as answer`.then(([row]) => row?.answer === 42, () => false);
  equal(await waitUntil(answers, 20_000, 100), true, "the pool goes on");
}

const closed = { code: "CONNECTION_CLOSED" };
const soon = () => new Promise((resolve) => setTimeout(resolve, 200));

Deno.test("a connection lost between two statements is told, and the pool goes on", () =>
  withPools(async (sql, killer) => {
    const lost = transaction(sql, async (opened) => {
      await killer`select pg_terminate_backend(${await ownPid(opened)})`;
      await soon();
      await opened`select 1`;
    });
    await rejects(lost, closed);
    const lostBeforeTheEnd = transaction(sql, async (opened) => {
      await killer`select pg_terminate_backend(${await ownPid(opened)})`;
      await soon();
    });
    await rejects(lostBeforeTheEnd, closed);
    await goesOn(sql);
  }));

Deno.test("a connection lost under statements is told, and the pool goes on", () =>
  withPools(async (sql, killer) => {
    const lost = transaction(sql, async (opened) => {
      const pid = await ownPid(opened);
      await Promise.all([
        opened`select pg_sleep(10)`,
        opened`select 1`,
        killer`select pg_terminate_backend(${pid})`,
      ]);
    });
    await rejects(lost, closed);
    await goesOn(sql);
  }));

Deno.test("an error of the work rolls back and is passed on", () =>
  withPools(async (sql) => {
    await rejects(
      transaction(sql, async (opened) => {
        await opened`create table private.of_no_stay (id int)`;
        throw new Error("changed my mind");
      }),
      { message: "changed my mind" },
    );
    const [row] = await sql`select to_regclass('private.of_no_stay') is null as gone`;
    equal(row?.gone, true);
    equal(await transaction(sql, async (opened) => (await opened`select 1`).length), 1);
  }));

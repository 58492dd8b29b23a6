import assert from "node:assert/strict";
import type postgres from "postgres";
import { contractDatabase, failure, inVain } from "./contract_database.ts";

/** What 1.4.4, 1.5.1 and 1.11 have in common, which is all that StreamVibe may use. */
interface Message {
  readonly msg_id: string;
  readonly read_ct: number;
  readonly enqueued_at: Date;
  readonly vt: Date;
  readonly message: unknown;
}

const queue = `contract_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;

type Sql = postgres.Sql | postgres.TransactionSql;

/** Columns by name: newer versions have more. */
const read = (sql: Sql, vt: number, quantity: number) =>
  sql<Message[]>`
    select msg_id, read_ct, enqueued_at, vt, message from pgmq.read(${queue}, ${vt}, ${quantity})`;

async function send(sql: Sql, message: unknown, delay = 0): Promise<string> {
  const [row] = await sql<[{ id: string }]>`
    select pgmq.send(${queue}, ${JSON.stringify(message)}::text::jsonb, ${delay}::integer) as id`;
  return row.id;
}

/** No migration asks for it yet: where nobody has made it, a test does. True when it did. */
async function ensurePgmq(sql: Sql): Promise<boolean> {
  const [{ absent }] = await sql<[{ absent: boolean }]>`
    select to_regprocedure('pgmq.create(text)') is null as absent`;
  if (absent) await sql`create extension pgmq`;
  return absent;
}

/** Each test has the queue to itself, and leaves none behind. */
const withQueue = async (work: (sql: postgres.TransactionSql) => Promise<void>) => {
  await using sql = await contractDatabase();
  await inVain(sql, async (sql) => {
    await ensurePgmq(sql);
    await sql`select pgmq.create(${queue})`;
    await work(sql);
  });
};

Deno.test("pgmq: create() may be repeated; list_queues() and drop_queue() know the queue", () =>
  withQueue(async (sql) => {
    await sql`select pgmq.create(${queue})`;
    const [listed] = await sql`
      select is_partitioned, is_unlogged from pgmq.list_queues() where queue_name = ${queue}`;
    assert.deepEqual({ ...listed }, { is_partitioned: false, is_unlogged: false });
    const [dropped] = await sql`select pgmq.drop_queue(${queue}) as done`;
    assert.equal(dropped?.done, true);
    assert.equal((await sql`select from pgmq.list_queues() where queue_name = ${queue}`).length, 0);
  }));

Deno.test("pgmq: names are lower-cased, and refused when long or strange", () =>
  withQueue(async (sql) => {
    const [{ id }] = await sql<[{ id: string }]>`
      select pgmq.send(${queue.toUpperCase()}, '1'::jsonb) as id`;
    assert.equal((await read(sql, 0, 1))[0]?.msg_id, id);
    for (const name of ["a".repeat(48), "a;b", "a--b", "a'b", "a$b"]) {
      await failure(sql, (sql) => sql`select pgmq.create(${name})`);
    }
  }));

Deno.test("pgmq: a message that is read is hidden for its time, then comes again", () =>
  withQueue(async (sql) => {
    const id = await send(sql, { a: 1 });
    const [first] = await read(sql, 1, 10);
    assert.deepEqual([first?.msg_id, first?.read_ct, first?.message], [id, 1, { a: 1 }]);
    assert.equal((await read(sql, 1, 10)).length, 0);
    // Its clock goes on within a transaction, unlike now().
    await sql`select pg_sleep(1.1)`;
    assert.equal((await read(sql, 1, 10))[0]?.read_ct, 2);
  }));

Deno.test("pgmq: set_vt() prolongs or ends the time of a message", () =>
  withQueue(async (sql) => {
    const id = await send(sql, 1);
    await read(sql, 60, 1);
    await sql`select pgmq.set_vt(${queue}, ${id}::bigint, 0)`;
    assert.equal((await read(sql, 60, 1))[0]?.read_ct, 2);
    const [set] = await sql<[Message]>`
      select msg_id, vt from pgmq.set_vt(${queue}, ${id}::bigint, 120)`;
    assert.equal(set.msg_id, id);
    assert(set.vt.getTime() > Date.now() + 60_000);
    assert.equal((await read(sql, 0, 1)).length, 0);
  }));

Deno.test("pgmq: a delayed message is not seen before its time; send_batch() keeps the order", () =>
  withQueue(async (sql) => {
    await send(sql, "late", 60);
    await sql`select pgmq.send_batch(${queue}, array['1', '2', '3']::jsonb[])`;
    const rows = await read(sql, 30, 2);
    assert.deepEqual(rows.map(({ message }) => message), [1, 2]);
    assert.deepEqual((await read(sql, 30, 9)).map(({ message }) => message), [3]);
  }));

Deno.test("pgmq: delete() and archive() take one or many, and say which were there", () =>
  withQueue(async (sql) => {
    const ids = [];
    for (const message of [1, 2, 3, 4]) ids.push(await send(sql, message));
    const [one, two, three, four] = ids;
    const [gone] = await sql`select pgmq.delete(${queue}, ${one!}::bigint) as done`;
    const [again] = await sql`select pgmq.delete(${queue}, ${one!}::bigint) as done`;
    assert.deepEqual([gone?.done, again?.done], [true, false]);
    const deleted = await sql<{ id: string }[]>`
      select pgmq.delete(${queue}, array[${one!}, ${two!}]::bigint[]) as id`;
    assert.deepEqual(deleted.map(({ id }) => id), [two]);
    const [kept] = await sql`select pgmq.archive(${queue}, ${three!}::bigint) as done`;
    assert.equal(kept?.done, true);
    const archived = await sql<{ id: string }[]>`
      select pgmq.archive(${queue}, array[${three!}, ${four!}]::bigint[]) as id`;
    assert.deepEqual(archived.map(({ id }) => id), [four]);
    const shelf = await sql`
      select msg_id, message, archived_at from pgmq.${sql(`a_${queue}`)} order by msg_id`;
    assert.deepEqual(shelf.map(({ message }) => message), [3, 4]);
    assert.equal((await read(sql, 0, 9)).length, 0);
  }));

Deno.test("pgmq: pop() reads and deletes; purge_queue() counts what it throws away", () =>
  withQueue(async (sql) => {
    for (const message of [1, 2, 3]) await send(sql, message);
    const [popped] = await sql<[Message]>`select msg_id, message from pgmq.pop(${queue})`;
    assert.equal(popped.message, 1);
    const [purged] = await sql`select pgmq.purge_queue(${queue}) as count`;
    assert.equal(Number(purged?.count), 2);
    assert.equal((await sql`select msg_id from pgmq.pop(${queue})`).length, 0);
  }));

Deno.test("pgmq: metrics() count what waits and what was ever sent", () =>
  withQueue(async (sql) => {
    for (const message of [1, 2, 3]) await send(sql, message);
    await read(sql, 60, 1);
    const [metrics] = await sql`
      select queue_length, total_messages, oldest_msg_age_sec >= 0 as aged
      from pgmq.metrics(${queue})`;
    assert.deepEqual(Object.values(metrics ?? {}).map(String), ["3", "3", "true"]);
    const all = await sql`select from pgmq.metrics_all() where queue_name = ${queue}`;
    assert.equal(all.length, 1);
  }));

Deno.test("pgmq: what is sent is seen at commit and never after a rollback; readers share", async () => {
  await using sql = await contractDatabase();
  const made = await ensurePgmq(sql);
  await sql`select pgmq.create(${queue})`;
  try {
    await inVain(sql, async (inner) => {
      await send(inner, "never");
      assert.equal((await read(sql, 0, 9)).length, 0);
    });
    assert.equal((await read(sql, 0, 9)).length, 0);
    for (let message = 1; message <= 20; message++) await send(sql, message);
    const shares = await Promise.all([1, 2, 3, 4].map(() => read(sql, 30, 5)));
    const ids = shares.flat().map(({ msg_id }) => msg_id);
    assert.equal(new Set(ids).size, ids.length, "two readers got the same message");
  } finally {
    await sql`select pgmq.drop_queue(${queue})`;
    if (made) await sql`drop extension pgmq cascade`;
  }
});

Deno.test("pgmq: API roles have no way in", async () => {
  await using sql = await contractDatabase();
  await inVain(sql, async (sql) => {
    await ensurePgmq(sql);
    const [row] = await sql`
      select bool_or(has_schema_privilege(role, 'pgmq', 'usage')) as any_usage
      from unnest(array['anon', 'authenticated']) role`;
    assert.equal(row?.any_usage, false);
  });
});

import type postgres from "postgres";
import { log } from "../part.ts";
import { transaction } from "../postgres/transaction.ts";
import { type QueuedRequest, send, type StoredResponse } from "./net_request.ts";

const pauseBetweenBatchesMs = 1000;

/**
 * pg_net's worker: sleeps until woken, then deletes a batch, sends it all at once, stores the
 * answers and commits, one transaction per batch. So a slow request holds back its whole batch and
 * the next one, and a crash in mid-batch sends it again: the real worker's manners, kept on purpose.
 */
export class NetWorker {
  readonly #sql: postgres.Sql;
  // Like the real one, it looks at the queue once when it starts.
  #isWoken = true;
  #wakeUp: () => void = () => {};
  #stopped = false;

  /** @param sql A pool of exactly one connection, of a role that may use the queue. */
  constructor(sql: postgres.Sql) {
    this.#sql = sql;
  }

  /** Someone committed a transaction that called net.http_*() or net.wake(). */
  wake(): void {
    this.#isWoken = true;
    this.#wakeUp();
  }

  /** Ends the loop after the batch in hand. */
  stop(): void {
    this.#stopped = true;
    this.wake();
  }

  /** Works until stop(). A lost database connection is taken up again. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (!this.#isWoken) await new Promise<void>((resolve) => this.#wakeUp = resolve);
        this.#isWoken = false;
        if (await becomeWorker(this.#sql)) await this.#drain();
      } catch (error) {
        log("warn", "pg_net worker lost its batch and starts again", { error: String(error) });
        await this.#pause();
        this.#isWoken = true;
      }
    }
  }

  async #drain(): Promise<void> {
    while (!this.#stopped) {
      this.#isWoken = false;
      const worked = await transaction(this.#sql, async (sql) => {
        const expired = await deleteExpired(sql);
        const requests = await takeBatch(sql);
        const responses = await Promise.all(requests.map(send));
        if (responses.length > 0) await storeResponses(sql, responses);
        return expired + requests.length > 0;
      });
      if (!worked) return;
      await this.#pause();
    }
  }

  /** The real worker's breath between batches; a new wake ends it. */
  async #pause(): Promise<void> {
    if (this.#isWoken) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseBetweenBatchesMs);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/**
 * Takes the advisory lock by which the stand-in's SQL sees that its worker lives; a second
 * scheduler waits here. False when there is no pg_net, or the real one with a worker of its own.
 */
async function becomeWorker(sql: postgres.Sql): Promise<boolean> {
  const [{ exists, holds }] = await sql<[{ exists: boolean; holds: boolean }]>`
    select
      to_regprocedure('net._stand_in_worker_is_up()') is not null as exists,
      exists (
        select from pg_locks
        where pid = pg_backend_pid() and locktype = 'advisory' and classid = 1885957743 and objid = 1
      ) as holds`;
  if (exists && !holds) await sql`select pg_advisory_lock(1885957743, 1)`;
  return exists;
}

async function deleteExpired(sql: postgres.TransactionSql): Promise<number> {
  const { count } = await sql`
    delete from net._http_response
    where ctid in (
      select ctid from net._http_response
      where created
        < now() - coalesce(nullif(current_setting('pg_net.ttl', true), ''), '6 hours')::interval
      order by created
      limit coalesce(nullif(current_setting('pg_net.batch_size', true), ''), '200')::int
    )`;
  return count;
}

async function takeBatch(sql: postgres.TransactionSql): Promise<QueuedRequest[]> {
  return await sql<QueuedRequest[]>`
    with taken as (
      delete from net.http_request_queue
      where id in (
        select id from net.http_request_queue order by id
        limit coalesce(nullif(current_setting('pg_net.batch_size', true), ''), '200')::int
      )
      returning id, method::text, url, headers, convert_from(body, 'UTF8') as body, timeout_milliseconds
    )
    select * from taken order by id`;
}

async function storeResponses(
  sql: postgres.TransactionSql,
  responses: readonly StoredResponse[],
): Promise<void> {
  await sql`
    insert into net._http_response
      (id, status_code, content_type, headers, content, timed_out, error_msg)
    select id, status_code, content_type, headers, content, timed_out, error_msg
    from jsonb_populate_recordset(null::net._http_response, ${sql.json([...responses] as never)})`;
}

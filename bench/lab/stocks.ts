import type { Sql } from "postgres";
import { connect } from "../../local/postgres/connect.ts";
import type { Runtimes } from "../process/queue_process.ts";
import type { Contender } from "../queues/contenders.ts";
import type { Backlog } from "../queues/contract.ts";
import { Place } from "./place.ts";

/** What stocks are built with. */
export interface StockRoom {
  readonly runtimes: Runtimes;
  readonly sql: Sql;
  url(database: string): string;
  /** Makes the empty database that a contender is installed in. */
  makeEmpty(contender: Contender, database: string): Promise<unknown>;
}

const nothing: Backlog = { pending: 0, finished: 0 };

/**
 * Databases that are loaded once and copied for every measurement, file by file: all rounds start
 * from the very same state, and nobody pays for the round before.
 */
export class Stocks {
  readonly #databases = new Map<string, Promise<string>>();
  #copies = 0;

  constructor(private readonly room: StockRoom) {}

  /** A copy of the contender's database with this backlog. */
  async copy(contender: Contender, backlog: Backlog = nothing): Promise<Place> {
    const { runtimes, sql, url } = this.room;
    const stock = await this.#stock(contender, backlog);
    const database = `copy_${++this.#copies}`;
    await this.#copyFiles(stock, database);
    const drop = () => sql`drop database ${sql(database)} with (force)`;
    return await Place.open(runtimes, contender, url(database), drop);
  }

  #stock(contender: Contender, backlog: Backlog): Promise<string> {
    const name = `${stockName(contender)}_${backlog.pending}_${backlog.finished}`;
    let stock = this.#databases.get(name);
    if (!stock) this.#databases.set(name, stock = this.#build(contender, backlog, name));
    return stock;
  }

  async #build(contender: Contender, backlog: Backlog, name: string): Promise<string> {
    const { runtimes, url, makeEmpty } = this.room;
    const isEmpty = backlog.pending + backlog.finished === 0;
    if (isEmpty) await makeEmpty(contender, name);
    else await this.#copyFiles(await this.#stock(contender, nothing), name);
    await using place = await Place.open(runtimes, contender, url(name));
    if (isEmpty) await place.client.ask("install", {});
    else await place.client.ask("load", backlog);
    const sql = connect(place.url);
    // As rows are that have been there for a while.
    await sql`vacuum (freeze, analyze)`;
    await sql.end();
    return name;
  }

  async #copyFiles(from: string, to: string): Promise<void> {
    const { sql } = this.room;
    await sql`create database ${sql(to)} template ${sql(from)} strategy file_copy`;
  }
}

/** Contenders that differ in their worker's settings only share their stocks. */
function stockName({ system, variant: { notify, mode } }: Contender): string {
  const kinds = [notify && "notify", mode && mode !== "bare" && "owned"].filter(Boolean);
  return [system, ...kinds].join("_");
}

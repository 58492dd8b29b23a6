import postgres, { type Sql } from "postgres";
import { migrate, readMigrations } from "../../local/migrations/migrate.ts";
import { keepSecret } from "../../local/migrations/seed.ts";
import { connect } from "../../local/postgres/connect.ts";
import { QueueProcess, type Runtimes } from "../process/queue_process.ts";
import type { Contender } from "../queues/contenders.ts";
import { type CpuTimes, cpuTimes } from "./cpu.ts";
import { denoCommand, nodeCommand } from "./node.ts";
import { type BenchServer, startBenchServer } from "./server.ts";

/** The name of the database that ours are copied from. */
const product = "product";

/** The machine room of a run: one server, a database per contender, the processes that use them. */
export class Lab {
  readonly #clients = new Map<string, Promise<QueueProcess>>();
  #product: Promise<void> | undefined;

  private constructor(
    readonly runtimes: Runtimes,
    /** A superuser's connection, for settings and counters of the whole server. */
    readonly sql: Sql,
    private readonly server: BenchServer,
  ) {}

  /** Starts the server. */
  static async open(): Promise<Lab> {
    const runtimes = { node: await nodeCommand(), deno: denoCommand() };
    const server = await startBenchServer();
    // Not the database that is copied: copying one needs it to have no visitors.
    const sql = postgres(server.url("template1"), { max: 1, onnotice: () => {} });
    return new Lab(runtimes, sql, server);
  }

  /**
   * The process through which a contender is installed, fed and asked; its database is made at first
   * use. A scenario that needs rows of its own to stay names a place of its own.
   */
  client(contender: Contender, place = "main"): Promise<QueueProcess> {
    const database = databaseOf(contender, place);
    const known = this.#clients.get(database);
    if (known) return known;
    const client = this.#makeClient(contender, database);
    this.#clients.set(database, client);
    return client;
  }

  /** A fresh process on a contender's database, for a worker; the caller closes it. */
  worker(contender: Contender, place = "main"): Promise<QueueProcess> {
    return QueueProcess.start(
      this.runtimes,
      contender,
      this.server.url(databaseOf(contender, place)),
    );
  }

  /** URL of a contender's database, as superuser. */
  url(contender: Contender, place = "main"): string {
    return this.server.url(databaseOf(contender, place));
  }

  /** URL of a new database with our platform and migrations, as superuser. */
  async productUrl(database: string): Promise<string> {
    await (this.#product ??= this.#makeProduct());
    await this.sql`create database ${this.sql(database)} template ${this.sql(product)}`;
    return this.server.url(database);
  }

  /** CPU time used so far; null where the system does not tell. */
  cpuTimes(): Promise<CpuTimes | null> {
    return cpuTimes(this.server.pid);
  }

  async close(): Promise<void> {
    const clients = await Promise.allSettled(this.#clients.values());
    for (const client of clients) if (client.status === "fulfilled") await client.value.close();
    await this.sql.end();
    await this.server.stop();
  }

  async #makeClient(contender: Contender, database: string): Promise<QueueProcess> {
    if (contender.system === "streamvibe") await this.productUrl(database);
    else await this.sql`create database ${this.sql(database)} template template0`;
    const url = this.server.url(database);
    const client = await QueueProcess.start(this.runtimes, contender, url);
    await client.ask("install", {});
    return client;
  }

  /** The platform and every migration, as a stack starts with them. */
  async #makeProduct(): Promise<void> {
    await this.sql`create database ${this.sql(product)} template postgres owner postgres`;
    const url = new URL(this.server.url(product));
    url.username = "postgres";
    const sql = connect(url.href);
    try {
      await migrate(sql, await readMigrations());
      // Where the doorbell rings; nobody answers there.
      await keepSecret(sql, "project_url", "http://127.0.0.1:9", "Of the benchmark.");
      await keepSecret(sql, "automation_key", "bench", "Of the benchmark.");
    } finally {
      await sql.end();
    }
  }
}

function databaseOf({ id }: Contender, place: string): string {
  return `${id}_${place}`;
}

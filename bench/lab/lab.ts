import postgres, { type Sql } from "postgres";
import { migrate, readMigrations } from "../../local/migrations/migrate.ts";
import { keepSecret } from "../../local/migrations/seed.ts";
import { connect } from "../../local/postgres/connect.ts";
import type { Runtimes } from "../process/queue_process.ts";
import type { Contender } from "../queues/contenders.ts";
import type { Backlog } from "../queues/contract.ts";
import { asPostgres } from "./as_postgres.ts";
import { type CpuTimes, cpuTimes } from "./cpu.ts";
import { denoCommand, nodeCommand } from "./node.ts";
import type { Place } from "./place.ts";
import { type BenchServer, startBenchServer } from "./server.ts";
import { Stocks } from "./stocks.ts";

/** The name of the database that ours are copied from. */
const product = "product";

/** The machine room of a run: one server, and databases on it as they are needed. */
export class Lab {
  readonly #stocks: Stocks;
  #product: Promise<void> | undefined;

  private constructor(
    readonly runtimes: Runtimes,
    /** A superuser's connection, for settings and counters of the whole server. */
    readonly sql: Sql,
    private readonly server: BenchServer,
  ) {
    this.#stocks = new Stocks({
      runtimes,
      sql,
      url: (database) => server.url(database),
      makeEmpty: async ({ system }, database) => {
        if (system === "streamvibe") await this.productUrl(database);
        else await sql`create database ${sql(database)} template template0`;
      },
    });
  }

  /** Starts the server. */
  static async open(settings?: Parameters<typeof startBenchServer>[0]): Promise<Lab> {
    const runtimes = { node: await nodeCommand(), deno: denoCommand() };
    const server = await startBenchServer(settings);
    // Not the database that is copied: copying one needs it to have no visitors.
    const sql = postgres(server.url("template1"), { max: 1, onnotice: () => {} });
    return new Lab(runtimes, sql, server);
  }

  /** A contender's own database with this backlog, or without any job. */
  place(contender: Contender, backlog?: Backlog): Promise<Place> {
    return this.#stocks.copy(contender, backlog);
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
    await this.sql.end();
    await this.server.stop();
  }

  /** The platform and every migration, as a stack starts with them. */
  async #makeProduct(): Promise<void> {
    await this.sql`create database ${this.sql(product)} template postgres owner postgres`;
    const sql = connect(asPostgres(this.server.url(product)));
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

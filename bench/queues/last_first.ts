import postgres, { type Sql } from "postgres";

/**
 * Connections for several clients, of which the one that was used last is used first: what one client
 * asks runs on one server process, as with the pool of `pg`, which the peers use. A pool of `postgres`
 * goes round all of its connections, and each would find its data gone from the caches of the CPU.
 */
export class LastFirst {
  readonly #all: Sql[];
  readonly #idle: Sql[];

  constructor(url: string, clients: number) {
    this.#all = Array.from(
      { length: clients },
      () => postgres(url, { max: 1, onnotice: () => {} }),
    );
    this.#idle = [...this.#all];
  }

  /** Asks on the connection that was used last; when none is free, on the first. */
  async run<T>(ask: (sql: Sql) => PromiseLike<T>): Promise<T> {
    const sql = this.#idle.pop();
    if (!sql) return await ask(this.#all[0]!);
    try {
      return await ask(sql);
    } finally {
      this.#idle.push(sql);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((sql) => sql.end()));
  }
}

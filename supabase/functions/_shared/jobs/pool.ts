import postgres from "postgres";
import { settlesWithin, systemClock } from "./clock.ts";

const JSONB = 3802;
/** How long calls that share a pool with one that hangs may still take to come to their end. */
const GRACE_SECONDS = 10;

/** What every connection of the worker has in common. */
export const connection = {
  idle_timeout: 30,
  connect_timeout: 10,
  // Costs a round trip per connection, and every type used here is built in.
  fetch_types: false,
  onnotice: () => {},
};

/** A call was given up: whether it had an effect is not known. */
export class CallTimeout extends Error {
  override readonly name = "CallTimeout";
}

/** A value that JSON has no form for, such as a bigint or a circle. */
export class NotJson extends Error {
  override readonly name = "NotJson";
}

interface PoolOptions {
  url: string;
  maxConnections: number;
  /** Behind a transaction pooler the next statement may meet another server connection. */
  pooled: boolean;
  /** After so long the server itself cancels a statement. */
  serverTimeoutMs: number;
}

/** A statement as a template; what is filled in becomes a parameter. */
export type Tag = <T extends readonly object[]>(
  text: TemplateStringsArray,
  ...values: postgres.ParameterOrFragment<never>[]
) => Promise<T>;

/**
 * A small pool in which no call waits for ever. One that hangs is given up, and since its connection
 * cannot be trusted any more, new calls go to new connections.
 */
export class Pool {
  #sql: postgres.Sql;

  constructor(private readonly options: PoolOptions) {
    this.#sql = this.#open();
  }

  /** `sql` that rejects with {@link CallTimeout} when there is no answer in time. */
  tag(timeoutMs: number): Tag {
    return async (text, ...values) => {
      const sql = this.#sql;
      const sentAt = systemClock.now();
      const answer = sql(text, ...values);
      if (await settlesWithin(systemClock, timeoutMs, answer)) return withoutHoles(await answer);
      // While this process stood still, as when a handler computes, nobody could hear the answer.
      const lateMs = Math.min(systemClock.now() - sentAt - timeoutMs, timeoutMs);
      if (await settlesWithin(systemClock, lateMs, answer)) return withoutHoles(await answer);
      if (this.#sql === sql) {
        this.#sql = this.#open();
        sql.end({ timeout: GRACE_SECONDS }).catch(() => {});
      }
      throw new CallTimeout(`no answer from the database within ${timeoutMs} ms`);
    };
  }

  /** A value for a jsonb parameter; throws {@link NotJson} at once. */
  json(value: unknown): postgres.Parameter {
    return this.#sql.typed(toJson(value) as never, JSONB);
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 2 });
  }

  #open(): postgres.Sql {
    const { url, maxConnections, pooled, serverTimeoutMs } = this.options;
    return postgres(withoutMark(url), {
      ...connection,
      max: maxConnections,
      prepare: !pooled,
      connection: {
        application_name: "job-processor",
        // A pooler does not take it.
        ...(!pooled && { statement_timeout: serverTimeoutMs }),
      },
      types: {
        // Fencing tokens are bigint in the database and stay far below 2^53.
        bigint: { to: 20, from: [20], parse: Number, serialize: String },
        // Written by json() already: an exception in here would leave half a message in the
        // buffer that all connections share, and from then on answers would go to the wrong calls.
        json: { to: JSONB, from: [JSONB], parse: JSON.parse, serialize: String },
      },
    });
  }
}

/**
 * After a result that broke off half-way, postgres.js 3.4 begins the connection's next one with as
 * many holes (porsager/postgres#1119): a claim would seem to hold jobs that are undefined.
 */
function withoutHoles<T>(rows: postgres.RowList<postgres.Row[]>): T {
  const isWhole = rows.length === 0 || 0 in rows;
  return (isWhole ? rows : rows.filter(() => true)) as T;
}

function toJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new NotJson("not a JSON value", { cause });
  }
  if (text === undefined) throw new NotJson("not a JSON value");
  return text;
}

/** As the server takes it, which knows nothing of the mark. */
function withoutMark(url: string): string {
  const plain = new URL(url);
  if (!plain.searchParams.has("pgbouncer")) return url;
  plain.searchParams.delete("pgbouncer");
  return plain.href;
}

/** Supabase's transaction pooler listens on 6543; `pgbouncer=true` is how other tools mark one. */
export function isTransactionPooler(url: string): boolean {
  const { port, searchParams } = new URL(url);
  return port === "6543" || searchParams.get("pgbouncer") === "true";
}

import type { Sql, TransactionSql } from "postgres";
import { transaction } from "../postgres/transaction.ts";
import type { Claims } from "./tokens.ts";

/** Who asks, and about which topic. */
export interface Identity {
  claims: Claims;
  /** Headers of the handshake that policies may look at. */
  headers: Record<string, string>;
}

/** What a channel may do with one kind of message. */
export interface Permission {
  broadcast: boolean;
  presence: boolean;
}

const EXTENSIONS = ["broadcast", "presence"] as const;
const INSUFFICIENT_PRIVILEGE = "42501";

/** Carries a result out of a transaction that must not be committed. */
class RolledBack<T> extends Error {
  constructor(readonly result: T) {
    super();
  }
}

/** Runs `work` in a transaction that is always rolled back. */
export async function rolledBack<T>(
  sql: Sql,
  work: (transaction: TransactionSql) => Promise<T>,
): Promise<T> {
  try {
    return await transaction(sql, async (opened): Promise<T> => {
      throw new RolledBack(await work(opened));
    });
  } catch (error) {
    if (error instanceof RolledBack) return error.result as T;
    throw error;
  }
}

/** Makes the rest of a transaction run as the bearer of a token, as the data API does. */
export function impersonate(
  transaction: TransactionSql,
  { claims, headers }: Identity,
  topic: string,
) {
  const subject = typeof claims.sub === "string" ? claims.sub : "";
  return transaction`
    select
      set_config('role', ${claims.role}, true),
      set_config('realtime.topic', ${topic}, true),
      set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
      set_config('request.jwt.claim.sub', ${subject}, true),
      set_config('request.jwt.claim.role', ${claims.role}, true),
      set_config('request.headers', ${JSON.stringify(headers)}, true)`;
}

/**
 * Asks the policies on `realtime.messages` what a client may do on a topic, by trying it: a row of
 * each kind is written and read (or written) under the client's role, then everything is undone.
 */
export class Authorizer {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** May the client receive messages of this topic? Presence is asked about only when wanted. */
  canRead(identity: Identity, topic: string, presence: boolean): Promise<Permission> {
    const probes = EXTENSIONS
      .filter((extension) => presence || extension !== "presence")
      .map((extension) => ({ id: crypto.randomUUID(), topic, extension }));
    return rolledBack(this.#sql, async (sql) => {
      // Not awaited one by one: the three statements travel together.
      const [, , rows] = await Promise.all([
        sql`insert into realtime.messages ${sql(probes)}`,
        impersonate(sql, identity, topic),
        sql<{ extension: string }[]>`
          select extension from realtime.messages
          where id = any(${probes.map((probe) => probe.id)}::uuid[])
            and inserted_at >= localtimestamp - interval '1 minute'`,
      ]);
      const readable = new Set(rows.map((row) => row.extension));
      return { broadcast: readable.has("broadcast"), presence: readable.has("presence") };
    });
  }

  /** May the client send messages to this topic? */
  canWrite(identity: Identity, topic: string): Promise<Permission> {
    return rolledBack(this.#sql, async (sql) => {
      await impersonate(sql, identity, topic);
      const allowed: Permission = { broadcast: false, presence: false };
      for (const extension of EXTENSIONS) {
        await sql`savepoint asked`;
        allowed[extension] = await sql`
          insert into realtime.messages (topic, extension) values (${topic}, ${extension})
        `.then(() => true, (error) => {
          if (error?.code === INSUFFICIENT_PRIVILEGE) return false;
          throw error;
        });
        await sql`rollback to savepoint asked`;
      }
      return allowed;
    });
  }
}

import type { Sql, TransactionSql } from "postgres";

/** What the driver, the system, or the server as its last word says of a connection that is gone. */
const lost = /^(CONNECTION_(CLOSED|DESTROYED|ENDED)|ECONNRESET|EPIPE|08...|57P0[125]|25P03)$/;

/** True when an error says that the connection itself is gone, and with it the transaction. */
export function isLostConnection(error: unknown): boolean {
  return error instanceof Error && "code" in error && lost.test(String(error.code));
}

/**
 * Lets this process live on when a connection breaks at its birth. On each new one the driver asks for
 * the array types, and nobody listens to that question. (Asked not to, the driver never hands out a
 * connection that was reserved before it stood.)
 */
export function outliveLostConnections(): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    if (isLostConnection(event.reason)) event.preventDefault();
  });
}

const never = new Promise<never>(() => {});

/**
 * `sql.begin()` that outlives its server. The driver would send `rollback`, or whatever the work
 * still has to say, on the connection that has just gone, and throws there where nobody can catch
 * it. Here the work is left standing instead; the caller hears of the loss.
 */
export async function transaction<T>(
  sql: Sql,
  work: (transaction: TransactionSql) => Promise<T>,
): Promise<T> {
  let isLost = false;
  const done = sql.begin(async (opened): Promise<T> => {
    const guarded = new Proxy(opened, {
      apply: (target, self, args) => isLost ? never : Reflect.apply(target, self, args),
    });
    try {
      const result = await work(guarded);
      return isLost ? never : result;
    } catch (error) {
      return isLost || isLostConnection(error) ? never : Promise.reject(error);
    }
  });
  done.catch(() => isLost = true);
  return await done as T;
}

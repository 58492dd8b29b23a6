import type { ReservedSql, Sql } from "postgres";

/** A pool is filled again long before this. */
const graceMs = 500;

/**
 * Reserves connections of a pool so that nobody waits for ever: when a connection breaks, the driver
 * may forget who was waiting for one. Then it is asked again, and what comes late is given back.
 */
export function patientReserve(pool: Sql): () => Promise<ReservedSql> {
  const reserve = pool.reserve;
  const waiting = new Set<() => void>();
  Reflect.set(pool.options, "onclose", () => {
    for (const askAgain of waiting) setTimeout(askAgain, graceMs);
  });
  return () =>
    new Promise((resolve, reject) => {
      const ask = () => {
        if (waiting.has(ask)) reserve().then(take, fail);
      };
      const take = (connection: ReservedSql) =>
        waiting.delete(ask) ? resolve(connection) : connection.release();
      const fail = (error: unknown) => {
        if (waiting.delete(ask)) reject(error);
      };
      waiting.add(ask);
      ask();
    });
}

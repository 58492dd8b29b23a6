import type { Sql } from "postgres";

const ATTEMPTS = 500;
const PAUSE_MS = 2;

/**
 * Waits until other sessions see what these transactions wrote.
 *
 * The stream tells of a commit once it is in the log, a moment before the committing session has
 * made it visible: a row read again in between would seem not to exist.
 */
export async function settled(sql: Sql, transactionIds: Iterable<number>): Promise<void> {
  const ids = [...new Set(transactionIds)];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // A running transaction holds a lock on its id until after it has become visible.
    const [row] = await sql<{ open: boolean }[]>`
      select exists (
        select from pg_locks
        where locktype = 'transactionid' and mode = 'ExclusiveLock'
          and transactionid::text = any(${ids.map(String)})
      ) as open`;
    if (!row?.open) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

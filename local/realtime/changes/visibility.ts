import type { Sql } from "postgres";
import { type Identity, impersonate, rolledBack } from "../authorization.ts";
import type { Table } from "./tables.ts";

/** Values of a row's primary key, in the order of the table's key. */
export type Key = string[];

const TIMEOUT = "5s";

/**
 * Which of these rows a subscriber may see now: they are read again under its role and claims, so
 * row-level security decides, and a row that is gone meanwhile is not seen.
 */
export async function visibleKeys(
  sql: Sql,
  identity: Identity,
  table: Table,
  keys: Key[],
): Promise<boolean[]> {
  const names = table.primaryKey.map((_, i) => `k${i}`);
  const arrays = names.map((_, i) => `$${i + 1}::text[]`);
  const conditions = table.primaryKey.map((column, i) =>
    `t.${quote(column.name)} = asked.${names[i]}::${column.sqlType}`
  );
  const query = `
    select array(
      select exists (select from ${table.sqlName} as t where ${conditions.join(" and ")})
      from unnest(${arrays.join(", ")}) with ordinality as asked(${names.join(", ")}, position)
      order by position
    ) as visible`;
  const [, , rows] = await rolledBack(sql, (transaction) =>
    Promise.all([
      transaction`select set_config('statement_timeout', ${TIMEOUT}, true)`,
      impersonate(transaction, identity, ""),
      transaction.unsafe<{ visible: boolean[] }[]>(
        query,
        names.map((_, i) => keys.map((key) => key[i] ?? null)),
      ),
    ]));
  return rows[0]?.visible ?? keys.map(() => false);
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

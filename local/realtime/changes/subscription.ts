import type { Sql } from "postgres";
import type { Identity } from "../authorization.ts";
import { type Binding, BindingError } from "./binding.ts";
import { canonicalFilter, type Filter } from "./filters.ts";
import type { Table, Tables } from "./tables.ts";

/** The publication whose tables can be subscribed to. */
export const PUBLICATION = "supabase_realtime";

/** The row-change bindings of one channel. */
export interface Subscription {
  identity: Identity;
  bindings: Binding[];
  /** Receives the payload of a `postgres_changes` event, as JSON text. */
  deliver(payload: string): void;
}

/**
 * Checks a binding against the database and returns it with its filter values in canonical form.
 * Throws a {@link BindingError} when there is no such table in the publication, or a filter names a
 * column that the role cannot select or a value that is none of the column's type.
 */
export async function checkBinding(
  sql: Sql,
  tables: Tables,
  binding: Binding,
  identity: Identity,
): Promise<Binding> {
  const oids = await tables.published(PUBLICATION, binding.schema, binding.table);
  if (oids.length === 0) {
    throw new BindingError(
      "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for " +
        `the given connect parameters: [${binding.description}]`,
    );
  }
  let filters = binding.filters;
  for (const oid of filters.length > 0 || binding.select ? oids : []) {
    const table = await tables.get(oid);
    if (!table) continue;
    for (const column of binding.select ?? []) requireColumn(table, column, identity, binding);
    filters = await Promise.all(
      binding.filters.map((filter) => checkFilter(sql, table, filter, identity, binding)),
    );
  }
  return { ...binding, filters };
}

async function checkFilter(
  sql: Sql,
  table: Table,
  filter: Filter,
  identity: Identity,
  binding: Binding,
): Promise<Filter> {
  const column = requireColumn(table, filter.column, identity, binding);
  try {
    return await canonicalFilter(sql, filter, column);
  } catch (error) {
    throw exception(binding, error instanceof Error ? error.message : String(error));
  }
}

function requireColumn(table: Table, name: string, identity: Identity, binding: Binding) {
  const column = table.columns.get(name);
  if (!column?.selectableBy.includes(identity.claims.role)) {
    throw exception(binding, `invalid column for filter ${name}`);
  }
  return column;
}

function exception(binding: Binding, reason: string): BindingError {
  return new BindingError(
    "Unable to subscribe to changes with given parameters. An exception happened so please check " +
      `your connect parameters: [${binding.description}]. Exception: ${reason}`,
  );
}

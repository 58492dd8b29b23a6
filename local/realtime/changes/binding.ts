import { type Filter, parseFilters } from "./filters.ts";

/** What one `postgres_changes` binding of a channel asks for. */
export interface Binding {
  /** The same for the same parameters, so that the client can match events to callbacks. */
  id: number;
  event: "INSERT" | "UPDATE" | "DELETE" | "*";
  schema: string;
  table: string;
  filters: Filter[];
  /** Columns to send; all when null. */
  select: string[] | null;
  /** For error messages. */
  description: string;
}

/** A binding that the server cannot serve; the message is for the client. */
export class BindingError extends Error {}

/** A stable positive id of a binding's parameters. */
export function bindingId(params: Record<string, unknown>): number {
  let hash = 0x811c9dc5;
  for (const char of JSON.stringify(Object.entries(params).sort())) {
    hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  }
  return (hash >>> 5) + 1;
}

/** Reads the parameters of a binding; throws a {@link BindingError}. */
export function parseBinding(params: Record<string, unknown>): Binding {
  const { schema, table, filter } = params;
  if (typeof schema !== "string" && typeof table !== "string") {
    throw new BindingError(
      "No subscription params provided. Please provide at least a `schema` or `table` to " +
        `subscribe to: ${JSON.stringify(params)}`,
    );
  }
  const select = parseSelect(params.select);
  const event = String(params.event ?? "*").toUpperCase();
  const binding = {
    id: bindingId(params),
    event: event === "INSERT" || event === "UPDATE" || event === "DELETE" ? event : "*",
    schema: typeof schema === "string" ? schema : "public",
    table: typeof table === "string" ? table : "*",
    filters: typeof filter === "string" ? parse(filter) : [],
    select,
  } as const;
  if (select && (binding.schema === "*" || binding.table === "*")) {
    throw new BindingError(
      "Column selection is not supported for wildcard subscriptions. Provide an explicit schema " +
        "and table name.",
    );
  }
  const description = `event: ${binding.event}, schema: ${binding.schema}, ` +
    `table: ${binding.table}, filters: ${JSON.stringify(binding.filters)}, ` +
    `select: ${select ? JSON.stringify(select) : "nil"}`;
  return { ...binding, description };
}

function parse(filter: string): Filter[] {
  try {
    return parseFilters(filter);
  } catch (error) {
    throw new BindingError(
      `Error parsing \`filter\` params: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function parseSelect(select: unknown): string[] | null {
  if (typeof select === "string") {
    throw new BindingError("Error parsing `select` params: expected a list of column name strings");
  }
  if (!Array.isArray(select)) return null;
  const columns = select.filter((column): column is string => typeof column === "string");
  return columns.length > 0 ? columns : null;
}

import { limits } from "../limits.ts";
import type { RowChange, Value } from "../pgoutput.ts";
import type { ROLES } from "../tokens.ts";
import type { Column, Table } from "./tables.ts";
import { toJson } from "./values.ts";

/** Who a payload is for: everyone of a role with the same choice of columns. */
export interface Audience {
  role: typeof ROLES[number];
  /** Columns asked for; all when null. */
  select: string[] | null;
}

interface Field {
  column: Column;
  value: Value;
}

/** Why a role cannot be shown a row, if so. */
export function refusal(change: RowChange, table: Table, role: Audience["role"]) {
  if (change.type === "DELETE") return undefined;
  if (table.hasRls && table.primaryKey.length === 0) {
    return "Error 400: Bad Request, no primary key";
  }
  if (table.primaryKey.some((column) => !column.selectableBy.includes(role))) {
    return "Error 401: Unauthorized";
  }
  return undefined;
}

/** The `data` of a `postgres_changes` event, as JSON text. */
export function changeData(change: RowChange, table: Table, audience: Audience): string {
  const error = refusal(change, table, audience.role);
  if (error) return envelope(change, [], { record: "{}" }, [error]);

  const isSent = ({ column }: Field) =>
    column.selectableBy.includes(audience.role) &&
    (!audience.select || audience.select.includes(column.name));
  const record = fields(change, table, change.record, change.oldRecord).filter(isSent);
  // What a deleted row held cannot be checked any more: with row-level security only its key is told.
  const oldRecord = fields(change, table, change.oldRecord)
    .filter(isSent)
    .filter(({ column }) => change.type !== "DELETE" || !table.hasRls || column.isPrimaryKey);
  const columns = [...table.columns.values()].filter((column) => isSent({ column, value: null }));

  const data = envelope(change, columns, parts(change, record, oldRecord), null);
  if (data.length <= limits.changeBytes) return data;
  return envelope(
    change,
    columns,
    parts(change, record.filter(isSmall), oldRecord.filter(isSmall)),
    [
      "Error 413: Payload Too Large",
    ],
  );
}

function isSmall({ value }: Field): boolean {
  return !value || new TextEncoder().encode(value).length <= limits.keptValueBytes;
}

function parts(change: RowChange, record: Field[], oldRecord: Field[]) {
  const members: { record?: string; old_record?: string } = {};
  if (change.type !== "DELETE") members.record = object(record);
  if (change.type !== "INSERT") members.old_record = object(oldRecord);
  return members;
}

// Large unchanged values are not in the stream; the old row, when it is complete, has them.
function fields(
  change: RowChange,
  table: Table,
  values: Value[] = [],
  spare: Value[] = [],
): Field[] {
  return change.relation.columns.flatMap(({ name }, i) => {
    const column = table.columns.get(name);
    const value = values[i] === undefined ? spare[i] : values[i];
    return column && value !== undefined && values.length > 0 ? [{ column, value }] : [];
  });
}

function object(values: Field[]): string {
  const members = values.map(({ column, value }) =>
    `${JSON.stringify(column.name)}:${toJson(column.typeName, value ?? null)}`
  );
  return `{${members.join(",")}}`;
}

function envelope(
  change: RowChange,
  columns: Column[],
  members: { record?: string; old_record?: string },
  errors: string[] | null,
): string {
  const head = JSON.stringify({
    type: change.type,
    schema: change.relation.schema,
    table: change.relation.table,
    commit_timestamp: change.committedAt.toISOString(),
    columns: columns.map(({ name, typeName }) => ({ name, type: typeName })),
    errors,
  });
  const rows = Object.entries(members).map(([name, json]) => `,"${name}":${json}`);
  return `${head.slice(0, -1)}${rows.join("")}}`;
}

import type { Sql } from "postgres";
import type { ROLES } from "../tokens.ts";

type Role = typeof ROLES[number];

/** A column as the catalogue describes it. */
export interface Column {
  name: string;
  /** Name in `pg_type`, as clients expect it. */
  typeName: string;
  /** Name to be used in a cast. */
  sqlType: string;
  isPrimaryKey: boolean;
  /** Roles that may select it. */
  selectableBy: Role[];
}

/** A table as the catalogue describes it. */
export interface Table {
  /** Qualified and quoted. */
  sqlName: string;
  hasRls: boolean;
  /** Its rows are in partitions. */
  isPartitioned: boolean;
  columns: Map<string, Column>;
  primaryKey: Column[];
}

interface CatalogueRow extends Column {
  sqlName: string;
  hasRls: boolean;
  isPartitioned: boolean;
}

interface Known {
  table: Promise<Table | undefined>;
  until: number;
  description?: object;
}

/** Grants, keys and row-level security can change without a word in the stream. */
const TTL_MS = 1000;

/** What the catalogue says about published tables, remembered for a moment. */
export class Tables {
  readonly #sql: Sql;
  readonly #known = new Map<number, Known>();

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /**
   * The table with this oid; undefined when it is gone.
   *
   * @param description What the stream said of it: said anew, the table has changed.
   */
  get(oid: number, description?: object): Promise<Table | undefined> {
    const known = this.#known.get(oid);
    const isNews = description && known?.description && description !== known.description;
    if (known && known.until > Date.now() && !isNews) {
      known.description ??= description;
      return known.table;
    }
    const table = this.#load(oid);
    this.#known.set(oid, { table, until: Date.now() + TTL_MS, description });
    table.catch(() => this.#known.delete(oid));
    return table;
  }

  /** Oids of the tables in a publication that a binding's schema and table (or `*`) name. */
  async published(publication: string, schema: string, table: string): Promise<number[]> {
    const rows = await this.#sql<{ oid: number }[]>`
      select format('%I.%I', schemaname, tablename)::regclass::oid as oid
      from pg_publication_tables
      where pubname = ${publication}
        and ${schema}::text in ('*', schemaname)
        and ${table}::text in ('*', tablename)`;
    return rows.map((row) => row.oid);
  }

  async #load(oid: number): Promise<Table | undefined> {
    const rows = await this.#sql<CatalogueRow[]>`
      select
        format('%I.%I', n.nspname, c.relname) as "sqlName",
        c.relrowsecurity as "hasRls",
        c.relkind = 'p' as "isPartitioned",
        a.attname as name,
        t.typname as "typeName",
        format_type(a.atttypid, null) as "sqlType",
        coalesce(a.attnum = any(i.indkey), false) as "isPrimaryKey",
        array(
          select r.rolname::text
          from pg_roles as r
          where r.rolname in ('anon', 'authenticated', 'service_role')
            and has_column_privilege(r.oid, c.oid, a.attnum, 'select')
        ) as "selectableBy"
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      join pg_type as t on t.oid = a.atttypid
      left join pg_index as i on i.indrelid = c.oid and i.indisprimary
      where c.oid = ${oid}
      order by a.attnum`;
    const [first] = rows;
    if (!first) return undefined;
    return {
      sqlName: first.sqlName,
      hasRls: first.hasRls,
      isPartitioned: first.isPartitioned,
      columns: new Map(rows.map((row) => [row.name, row])),
      primaryKey: rows.filter((row) => row.isPrimaryKey),
    };
  }
}

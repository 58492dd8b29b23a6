import type postgres from "postgres";
import { noteSchema } from "./server_facts.ts";

/** Something that a start makes. Most kinds are words of SQL: `drop <kind> <identity>`. */
export interface Item {
  readonly kind: string;
  readonly identity: string;
}

type Sql = postgres.Sql | postgres.TransactionSql;

/** Everything a start may make that a reset has to drop, in schemas or beside them. */
export async function takeInventory(sql: Sql): Promise<Item[]> {
  const items = await sql<Item[]>`
    with member as (select classid, objid from pg_depend where deptype = 'e')
    select 'schema' as kind, quote_ident(nspname) as identity from pg_namespace
    where nspname !~ '^pg_' and nspname not in ('information_schema', ${noteSchema})
      and ('pg_namespace'::regclass, oid) not in (select * from member)
    union all select 'extension', quote_ident(extname) from pg_extension
    union all select 'event trigger', quote_ident(evtname) from pg_event_trigger
      where ('pg_event_trigger'::regclass, oid) not in (select * from member)
    union all select 'publication', quote_ident(pubname) from pg_publication
    union all select 'role', quote_ident(rolname) from pg_roles where rolname !~ '^pg_'
    union all select distinct 'settings of role', quote_ident(pg_get_userbyid(setrole))
      from pg_db_role_setting
      where setrole <> 0
        and setdatabase = (select oid from pg_database where datname = current_database())
    union all select distinct
      case when defaclnamespace = 0 then 'general default rights of role' else 'default rights of role' end,
      quote_ident(pg_get_userbyid(defaclrole))
      from pg_default_acl where defaclnamespace in (0, 'public'::regnamespace)
    union all
    select named.type, named.identity
    from (
      select 'pg_class'::regclass as catalog, oid from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S', 'f')
      union all select 'pg_proc'::regclass, oid from pg_proc where pronamespace = 'public'::regnamespace
      union all select 'pg_type'::regclass, oid from pg_type
        where typnamespace = 'public'::regnamespace and typtype in ('e', 'd', 'r')
    ) as object, pg_identify_object(object.catalog, object.oid, 0) as named
    where (object.catalog, object.oid) not in (select * from member)`;
  const [{ scheduled }] = await sql<[{ scheduled: boolean }]>`
    select to_regclass('cron.job') is not null as scheduled`;
  if (!scheduled) return [...items];
  const jobs = await sql<Item[]>`select 'job' as kind, jobid::text as identity from cron.job`;
  return [...items, ...jobs];
}

/** What is in the later list and not in the earlier one. */
export function added(earlier: readonly Item[], later: readonly Item[]): Item[] {
  const known = new Set(earlier.map(({ kind, identity }) => `${kind} ${identity}`));
  return later.filter(({ kind, identity }) => !known.has(`${kind} ${identity}`));
}

/** How many of what: "2 schemas, 1 role". */
export function summary(items: readonly Item[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of items) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${count === 1 ? kind : plural(kind)}`)
    .join(", ");
}

function plural(kind: string): string {
  if (kind.includes(" of role")) return kind.replace(" of role", " of roles");
  return kind.endsWith("y") ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}

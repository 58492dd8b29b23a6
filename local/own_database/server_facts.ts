import postgres from "postgres";

/** An extension the server offers. */
export interface OfferedExtension {
  readonly name: string;
  readonly version: string;
  /** Where it is installed in this database; null while it is not. */
  readonly schema: string | null;
}

/** What decides whether the stack can work on a database. */
export interface ServerFacts {
  /** As `server_version_num`: 150018. */
  readonly version: number;
  readonly versionText: string;
  readonly database: string;
  readonly encoding: string;
  readonly role: string;
  readonly isSuperuser: boolean;
  readonly walLevel: string;
  readonly preloaded: readonly string[];
  /** The one database pg_cron works in; null when it is not loaded. */
  readonly cronDatabase: string | null;
  readonly offered: readonly OfferedExtension[];
  /** Role postgres, which migrations run as. */
  readonly postgres: "absent" | "superuser" | "plain";
  /** What is in the database and belongs to no extension, at most a few. */
  readonly contents: readonly string[];
  /** The stack that works on this database; null when there is none. */
  readonly claim: { readonly stack: string; readonly folder: string } | null;
}

/** Where a stack notes, in the database itself, that it is there and what it made. */
export const noteSchema = "streamvibe_local";

/** Reads the facts with a connection of the role the URL names. */
export async function readServerFacts(sql: postgres.Sql): Promise<ServerFacts> {
  const [server] = await sql<
    (Omit<ServerFacts, "preloaded" | "offered" | "contents" | "claim"> & { preloaded: string })[]
  >`
    select
      current_setting('server_version_num')::int as version,
      current_setting('server_version') as "versionText",
      current_database() as database,
      pg_encoding_to_char(d.encoding) as encoding,
      current_user::text as role,
      r.rolsuper as "isSuperuser",
      current_setting('wal_level') as "walLevel",
      coalesce((select setting from pg_settings where name = 'shared_preload_libraries'), '') as preloaded,
      (select setting from pg_settings where name = 'cron.database_name') as "cronDatabase",
      coalesce((
        select case when p.rolsuper then 'superuser' else 'plain' end
        from pg_roles p where p.rolname = 'postgres'
      ), 'absent') as postgres
    from pg_database d, pg_roles r
    where d.datname = current_database() and r.rolname = current_user`;
  if (!server) throw new Error("the server says nothing about itself");
  return {
    ...server,
    preloaded: server.preloaded.split(",").map((name) => name.trim().replaceAll('"', "")),
    offered: await readOffered(sql),
    contents: await readContents(sql),
    claim: await readClaim(sql),
  };
}

async function readOffered(sql: postgres.Sql): Promise<OfferedExtension[]> {
  // Who is no superuser may be kept from reading setting files, never from this view.
  return await sql<OfferedExtension[]>`
    select a.name, coalesce(a.installed_version, a.default_version) as version, n.nspname as schema
    from pg_available_extensions a
    left join pg_extension e on e.extname = a.name
    left join pg_namespace n on n.oid = e.extnamespace`;
}

/** Tables, functions and types that somebody put there. */
async function readContents(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ identity: string }[]>`
    select identity from (
      select 'pg_class'::regclass as catalog, oid, relnamespace as namespace from pg_class
        where relkind in ('r', 'p', 'v', 'm', 'S', 'f')
      union all select 'pg_proc'::regclass, oid, pronamespace from pg_proc
      union all select 'pg_type'::regclass, oid, typnamespace from pg_type where typtype in ('e', 'd')
    ) as object
    join pg_namespace as n on n.oid = object.namespace
    cross join lateral pg_identify_object(object.catalog, object.oid, 0) as named
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not exists (
        select from pg_depend as d
        where d.classid = object.catalog and d.objid = object.oid and d.deptype = 'e'
      )
    order by n.nspname <> 'public', identity
    limit 4`;
  return rows.map(({ identity }) => identity);
}

async function readClaim(sql: postgres.Sql): Promise<ServerFacts["claim"]> {
  const [{ claimed }] = await sql<[{ claimed: boolean }]>`
    select to_regclass(${`${noteSchema}.claim`}) is not null
      and has_schema_privilege(${noteSchema}, 'usage') as claimed`;
  if (!claimed) return null;
  const [row] = await sql<{ stack: string; folder: string }[]>`
    select stack, folder from ${sql(noteSchema)}.claim`;
  return row ?? null;
}

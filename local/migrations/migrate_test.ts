import { deepEqual, equal, match, rejects } from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../stack/client.ts";
import { createdExtension, migrate, type Migration, MigrationDrift } from "./migrate.ts";

function migration(version: string, ...statements: string[]): Migration {
  return { version, name: `step_${version}`, path: `/nowhere/${version}.sql`, statements };
}

/** An empty database of its own on the shared stack, gone afterwards. */
async function withDatabase(work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const { db_url } = await readStack();
  const name = `migrate_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
  const server = postgres(db_url, { max: 1, onnotice: () => {} });
  await server.unsafe(`create database ${name}`);
  const sql = postgres(db_url, { max: 1, onnotice: () => {}, database: name });
  try {
    await work(sql);
  } finally {
    await sql.end();
    await server.unsafe(`drop database ${name}`);
    await server.end();
  }
}

Deno.test("migrate() applies what is missing, once, and records it as the CLI does", () =>
  withDatabase(async (sql) => {
    const first = migration("20260101000000", "create table public.a (id int)", "select 1");
    deepEqual(await migrate(sql, [first]), ["20260101000000"]);
    const second = migration("20260101000100", "alter table public.a add column b int");
    deepEqual(await migrate(sql, [first, second]), ["20260101000100"]);
    deepEqual(await migrate(sql, [first, second]), []);

    const rows = await sql`
      select version, name, statements from supabase_migrations.schema_migrations order by 1`;
    deepEqual({ ...rows[0] }, {
      version: "20260101000000",
      name: "step_20260101000000",
      statements: ["create table public.a (id int)", "select 1"],
    });
    equal(rows.length, 2);
  }));

Deno.test("a failing migration leaves nothing of itself and says where it failed", () =>
  withDatabase(async (sql) => {
    const path = await Deno.makeTempFile({ suffix: ".sql" });
    await Deno.writeTextFile(path, "create table public.a (id int);\n\nselect nope;\n");
    const broken = {
      ...migration("20260101000000", "create table public.a (id int)", "select nope"),
      path,
    };
    await rejects(migrate(sql, [broken]), ({ message }: Error) => {
      match(message, /\.sql:3: column "nope" does not exist \(SQLSTATE 42703\)/);
      return true;
    });
    const [left] = await sql`select to_regclass('public.a') as a`;
    equal(left?.a, null);
    await Deno.remove(path);
  }));

Deno.test("an applied migration that was edited, or is gone, asks for a reset", () =>
  withDatabase(async (sql) => {
    const before = migration("20260101000000", "create table public.a (id int)");
    await migrate(sql, [before]);
    const respaced = migration("20260101000000", "create  table public.a\n(id int);");
    deepEqual(await migrate(sql, [respaced]), [], "white space is not a change");

    const edited = migration("20260101000000", "create table public.a (id bigint)");
    const asksForReset = (error: unknown) =>
      error instanceof MigrationDrift && /deno task reset/.test(error.message);
    await rejects(migrate(sql, [edited]), asksForReset);
    await rejects(migrate(sql, []), asksForReset);
  }));

Deno.test("migrate() takes a played extension for created, and records the statement as it is", () =>
  withDatabase(async (sql) => {
    const text = "-- why\ncreate extension if not exists pg_not_there with schema extensions";
    const step = migration("20260101000000", text, "create table public.a (id int)");
    await rejects(migrate(sql, [step]));
    await migrate(sql, [step], { playedExtensions: ["pg_not_there"] });
    const [row] = await sql`select statements from supabase_migrations.schema_migrations`;
    equal(row?.statements[0], text);
    equal((await sql`select from public.a`).length, 0);
  }));

Deno.test("createdExtension() reads the name from every spelling, and only from that statement", () => {
  equal(createdExtension("CREATE EXTENSION pg_net"), "pg_net");
  equal(createdExtension('create extension if not exists "uuid-ossp" with schema x'), "uuid-ossp");
  equal(createdExtension("select 'create extension pg_net'"), null);
  equal(createdExtension("drop extension pg_net"), null);
});

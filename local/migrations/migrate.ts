import postgres from "postgres";
import { join } from "node:path";
import { repositoryRoot } from "../stack/paths.ts";
import { splitStatements } from "./split_statements.ts";

/** One file under `supabase/migrations`. */
export interface Migration {
  /** The 14 digits its name begins with. */
  readonly version: string;
  readonly name: string;
  readonly path: string;
  readonly statements: readonly string[];
}

/** A database and a folder of migrations that no further migration can bring together. */
export class MigrationDrift extends Error {}

/** Reads all migrations, oldest first. */
export async function readMigrations(
  folder = join(repositoryRoot, "supabase", "migrations"),
): Promise<Migration[]> {
  const migrations: Migration[] = [];
  for (const file of await sqlFiles(folder)) {
    const [, version, name] = /^(\d+)_(.*)\.sql$/.exec(file) ?? [];
    if (!version || name === undefined) continue;
    const path = join(folder, file);
    const statements = splitStatements(await Deno.readTextFile(path));
    migrations.push({ version, name, path, statements });
  }
  return migrations;
}

/**
 * Applies the migrations a database has not seen, each in one transaction, and records them where
 * the Supabase CLI looks; answers with their versions. Connect as `postgres`, as hosted does.
 * A server cannot create an extension that it does not have: `playedExtensions` are there already.
 */
export async function migrate(
  sql: postgres.Sql,
  migrations: readonly Migration[],
  { playedExtensions = [], reset = "deno task reset" }: {
    playedExtensions?: readonly string[];
    /** How to begin anew, said when nothing else helps. */
    reset?: string;
  } = {},
): Promise<string[]> {
  await createHistory(sql);
  const history = await sql<{ version: string; statements: string[] | null }[]>`
    select version, statements from supabase_migrations.schema_migrations`;
  const recorded = new Map(history.map((row) => [row.version, row.statements]));
  assertNoDrift(migrations, recorded, reset);

  const pending = migrations.filter(({ version }) => !recorded.has(version));
  for (const migration of pending) await apply(sql, migration, playedExtensions);
  return pending.map(({ version }) => version);
}

/** Applied migrations are history. Before the first production deploy they may still be edited. */
function assertNoDrift(
  migrations: readonly Migration[],
  recorded: ReadonlyMap<string, string[] | null>,
  reset: string,
): void {
  const edited = migrations.filter(({ version, statements }) => {
    const applied = recorded.get(version);
    return applied && essence(applied) !== essence(statements);
  });
  if (edited.length > 0) {
    const names = edited.map(({ version, name }) => `${version}_${name}`).join(", ");
    throw new MigrationDrift(
      `The database was built from an older text of ${names}; run \`${reset}\` to build it anew (its data goes).`,
    );
  }
  const known = new Set(migrations.map(({ version }) => version));
  const missing = [...recorded.keys()].filter((version) => !known.has(version));
  if (missing.length > 0) {
    throw new MigrationDrift(
      `The database has migrations that are not in supabase/migrations (${
        missing.join(", ")
      }); run \`${reset}\`, or restore the files.`,
    );
  }
}

/** The CLI and we may split white space and semicolons differently; nothing else may differ. */
function essence(statements: readonly string[]): string {
  return statements.join("").replace(/[\s;]+/g, "");
}

async function createHistory(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(`
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;
  `).simple();
}

async function apply(
  sql: postgres.Sql,
  migration: Migration,
  playedExtensions: readonly string[],
): Promise<void> {
  const { version, name, statements } = migration;
  await sql.begin(async (transaction) => {
    for (const statement of statements) {
      if (playedExtensions.includes(createdExtension(statement) ?? "")) continue;
      try {
        await transaction.unsafe(statement).simple();
      } catch (error) {
        throw await explained(error, migration, statement);
      }
    }
    await transaction`
      insert into supabase_migrations.schema_migrations (version, name, statements)
      values (${version}, ${name}, ${transaction.array([...statements])})`;
  });
}

/** The extension a statement creates; null for every other statement. */
export function createdExtension(statement: string): string | null {
  const create =
    /^(?:\s|--[^\n]*\n)*create\s+extension\s+(?:if\s+not\s+exists\s+)?(?:"([^"]+)"|(\w+))/i;
  const [, quoted, plain] = create.exec(statement) ?? [];
  return quoted ?? plain?.toLowerCase() ?? null;
}

async function explained(error: unknown, migration: Migration, statement: string): Promise<Error> {
  if (!(error instanceof postgres.PostgresError)) {
    return error instanceof Error ? error : new Error(String(error));
  }
  const text = await Deno.readTextFile(migration.path);
  const offset = text.indexOf(statement) + Math.max(0, Number(error.position ?? 1) - 1);
  const line = text.slice(0, offset).split("\n").length;
  const more = [error.detail, error.hint, error.where].filter(Boolean).map((part) => `\n  ${part}`);
  return new Error(
    `${migration.path}:${line}: ${error.message} (SQLSTATE ${error.code})${more.join("")}`,
  );
}

async function sqlFiles(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) if (name.endsWith(".sql")) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}

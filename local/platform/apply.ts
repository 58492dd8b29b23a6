import type { Sql } from "postgres";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { authSchemaSql, authSchemaVersion } from "../data_api/auth_schema.ts";
import { repositoryRoot, shortHash } from "../stack/paths.ts";

/** One file of platform SQL. */
interface PlatformFile {
  readonly path: string;
  readonly text: string;
}

/** What differs on a database of one's own; without it, the server is the stack's. */
export interface OwnPlatform {
  /** Password of the role Auth and data API log in as, should it have to be made. */
  readonly apiPassword: string;
  /** The same for role postgres. */
  readonly postgresPassword: string;
  /** Extensions whose place stand-ins have taken: those are not created. */
  readonly playedExtensions: readonly string[];
}

/** Changes whenever the platform a fresh cluster starts with changes. */
export async function platformHash(): Promise<string> {
  const texts = (await platformFiles()).map(({ text }) => text);
  return await shortHash(JSON.stringify([authSchemaVersion, texts]));
}

/**
 * Brings a database to what a hosted project has before its first migration: roles, default
 * privileges, extensions, schemas auth and realtime. Needs a superuser and one connection; can be
 * repeated.
 */
export async function applyPlatform(
  admin: Sql,
  own?: OwnPlatform,
  beforeExtensions: () => Promise<void> = async () => {},
): Promise<void> {
  if (own) {
    await admin`
      select set_config('streamvibe.own_database', 'on', false),
        set_config('streamvibe.api_password', ${own.apiPassword}, false),
        set_config('streamvibe.postgres_password', ${own.postgresPassword}, false),
        set_config('streamvibe.played_extensions', ${own.playedExtensions.join(",")}, false)`;
  }
  await ensureAuthSchema(admin);
  for (const { path, text } of await platformFiles()) {
    if (path.endsWith("30_extensions.sql")) await beforeExtensions();
    try {
      await admin.unsafe(text).simple();
    } catch (error) {
      throw new Error(`${path}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

/** lite's schema text is read from its package only when needed: loading lite takes a while. */
async function ensureAuthSchema(admin: Sql): Promise<void> {
  const [found] = await admin<{ version: string | null }[]>`
    select obj_description(to_regnamespace('auth'), 'pg_namespace') as version`;
  if (found?.version === authSchemaVersion) return;
  await admin.unsafe(await authSchemaSql()).simple();
  await admin.unsafe(`comment on schema auth is '${authSchemaVersion}'`);
}

async function platformFiles(): Promise<PlatformFile[]> {
  const folder = dirname(fileURLToPath(import.meta.url));
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) if (name.endsWith(".sql")) names.push(name);
  const paths = names.sort().map((name) => join(folder, name));
  const realtime = join(repositoryRoot, "local", "realtime", "schema.sql");
  const files: PlatformFile[] = [];
  for (const path of [...paths, realtime]) {
    const text = await Deno.readTextFile(path).catch(() => "");
    if (text) files.push({ path, text });
  }
  return files;
}

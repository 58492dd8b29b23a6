import type { Sql } from "postgres";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defaultVersion, standInExtensions } from "../postgres/stand_in_extensions.ts";
import { readTarball } from "../postgres/tarball.ts";
import type { PlayableExtension } from "./extension_plan.ts";

/** Schema that an extension's script expects to find; the others make their own. */
const schemaOf: Readonly<Partial<Record<PlayableExtension, string>>> = {
  supabase_vault: "vault",
  pgmq: "pgmq",
  pgtap: "extensions",
};

/**
 * Puts an extension's objects into a database without `create extension`, for which files would have
 * to be put into somebody's server. They belong to the superuser, as those of an extension do, but for pgmq.
 */
export async function playExtension(admin: Sql, name: PlayableExtension): Promise<void> {
  const text = plainSql(await extensionScript(name));
  const schema = schemaOf[name];
  await admin.begin(async (transaction) => {
    // Who makes queues has to own them; on hosted, postgres does.
    if (name === "pgmq") await transaction`set local role postgres`;
    if (schema) {
      await transaction`create schema if not exists ${transaction(schema)}`;
      await transaction`select set_config('search_path', ${schema}, true)`;
    }
    await transaction.unsafe(text).simple();
  });
}

/** The script of an extension as a statement list: no words that only `create extension` knows. */
export function plainSql(script: string): string {
  return script
    .replaceAll("@extschema:pgcrypto@", "extensions")
    .replace(/^\\echo .*$/gm, "")
    .replace(/^select pg_catalog\.pg_extension_config_dump\(.*\);$/gm, "");
}

async function extensionScript(name: PlayableExtension): Promise<string> {
  if (name === "pgmq") return await packagedScript("pgmq", "@electric-sql/pglite-pgmq");
  if (name === "pgtap") return await packagedScript("pgtap", "@electric-sql/pglite-pgtap");
  const extension = (await standInExtensions()).find((one) => one.name === name);
  if (!extension) throw new Error(`There is no stand-in for ${name}.`);
  return extension.script;
}

/** The script for the version that the control file calls the default. */
async function packagedScript(name: string, packageName: string): Promise<string> {
  const entry = fileURLToPath(import.meta.resolve(packageName));
  const files = new Map<string, string>();
  for (const file of await readTarball(join(dirname(entry), `${name}.tar.gz`))) {
    const base = file.name.split("/").at(-1) ?? "";
    if (base === `${name}.control` || base.startsWith(`${name}--`)) {
      files.set(base, new TextDecoder().decode(file.bytes));
    }
  }
  const version = defaultVersion(files.get(`${name}.control`) ?? "");
  const script = files.get(`${name}--${version}.sql`);
  if (!script) throw new Error(`The package ${packageName} holds no script of ${name} ${version}.`);
  return script;
}

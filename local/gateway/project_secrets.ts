import { dirname, join } from "node:path";
import { parseEnv } from "node:util";
import { parse } from "smol-toml";
import { z } from "zod";

const schema = z.object({
  edge_runtime: z.object({
    secrets: z.record(z.string(), z.string()).default({}),
  }).prefault({}),
});

const reference = /^env\((.*)\)$/;

/**
 * The secrets of a project as the CLI reads them for its own stack: `[edge_runtime.secrets]` of
 * config.toml, then `functions/.env`, which wins. A secret that stands for a variable which is not
 * set is left out; names that begin with SUPABASE_ are the platform's.
 *
 * @param environment Variables of this process; they win over those in `.env` files.
 */
export async function projectSecrets(
  supabaseDir: string,
  environment: (name: string) => string | undefined = (name) => Deno.env.get(name),
): Promise<Record<string, string>> {
  const config = schema.parse(parse(await textOf(join(supabaseDir, "config.toml"))));
  const files = await variablesOfFiles(supabaseDir, environment("SUPABASE_ENV") || "development");
  const secrets: Record<string, string> = {};
  for (const [name, written] of Object.entries(config.edge_runtime.secrets)) {
    const variable = reference.exec(written)?.[1];
    const value = variable === undefined ? written : environment(variable) || files[variable];
    if (value) secrets[name.toUpperCase()] = value;
  }
  Object.assign(secrets, parseEnv(await textOf(join(supabaseDir, "functions", ".env"))));
  return Object.fromEntries(
    Object.entries(secrets).filter(([name]) => !name.startsWith("SUPABASE_")),
  );
}

/** Variables of the `.env` files beside config.toml and in the repository; the first one wins. */
async function variablesOfFiles(
  supabaseDir: string,
  stage: string,
): Promise<Record<string, string | undefined>> {
  const names = [`.env.${stage}.local`, ".env.local", `.env.${stage}`, ".env"]
    .filter((name) => stage !== "test" || name !== ".env.local");
  const paths = [supabaseDir, dirname(supabaseDir)].flatMap((dir) =>
    names.map((name) => join(dir, name))
  );
  const variables: Record<string, string | undefined> = {};
  for (const path of paths.reverse()) Object.assign(variables, parseEnv(await textOf(path)));
  return variables;
}

async function textOf(path: string): Promise<string> {
  return await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
}

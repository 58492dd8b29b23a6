/**
 * Runs the pgTAP files under `supabase/tests` without psql or Docker. `supabase test db` runs the
 * same files with pg_prove; both understand exactly one psql command: `\ir`.
 */
import postgres from "postgres";
import { dirname, join, relative } from "node:path";
import { readTap } from "./tap.ts";
import { check, type Outcome } from "./outcome.ts";

const root = join(import.meta.dirname!, "../../supabase/tests");

async function* testFiles(folder: string): AsyncGenerator<string> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  for (const entry of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* testFiles(path);
    else if (entry.name.endsWith("_test.sql")) yield path;
  }
}

/** The file's text with every `\ir other.file` line replaced by that file. */
async function readWithIncludes(path: string): Promise<string> {
  const lines = (await Deno.readTextFile(path)).split("\n");
  const expanded = lines.map((line) => {
    const include = line.match(/^\\ir\s+(\S+)/);
    return include ? readWithIncludes(join(dirname(path), include[1]!)) : line;
  });
  return (await Promise.all(expanded)).join("\n");
}

/** What broke a file off: the error with all that the server says of it, and where it was met. */
export function explain(
  error: Pick<
    postgres.PostgresError,
    "message" | "code" | "position" | "detail" | "hint" | "where"
  >,
  text: string,
): string {
  const line = error.position ? text.slice(0, Number(error.position)).split("\n").length : "?";
  const { detail, hint, where } = error;
  return [
    `${error.message} (SQLSTATE ${error.code}, line ${line} of the expanded file)`,
    ...Object.entries({ detail, hint, where }).filter(([, said]) => said)
      .map(([what, said]) => `      # ${what}: ${said!.replaceAll("\n", "\n      # ")}`),
  ].join("\n");
}

async function runFile(dbUrl: string, path: string): Promise<Outcome> {
  const name = relative(root, path);
  const text = await readWithIncludes(path);
  const sql = postgres(dbUrl, {
    max: 1,
    onnotice: () => {},
    connection: { search_path: "public, extensions" },
  });
  try {
    const results = await sql.unsafe(text).simple();
    const rows = (results as unknown as Record<string, unknown>[][]).flat();
    const report = readTap(
      rows.flatMap((row) => Object.values(row).filter((v) => typeof v === "string")),
    );
    return {
      passed: report.passed,
      failures: report.failures.map((failure) => `${name}: ${failure}`),
    };
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    return { passed: 0, failures: [`${name}: ${explain(error, text)}`] };
  } finally {
    await sql.end();
  }
}

/** Runs every `*_test.sql` file, each on a connection of its own, as the role of `dbUrl`. */
export async function runPgTap(dbUrl: string, only = ""): Promise<Outcome> {
  const sql = postgres(dbUrl, { max: 1, onnotice: () => {} });
  await sql`create extension if not exists pgtap with schema extensions`;
  await sql.end();

  const outcome: Outcome = { passed: 0, failures: [] };
  let files = 0;
  for await (const path of testFiles(root)) {
    if (!relative(root, path).includes(only)) continue;
    files++;
    const { passed, failures } = await runFile(dbUrl, path);
    outcome.passed += passed;
    outcome.failures.push(...failures);
  }
  return files > 0 ? outcome : check(false, `No file of supabase/tests has "${only}" in its path.`);
}

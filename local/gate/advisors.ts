/** What the Supabase CLI says of a migrated database: its advisors, and its view of the history. */
import { supabase } from "../supabase_cli.ts";
import { check, type Outcome } from "./outcome.ts";

/** Fails for every security or performance advice at level `warn` or above. */
export async function checkAdvisors(dbUrl: string): Promise<Outcome> {
  const { code, stdout, stderr } = await supabase([
    "db",
    "advisors",
    "--type=all",
    "--level=warn",
    "--fail-on=warn",
    "--output-format=text",
    `--remote=${dbUrl}?sslmode=disable`,
  ]);
  return check(code === 0, `supabase db advisors:\n${stdout}${stderr}`);
}

/** Fails when a migration on disk is not applied, or one that is applied is not on disk. */
export async function checkMigrationList(dbUrl: string): Promise<Outcome> {
  const { code, stdout, stderr } = await supabase([
    "migration",
    "list",
    `--remote=${dbUrl}?sslmode=disable`,
  ]);
  // One row per version: | local | remote | time |, with an empty cell where one side lacks it.
  const rows = [...stdout.matchAll(/^\s*`?(\d{14})?`?\s*\|\s*`?(\d{14})?`?\s*\|/gm)];
  const apart = rows.filter(([, local, remote]) => local !== remote);
  return check(
    code === 0 && rows.length > 0 && apart.length === 0,
    `supabase migration list:\n${stdout}${stderr}`,
  );
}

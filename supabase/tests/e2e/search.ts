/** Looks for texts wherever something is stored or written down. */
import assert from "node:assert/strict";
import postgres from "postgres";

/** Every table with a row that contains one of the needles, and how many there are. */
export async function rowsWith(adminUrl: string, needles: string[]): Promise<string[]> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => {} });
  try {
    const tables = await sql<{ name: string }[]>`
      select format('%I.%I', n.nspname, c.relname) as name
      from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
      where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema')`;
    assert.ok(tables.length > 20, "there are tables to search");
    const found: string[] = [];
    for (const { name } of tables) {
      const [hits] = await sql.unsafe<{ count: number }[]>(
        `select count(*)::int as count from ${name} as t where t::text like any ($1)`,
        [needles.map((needle) => `%${needle.replace(/[\\%_]/g, "\\$&")}%`)],
      );
      if (hits!.count > 0) found.push(`${name}: ${hits!.count}`);
    }
    return found;
  } finally {
    await sql.end();
  }
}

/** The names of the files in a folder that contain one of the needles. */
export async function filesWith(folder: string, needles: string[]): Promise<string[]> {
  const found: string[] = [];
  let searched = 0;
  for await (const entry of Deno.readDir(folder)) {
    const text = await Deno.readTextFile(`${folder}/${entry.name}`);
    searched += text.length;
    if (needles.some((needle) => text.includes(needle))) found.push(entry.name);
  }
  assert.ok(searched > 1_000, "there are log lines to search");
  return found;
}

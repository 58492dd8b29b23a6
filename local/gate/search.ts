/** Looks for texts wherever a stack stores or writes something. */
import assert from "node:assert/strict";
import postgres from "postgres";

/** Every table with a row that contains one of the needles, and how many there are. */
export function rowsWith(adminUrl: string, needles: readonly string[]): Promise<string[]> {
  const patterns = needles.map((needle) => `%${needle.replace(/[\\%_]/g, "\\$&")}%`);
  return rowsWhere(adminUrl, "like any ($1)", patterns);
}

/** Every table with a row that matches one of the regular expressions, and how many there are. */
export function rowsLike(adminUrl: string, shapes: readonly RegExp[]): Promise<string[]> {
  return rowsWhere(adminUrl, "~ any ($1)", shapes.map((shape) => shape.source));
}

async function rowsWhere(adminUrl: string, test: string, texts: string[]): Promise<string[]> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => {} });
  try {
    const tables = await sql<{ name: string }[]>`
      select format('%I.%I', n.nspname, c.relname) as name
      from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
      where c.relkind in ('r', 'm') and c.relpersistence <> 't'
        and n.nspname not in ('pg_catalog', 'information_schema')`;
    assert.ok(tables.length > 20, "there are tables to search");
    const found: string[] = [];
    for (const { name } of tables) {
      const [hits] = await sql.unsafe<{ count: number }[]>(
        `select count(*)::int as count from ${name} as t where t::text ${test}`,
        [texts],
      );
      if (hits!.count > 0) found.push(`${name}: ${hits!.count}`);
    }
    return found;
  } finally {
    await sql.end();
  }
}

/** The names of the files in a folder that contain one of the needles. */
export function filesWith(folder: string, needles: readonly string[]): Promise<string[]> {
  return filesWhere(folder, (text) => needles.some((needle) => text.includes(needle)));
}

/** The names of the files in a folder that match one of the regular expressions. */
export function filesLike(folder: string, shapes: readonly RegExp[]): Promise<string[]> {
  return filesWhere(folder, (text) => shapes.some((shape) => shape.test(text)));
}

async function filesWhere(folder: string, test: (text: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  let searched = 0;
  for await (const entry of Deno.readDir(folder)) {
    const text = await Deno.readTextFile(`${folder}/${entry.name}`);
    searched += text.length;
    if (test(text)) found.push(entry.name);
  }
  assert.ok(searched > 1_000, "there are log lines to search");
  return found;
}

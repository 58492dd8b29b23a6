/** The tables of PROVIDER_FAULTS are those that supabase/tests/provider_faults plays. */
import assert from "node:assert/strict";
import { cellsOf, elsewhereCells, head } from "../supabase/tests/provider_faults/columns.ts";
import { elsewhere } from "../supabase/tests/provider_faults/rows.ts";
import { table } from "../supabase/tests/provider_faults/table.ts";

/** The cells of the table below each heading, its head first. */
function tablesOf(text: string): Record<string, string[][]> {
  const sections = text.split(/^## /m).slice(1).map((section) => {
    const rows = section.split("\n").filter((line) => line.startsWith("|"));
    rows.splice(1, 1);
    const cells = rows.map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
    return [section.split("\n")[0]!, cells] as const;
  });
  return Object.fromEntries(sections.filter(([, cells]) => cells.length > 0));
}

Deno.test("PROVIDER_FAULTS says what the tests of the faults expect, word for word", () => {
  const text = Deno.readTextFileSync(new URL("PROVIDER_FAULTS.md", import.meta.url));
  const { "Where a switch strikes elsewhere": others, ...tables } = tablesOf(text);
  const expected = Object.entries(table).map(([heading, rows]) =>
    [heading, [head, ...rows.map(cellsOf)]] as const
  );
  assert.deepEqual(tables, Object.fromEntries(expected));
  assert.deepEqual(others?.slice(1), elsewhereCells(elsewhere));
});

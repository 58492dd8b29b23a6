/** What the side tables say, held against the jobs: the query of `side_tables.psql`, for tests that are no pgTAP. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type postgres from "postgres";

const view = await Deno.readTextFile(join(import.meta.dirname!, "side_tables.psql"));

/** A query for everything in which they differ, of all jobs there are. */
export const sideTableFaults: string = view.slice(view.search(/^with /m)).replace(/;\s*$/, "");

/** Fails with the faults, should there be any. */
export async function assertSideTablesAreRight(sql: postgres.Sql, when: string): Promise<void> {
  const faults = await sql.unsafe(sideTableFaults);
  assert.deepEqual([...faults], [], `the side tables say what the jobs say ${when}`);
}

/**
 * What an owner waits for who searches their content, by what they ask, and what a sync waits for
 * that saves a page: at 200 000 items of owners of all sizes. Results go to `bench/results/`.
 *
 *     deno task bench:search [--quick]
 */
import { parseArgs } from "node:util";
import { connect } from "../local/postgres/connect.ts";
import { backendOf } from "./lab/backend.ts";
import { onInterrupt } from "./lab/interrupt.ts";
import { Lab } from "./lab/lab.ts";
import { machineFacts } from "./lab/machine.ts";
import { searchChart, searchTable } from "./report/search_report.ts";
import { writeResults } from "./report/write_results.ts";
import { fill } from "./search/fill.ts";
import { pages } from "./search/pages.ts";
import { kinds } from "./search/queries.ts";
import { type Line, lineOf } from "./search/line.ts";
import { saveTimes, searchTimes } from "./search/times.ts";

const { values: { quick } } = parseArgs({
  options: { quick: { type: "boolean", default: false } },
});
const items = quick ? 20_000 : 200_000;
const goes = quick ? 40 : 200;
const limits = { search: 50, page: 20 };

const lab = await Lab.open();
onInterrupt(() => lab.close());
const sql = connect(await lab.productUrl("search"));
try {
  const backend = await backendOf(sql);
  const started = performance.now();
  await fill(sql, items);
  console.error(`${items} items in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  const lines: Line[] = [];
  for (const [name, makeSearch] of Object.entries(kinds)) {
    say(lines, lineOf(name, await searchTimes(backend, makeSearch, goes), limits.search));
  }
  for (const [name, makePage] of Object.entries(pages)) {
    say(lines, lineOf(name, await saveTimes(backend, makePage, goes / 4), limits.page));
  }
  await report(lines);
} finally {
  await sql.end();
  await lab.close();
}
Deno.exit();

/** Each line at once, since the whole takes minutes. */
function say(lines: Line[], line: Line): void {
  console.error(
    `${line.name}: p95 ${line.p95.toFixed(1)} ms, CPU ${line.cpuP95.toFixed(1)} ms`,
  );
  lines.push(line);
}

async function report(lines: readonly Line[]): Promise<void> {
  const [bytes] = await sql`
    select pg_table_size('public.content_item')::float8 as rows,
      pg_indexes_size('public.content_item')::float8 as indexes`;
  const files = await writeResults(
    `search${quick ? "-quick" : ""}`,
    { facts: await machineFacts(lab.sql), items, lines, bytes },
    searchChart(lines, `Searching and saving content beside ${items} items`),
  );
  console.log(searchTable(lines));
  console.error(`Written: ${files}`);
  const failed = lines.filter(({ p95, limit }) => p95 >= limit).map(({ name }) => name);
  console.log(`RESULT ${JSON.stringify({ met: failed.length === 0, items, failed })}`);
}

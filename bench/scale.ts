/**
 * The speeds the specification asks for, at growing sizes of the queue: what each line takes, how it
 * grows, what the table and each of its indexes cost. Results go to `bench/results/`.
 *
 *     deno task bench:scale [--quick] [--huge]
 */
import { parseArgs } from "node:util";
import { connect } from "../local/postgres/connect.ts";
import { Lab } from "./lab/lab.ts";
import { machineFacts } from "./lab/machine.ts";
import { growthChart } from "./report/growth_chart.ts";
import { fill, prepare } from "./scale/fill.ts";
import { writeResults } from "./report/write_results.ts";
import { indexBytes, indexCosts } from "./scale/index_costs.ts";
import { measures, take } from "./scale/measures.ts";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    huge: { type: "boolean", default: false },
  },
});
const sizes = options.quick ? [10_000, 50_000] : [10_000, 100_000, 1_000_000];
if (options.huge) sizes.push(10_000_000);
const mostGrowth = 1.5;

const lab = await Lab.open();
const interrupted = () => lab.close().finally(() => Deno.exit(130));
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupted);
const sql = connect(await lab.productUrl("scale"));
const times: Record<string, (number | null)[]> = {};
const tableBytes: number[] = [];
try {
  await prepare(sql);
  let rows = 0;
  for (const size of sizes) {
    await fill(sql, rows, size);
    rows = size;
    const [table] = await sql`select pg_total_relation_size('public.job_queue')::float8 as bytes`;
    tableBytes.push(table!.bytes);
    for (const measure of measures) {
      (times[measure.name] ??= []).push(await take(sql, measure, options.quick));
    }
    console.error(`${size} rows done`);
  }
  await report();
} finally {
  await sql.end();
  await lab.close();
}
Deno.exit();

/** What each index takes per row here, and per job's life on a database of its own. */
async function measureIndexes() {
  const empty = connect(await lab.productUrl("indexes"));
  try {
    await prepare(empty);
    const [bytes, micros] = [await indexBytes(sql), await indexCosts(empty)];
    return Array.from(bytes, ([name, bytesPerRow]) => {
      return { name, bytesPerRow, microsPerJob: micros.get(name) ?? null };
    });
  } finally {
    await empty.end();
  }
}

async function report(): Promise<void> {
  const indexes = await measureIndexes();
  const lines = measures.map(({ name, limitMs }) => {
    const taken = times[name]!;
    const [first, last] = [taken[0] ?? null, taken.at(-1) ?? null];
    const growth = first === null || last === null ? null : last / first;
    const verdict = first === null || growth === null
      ? "not there yet"
      : first <= limitMs && growth <= mostGrowth
      ? "ok"
      : "too slow";
    return { name, limitMs, times: taken, growth, verdict };
  });
  const name = options.quick ? "scale-quick" : "scale";
  const facts = await machineFacts(lab.sql);
  const data = { facts, sizes, lines, tableBytes, indexes };
  await writeResults(name, data, growthChart(sizes, lines));

  const show = (value: number | null) => (value === null ? "–" : value.toFixed(2)).padStart(11);
  console.log(
    `ms at rows${" ".repeat(24)}${sizes.map((size) => String(size).padStart(11)).join("")}`,
  );
  for (const line of lines) {
    const figures = line.times.map(show).join("");
    console.log(`${line.name.padEnd(34)}${figures}${show(line.growth)}×  ${line.verdict}`);
  }
  const perRow = tableBytes.map((bytes, i) => (bytes / sizes[i]!).toFixed(0).padStart(11)).join("");
  console.log(`${"bytes on disk per row".padEnd(34)}${perRow}\n`);
  for (const { name, bytesPerRow, microsPerJob } of indexes) {
    const micros = microsPerJob === null ? "–" : `${microsPerJob.toFixed(1)} µs a job`;
    console.log(`${name.padEnd(34)}${bytesPerRow.toFixed(0).padStart(7)} B a row   ${micros}`);
  }
  const failed = lines.filter(({ verdict }) => verdict !== "ok").map(({ name }) => name);
  console.log(`RESULT ${JSON.stringify({ met: failed.length === 0, failed })}`);
}

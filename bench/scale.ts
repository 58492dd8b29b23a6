/**
 * The speeds the specification asks for, at growing sizes of the queue: what each line takes, how it
 * grows, what the table and each of its indexes cost. A size counts finished jobs; 10 000 more wait,
 * at every size. Results go to `bench/results/`.
 *
 *     deno task bench:scale [--quick] [--most=1000000]
 *
 * The largest size needs 20 GB of disk, and is left out where there is less.
 */
import { statfs } from "node:fs/promises";
import { parseArgs } from "node:util";
import { connect } from "../local/postgres/connect.ts";
import { stateRoot } from "../local/stack/paths.ts";
import { backendOf } from "./lab/backend.ts";
import { onInterrupt } from "./lab/interrupt.ts";
import { Lab } from "./lab/lab.ts";
import { machineFacts } from "./lab/machine.ts";
import { growthChart } from "./report/growth_chart.ts";
import { scaleTable } from "./report/scale_table.ts";
import { writeResults } from "./report/write_results.ts";
import { bytesOnDisk, fill, prepare } from "./scale/fill.ts";
import { lineOf, take, type Taken } from "./scale/growth.ts";
import { indexBytes, indexCosts } from "./scale/index_costs.ts";
import { measures } from "./scale/measures.ts";

const { values: { quick, most } } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    most: { type: "string", default: "Infinity" },
  },
});
const largest = { rows: 10_000_000, diskBytes: 20e9 };

// Or filling ten million rows would be one checkpoint after the other.
const lab = await Lab.open({ maxWalSize: "8GB" });
onInterrupt(() => lab.close());
const sizes = quick
  ? [10_000, 50_000]
  : [10_000, 100_000, 1_000_000, largest.rows].filter((size) => size <= Number(most));
if (sizes.includes(largest.rows) && !await hasRoom()) sizes.pop();
const url = await lab.productUrl("scale");
const [sql, helper] = [connect(url), connect(url)];
const taken = new Map<string, Taken[]>(measures.map(({ name }) => [name, []]));
const bytes: Awaited<ReturnType<typeof bytesOnDisk>>[] = [];
try {
  const backend = await backendOf(sql);
  await prepare(sql);
  for (const [i, size] of sizes.entries()) {
    const started = performance.now();
    await fill([sql, helper], sizes[i - 1] ?? 0, size);
    const filled = performance.now();
    bytes.push(await bytesOnDisk(sql));
    await lab.sql`checkpoint`;
    for (const measure of measures) {
      taken.get(measure.name)!.push(await take(backend, measure, quick));
    }
    const seconds = [filled - started, performance.now() - filled]
      .map((ms) => `${(ms / 1000).toFixed(0)} s`);
    console.error(`${size} rows: filled in ${seconds[0]}, measured in ${seconds[1]}`);
  }
  await report();
} finally {
  await Promise.all([sql.end(), helper.end()]);
  await lab.close();
}
Deno.exit();

async function hasRoom(): Promise<boolean> {
  const { bavail, bsize } = await statfs(await stateRoot());
  const free = bavail * bsize;
  if (free < largest.diskBytes) {
    console.error(
      `${largest.rows} rows are left out: ${(free / 1e9).toFixed(0)} GB of disk are free.`,
    );
  }
  return free >= largest.diskBytes;
}

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
  const lines = measures.map((measure) => lineOf(measure, taken.get(measure.name)!));
  const data = { facts: await machineFacts(lab.sql), sizes, lines, bytes, indexes };
  const name = quick ? "scale-quick" : "scale";
  const files = await writeResults(name, data, growthChart(sizes, lines));
  console.log(`\n${scaleTable(data)}\n\nFiles: ${files}`);
  const failed = lines.filter(({ verdict }) => verdict !== "ok").map(({ name }) => name);
  console.log(`RESULT ${JSON.stringify({ met: failed.length === 0, failed })}`);
}

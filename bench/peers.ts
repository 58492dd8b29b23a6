/**
 * Our job engine beside graphile-worker, pg-boss, pgmq and a bare table, on one PostgreSQL in one run. Rounds take
 * turns; each drain is proved from both sides. Results go to `bench/results/`.
 *
 *     deno task bench:peers [--quick] [--only=drain,latency] [--contenders=ours_bare] [--minutes=9]
 *                      [--rounds=3] [--scale=0.1]
 */
import { parseArgs } from "node:util";
import { onInterrupt } from "./lab/interrupt.ts";
import { Lab } from "./lab/lab.ts";
import { shareOfOthers } from "./lab/cpu.ts";
import { machineFacts } from "./lab/machine.ts";
import { versionOf } from "./lab/node.ts";
import { contender, type ContenderId } from "./queues/contenders.ts";
import { chartOf } from "./report/chart.ts";
import { ratiosOf } from "./report/ratios.ts";
import { Results } from "./report/results.ts";
import { tableOf } from "./report/table.ts";
import { writeResults } from "./report/write_results.ts";
import { quickScenarios, scenarios } from "./scenarios/all.ts";
import { contendersOf, type Lap, lapsOf } from "./scenarios/schedule.ts";
import { fullSizes, quickSizes, scaled, type Scenario } from "./scenarios/scenario.ts";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    contenders: { type: "string", default: "" },
    minutes: { type: "string" },
    rounds: { type: "string" },
    scale: { type: "string", default: "1" },
  },
});
const sizes = scaled(options.quick ? quickSizes : fullSizes, Number(options.scale));
const mostRounds = Number(options.rounds ?? (options.quick ? 1 : 7));
const minutes = Number(options.minutes ?? (options.quick ? 2.5 : 9.3));
const deadline = performance.now() + minutes * 60_000;
const only = new Set(options.only.split(",").filter(Boolean));
const wanted = new Set(options.contenders.split(",").filter(Boolean));
const chosen = (options.quick ? quickScenarios : scenarios)
  .filter(({ name }) => only.size === 0 || only.has(name));
if (chosen.length === 0) {
  const names = scenarios.map(({ name }) => name).join(", ");
  throw new Error(`There is no scenario "${options.only}"; scenarios: ${names}.`);
}

const results = new Results();
/** Milliseconds that each measurement has taken at most. */
const longest = new Map<string, number>();
const lab = await Lab.open();
onInterrupt(() => lab.close());
try {
  for (const lap of lapsOf(mostRounds)) {
    for (const scenario of chosen) await runScenario(scenario, lap);
  }
  await report();
} finally {
  await lab.close();
}
Deno.exit(results.failures.length === 0 ? 0 : 1);

async function runScenario(scenario: Scenario, lap: Lap): Promise<void> {
  for (const id of contendersOf(scenario, lap)) {
    if (wanted.size === 0 || wanted.has(id)) await measure(scenario, id, lap.round);
  }
}

/** What would not be done in time, as far as earlier rounds tell, is left out. */
async function measure(scenario: Scenario, id: ContenderId, round: number): Promise<void> {
  const started = performance.now();
  const name = `${scenario.name}, ${id}`;
  if (started + (longest.get(name) ?? 0) > deadline) return;
  const cpu = await lab.cpuTimes();
  try {
    const figures = await scenario.measure({ lab, contender: contender(id), sizes, round });
    results.add(round, id, figures);
    const others = cpu && shareOfOthers(cpu, (await lab.cpuTimes())!);
    results.disturbances.push({ measurement: name, others: others ?? 0 });
    const shown = Object.entries(figures)
      .map(([name, value]) => `${name} ${value.toPrecision(4)}`).join("  ");
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.error(
      `${round + 1}  ${scenario.name.padEnd(14)} ${id.padEnd(14)} ${seconds} s  ${
        percent(others ?? 0)
      }  ${shown}`,
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    results.failures.push(`${name}: ${reason}`);
    console.error(`${name} FAILED: ${reason}`);
  }
  longest.set(name, Math.max(longest.get(name) ?? 0, performance.now() - started));
}

async function report(): Promise<void> {
  const isPart = only.size > 0 || wanted.size > 0 || options.scale !== "1";
  const name = isPart ? "peers-part" : options.quick ? "peers-quick" : "peers";
  const [facts, runtimes] = [await machineFacts(lab.sql), await runtimeVersions()];
  const ratios = ratiosOf(results);
  const { samples, failures, disturbances } = results;
  const files = await writeResults(
    name,
    { facts, runtimes, sizes, ratios, failures, disturbances, samples },
    chartOf(results, `Job queues on PostgreSQL ${facts.postgres}, ${facts.cpus} CPUs`),
  );

  console.log(`\n${tableOf(results)}\n`);
  console.log(`Runtimes: ${runtimes.join(", ")}. Files: ${files}`);
  const worst = Math.max(...disturbances.map(({ others }) => others));
  console.log(`Others used up to ${percent(worst)} of the CPU work during a measurement.`);
  for (const failure of failures) console.log(`FAILED ${failure}`);
  const medians = Object.entries(ratios)
    .map(([ratio, spread]) => [ratio, spread && Number(spread.median.toFixed(3))]);
  console.log(`RESULT ${JSON.stringify(Object.fromEntries(medians))}`);
}

/** What ran the peers, and what ran ours. */
async function runtimeVersions(): Promise<string[]> {
  const { node, deno } = lab.runtimes;
  const [peers, ours] = await Promise.all([node[0]!, deno[0]!].map(versionOf));
  return [`peers: ${peers ?? "unknown"}`, `ours: ${ours ?? "unknown"}`];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

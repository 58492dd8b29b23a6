import { barChart, type BarGroup } from "../report/bar_chart.ts";
import { loads, profiledClients, type WayIn, waysIn } from "./enqueue.ts";
import type { HttpResults } from "./http_results.ts";

/** What an enqueue may take at p95 with {@link profiledClients} clients. */
const limitMs = 100;
const ways = Object.keys(waysIn) as WayIn[];

/** The figures that others read, by their names; null where one was not measured. */
export function headlinesOf(results: HttpResults): Record<string, number | null> {
  const names = {
    ...Object.fromEntries(
      ways.flatMap((way) => loads.map(({ clients }) => `${way}_enqueue_p95_${clients}`))
        .map((name) => [name, 1]),
    ),
    progress_p50: 2,
    progress_p95: 2,
    first_progress_awake: 1,
    first_progress_asleep: 1,
    http_jobs_per_second: 0,
  };
  return Object.fromEntries(
    Object.entries(names).map(([name, digits]) => {
      const spread = results.of(name);
      return [name, spread && Number(spread.median.toFixed(digits))];
    }),
  );
}

/** Everything for people: medians of the rounds, and min to max of what is promised. */
export function httpTable(results: HttpResults): string {
  const lines = [
    "Enqueue over HTTP, ms             clients     p50     p95  (min – max)        p99    calls/s",
  ];
  for (const way of ways) {
    for (const { clients } of loads) lines.push(enqueueLine(results, way, clients));
  }
  const p95 = results.of(`http_enqueue_p95_${profiledClients}`);
  if (p95) {
    const verdict = p95.median < limitMs ? "ok" : "too slow";
    lines.push(`p95 at ${profiledClients} clients must be under ${limitMs} ms: ${verdict}`);
  }
  for (const way of ways) lines.push("", ...profileLines(results, way));
  lines.push(
    "",
    ...Object.entries(otherFigures).map(([figure, { title, digits }]) =>
      `${title.padEnd(52)} ${spreadText(results, figure, digits)}`
    ),
  );
  return lines.join("\n");
}

/** The same as bars. */
export function httpChart(results: HttpResults, title: string): string {
  const groups: BarGroup[] = ways.map((way) => ({
    title: `${waysIn[way]}: p95, ms`,
    bars: loads.flatMap(({ clients }) =>
      barsOf(results, { [`${way}_enqueue_p95_${clients}`]: `${clients} clients` }, 1)
    ),
  }));
  for (const [figure, { title, digits }] of Object.entries(otherFigures)) {
    groups.push({ title, bars: barsOf(results, { [figure]: "" }, digits) });
  }
  return barChart(title, groups);
}

const otherFigures: Record<string, { title: string; digits: number }> = {
  progress_p50: { title: "a worker's write to its owner's client, p50, ms", digits: 1 },
  progress_p95: { title: "a worker's write to its owner's client, p95, ms", digits: 1 },
  first_progress_awake: { title: "enqueue to first progress, worker awake, ms", digits: 0 },
  first_progress_asleep: { title: "enqueue to first progress, none awake, ms", digits: 0 },
  http_jobs_per_second: { title: "self tests through job-processor, jobs/s", digits: 0 },
};

function enqueueLine(results: HttpResults, way: WayIn, clients: number): string {
  const name = `${way}_enqueue`;
  const show = (figure: string) =>
    (results.of(`${name}_${figure}_${clients}`)?.median.toFixed(1) ?? "–").padStart(7);
  const p95 = results.of(`${name}_p95_${clients}`);
  const range = p95 ? `(${p95.min.toFixed(1)} – ${p95.max.toFixed(1)})` : "";
  return `${waysIn[way].padEnd(34)}${String(clients).padStart(6)} ${show("p50")} ${show("p95")}  ${
    range.padEnd(16)
  } ${show("p99")}    ${show("per_second")}`;
}

function profileLines(results: HttpResults, way: WayIn): string[] {
  const parts = results.profileOf(way);
  if (parts.length === 0) return [];
  const all = parts.reduce((total, [, ms]) => total + ms, 0);
  return [
    `CPU of one call at ${profiledClients} clients, ${waysIn[way]}: ${all.toFixed(1)} ms`,
    ...parts.map(([part, ms]) => `  ${part.padEnd(32)}${ms.toFixed(2).padStart(7)} ms`),
  ];
}

function spreadText(results: HttpResults, figure: string, digits: number): string {
  const spread = results.of(figure);
  if (!spread) return "–";
  const [median, min, max] = [spread.median, spread.min, spread.max].map((n) => n.toFixed(digits));
  return min === max ? median! : `${median!.padStart(7)}  (${min} – ${max})`;
}

function barsOf(results: HttpResults, labels: Record<string, string>, digits: number) {
  return Object.entries(labels).flatMap(([figure, label]) => {
    const spread = results.of(figure);
    return spread ? [{ ...spread, label, shown: spread.median.toFixed(digits), isOurs: true }] : [];
  });
}

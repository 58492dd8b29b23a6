import type { Line } from "../search/line.ts";
import { barChart } from "./bar_chart.ts";

const column = (time: number) => time.toFixed(1).padStart(11);

/** A line per kind of call: clock, CPU, and whether p95 stays under its limit. */
export function searchTable(lines: readonly Line[]): string {
  const header = `${"ms".padEnd(36)}        p50        p95    CPU p50    CPU p95      limit`;
  const rows = lines.map(({ name, p50, p95, cpuP50, cpuP95, limit }) =>
    name.padEnd(36) + [p50, p95, cpuP50, cpuP95].map(column).join("") +
    `${`${limit}`.padStart(11)}  ${p95 < limit ? "ok" : "OVER"}`
  );
  return [header, ...rows].join("\n");
}

/** Bars of p50 with a line on to p95, by limit; in colour what stays under it. */
export function searchChart(lines: readonly Line[], title: string): string {
  const groups = [...Map.groupBy(lines, ({ limit }) => limit)].map(([limit, group]) => ({
    title: `p50, and p95 at the end of the line, ms; dashed: the limit of ${limit}`,
    limit,
    bars: group.map(({ name, p50, p95 }) => ({
      label: name,
      median: p50,
      min: p50,
      max: p95,
      shown: `${p50.toFixed(1)} / ${p95.toFixed(1)}`,
      isOurs: p95 < limit,
    })),
  }));
  return barChart(title, groups);
}

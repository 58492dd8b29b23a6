import type { Line } from "../scale/growth.ts";

/** What the table shows; bytes are those at each size. */
export interface ScaleData {
  readonly sizes: readonly number[];
  readonly lines: readonly Line[];
  readonly bytes: readonly { rows: number; indexes: number; beside: number }[];
  readonly indexes: readonly { name: string; bytesPerRow: number; microsPerJob: number | null }[];
}

const nameWidth = 36;
const column = (text: string) => text.padStart(11);

/** Milliseconds at each size and how their CPU time grew, then what it all takes on disk. */
export function scaleTable({ sizes, lines, bytes, indexes }: ScaleData): string {
  const header = `ms at rows`.padEnd(nameWidth) + sizes.map((size) => column(`${size}`)).join("") +
    column("limit") + column("CPU grows");
  const measured = lines.map(({ name, times, limitMs, growth, verdict }) =>
    name.padEnd(nameWidth) + times.map((time) => column(time.toFixed(2))).join("") +
    column(`${limitMs}`) + column(`× ${growth.toFixed(2)}`) + `  ${verdict}`
  );
  const disk = (["rows", "indexes", "beside"] as const).map((kind) =>
    `MB on disk, ${diskTitles[kind]}`.padEnd(nameWidth) +
    bytes.map((size) => column((size[kind] / 1e6).toFixed(1))).join("")
  );
  const costs = indexes.map(({ name, bytesPerRow, microsPerJob }) =>
    name.padEnd(nameWidth) + `${bytesPerRow.toFixed(0).padStart(7)} B a row   ` +
    (microsPerJob === null ? "–" : `${microsPerJob.toFixed(1)} µs a job`)
  );
  return [header, ...measured, "", ...disk, "", ...costs].join("\n");
}

const diskTitles = { rows: "rows", indexes: "their indexes", beside: "tables beside" };

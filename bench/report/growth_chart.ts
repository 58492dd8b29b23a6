/** One line of the chart: what it took at each size, and how it grew. */
export interface GrowthLine {
  readonly name: string;
  readonly limitMs: number;
  readonly times: readonly number[];
  readonly growth: number;
}

const width = 860;
const rowHeight = 64;
const labelWidth = 280;
const plotWidth = width - labelWidth - 160;

/** One small curve per line, each on its own scale, with its limit as a dashed line. */
export function growthChart(sizes: readonly number[], lines: readonly GrowthLine[]): string {
  const height = 40 + lines.length * rowHeight;
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${width} ${height}' font-family='system-ui, sans-serif' font-size='12' fill='#222'>`,
    `<rect width='${width}' height='${height}' fill='#fff'/>`,
    `<text x='16' y='26' font-size='15' font-weight='600'>Milliseconds from ${sizes[0]} to ${
      sizes.at(-1)
    } rows; dashed: the limit</text>`,
    ...lines.map((line, i) => curve(line, 40 + i * rowHeight)),
    "</svg>\n",
  ].join("\n");
}

function curve({ name, limitMs, times, growth }: GrowthLine, top: number): string {
  const bottom = top + rowHeight - 14;
  const most = Math.max(limitMs, ...times);
  const y = (time: number) => (bottom - time / most * (rowHeight - 24)).toFixed(1);
  const x = (i: number) => (labelWidth + i / Math.max(1, times.length - 1) * plotWidth).toFixed(1);
  const points = times.map((time, i) => `${x(i)},${y(time)}`).join(" ");
  return [
    `<text x='16' y='${bottom}'>${name.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</text>`,
    `<line x1='${labelWidth}' x2='${labelWidth + plotWidth}' y1='${y(limitMs)}' y2='${
      y(limitMs)
    }' stroke='#d33' stroke-dasharray='4 4'/>`,
    `<polyline points='${points}' fill='none' stroke='#3b82f6' stroke-width='2'/>`,
    `<text x='${labelWidth + plotWidth + 10}' y='${bottom}'>${`${times.at(-1)!.toFixed(2)} ms, × ${
      growth.toFixed(2)
    }`}</text>`,
  ].join("");
}

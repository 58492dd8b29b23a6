import type { Spread } from "../statistics.ts";

/** One bar: the median, with a line from min to max over it. */
export interface Bar extends Spread {
  readonly label: string;
  /** The median as it is written beside the bar. */
  readonly shown: string;
  /** In colour. */
  readonly isOurs: boolean;
}

/** Bars that share a scale. */
export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** Drawn over them as a dashed line. */
  readonly limit?: number;
}

const width = 860;
const labelWidth = 260;
const barHeight = 18;
const valueWidth = 150;

/** An SVG with one block per group that has bars. */
export function barChart(title: string, groups: readonly BarGroup[]): string {
  const parts: string[] = [text(16, 26, title, "font-size='15' font-weight='600'")];
  let y = 46;
  for (const { title, bars, limit } of groups.filter(({ bars }) => bars.length > 0)) {
    parts.push(text(16, y + 14, title, "font-weight='600'"));
    y += 22;
    const longest = Math.max(limit ?? 0, ...bars.map(({ max }) => max));
    const top = y;
    for (const bar of bars) {
      parts.push(drawBar(bar, longest, y));
      y += barHeight + 4;
    }
    if (limit !== undefined) parts.push(drawLimit(limit / longest, top, y));
    y += 14;
  }
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${width} ${y}' font-family='system-ui, sans-serif' font-size='12' fill='#222'>`,
    `<rect width='${width}' height='${y}' fill='#fff'/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function drawBar({ label, shown, isOurs, median, min, max }: Bar, longest: number, y: number) {
  const scale = (value: number) => value / longest * (width - labelWidth - valueWidth);
  const middle = y + barHeight / 2;
  const colour = isOurs ? "#3b82f6" : "#b6bcc6";
  const at = (value: number) => (labelWidth + scale(value)).toFixed(1);
  return [
    text(32, y + 13, label),
    `<rect x='${labelWidth}' y='${y}' width='${
      scale(median).toFixed(1)
    }' height='${barHeight}' fill='${colour}'/>`,
    `<line x1='${at(min)}' x2='${at(max)}' y1='${middle}' y2='${middle}' stroke='#222'/>`,
    text(labelWidth + scale(max) + 8, y + 13, shown),
  ].join("");
}

function drawLimit(share: number, top: number, bottom: number): string {
  const x = (labelWidth + share * (width - labelWidth - valueWidth)).toFixed(1);
  return `<line x1='${x}' x2='${x}' y1='${top}' y2='${bottom}' stroke='#d33' stroke-dasharray='4 4'/>`;
}

function text(x: number, y: number, words: string, attributes = ""): string {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x='${x.toFixed(0)}' y='${y}' ${attributes}>${safe}</text>`;
}

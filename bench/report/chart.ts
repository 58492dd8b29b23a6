import { type ContenderId, contenders } from "../queues/contenders.ts";
import { spreadOf } from "../statistics.ts";
import type { Results } from "./results.ts";
import { figureKinds } from "./table.ts";

const width = 860;
const labelWidth = 260;
const barHeight = 18;
const valueWidth = 150;
const charted = Object.keys(figureKinds).filter((figure) =>
  !/_(loss|wal_bytes|cpu_us)$/.test(figure)
);

/** Bars of every speed and wait: median as the bar, min to max as a line over it. Ours in colour. */
export function chartOf(results: Results, title: string): string {
  const parts: string[] = [text(16, 26, title, "font-size='15' font-weight='600'")];
  let y = 46;
  for (const figure of charted) {
    const ids = (Object.keys(contenders) as ContenderId[])
      .filter((id) => results.of(id, figure).length > 0);
    if (ids.length === 0) continue;
    parts.push(text(16, y + 14, figureKinds[figure]!.title, "font-weight='600'"));
    y += 22;
    const longest = Math.max(...ids.flatMap((id) => results.of(id, figure)));
    for (const id of ids) {
      parts.push(bar(results, id, figure, longest, y));
      y += barHeight + 4;
    }
    y += 14;
  }
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${width} ${y}' font-family='system-ui, sans-serif' font-size='12' fill='#222'>`,
    `<rect width='${width}' height='${y}' fill='#fff'/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function bar(
  results: Results,
  id: ContenderId,
  figure: string,
  longest: number,
  y: number,
): string {
  const { median, min, max } = spreadOf(results.of(id, figure));
  const scale = (value: number) => value / longest * (width - labelWidth - valueWidth);
  const middle = y + barHeight / 2;
  const colour = id.startsWith("ours") ? "#3b82f6" : "#b6bcc6";
  const at = (value: number) => (labelWidth + scale(value)).toFixed(1);
  return [
    text(32, y + 13, contenders[id].title),
    `<rect x='${labelWidth}' y='${y}' width='${
      scale(median).toFixed(1)
    }' height='${barHeight}' fill='${colour}'/>`,
    `<line x1='${at(min)}' x2='${at(max)}' y1='${middle}' y2='${middle}' stroke='#222'/>`,
    text(labelWidth + scale(max) + 8, y + 13, figureKinds[figure]!.show(median)),
  ].join("");
}

function text(x: number, y: number, words: string, attributes = ""): string {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x='${x.toFixed(0)}' y='${y}' ${attributes}>${safe}</text>`;
}

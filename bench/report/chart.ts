import { type ContenderId, contenders } from "../queues/contenders.ts";
import { spreadOf } from "../statistics.ts";
import { barChart } from "./bar_chart.ts";
import type { Results } from "./results.ts";
import { figureKinds } from "./table.ts";

const charted = Object.keys(figureKinds).filter((figure) =>
  !/_(loss|growth|wal_bytes|cpu_us)$/.test(figure)
);

/** Bars of every speed and wait, ours in colour. */
export function chartOf(results: Results, title: string): string {
  const groups = charted.map((figure) => ({
    title: figureKinds[figure]!.title,
    bars: (Object.keys(contenders) as ContenderId[])
      .filter((id) => results.of(id, figure).length > 0)
      .map((id) => barOf(results, id, figure)),
  }));
  return barChart(title, groups);
}

function barOf(results: Results, id: ContenderId, figure: string) {
  const spread = spreadOf(results.of(id, figure));
  return {
    ...spread,
    label: contenders[id].title,
    shown: figureKinds[figure]!.show(spread.median),
    isOurs: id.startsWith("ours"),
  };
}

import type { ContenderId } from "../queues/contenders.ts";
import { type Spread, spreadOf } from "../statistics.ts";
import type { Results } from "./results.ts";

/** What the rounds say together. */
export interface Comparison extends Spread {
  /** How many rounds that is. */
  readonly rounds: number;
}

/** One of the answers of a run; a ratio over several forms of a scenario names each of them. */
export interface Ratio extends Comparison {
  readonly forms?: Readonly<Record<string, Comparison>>;
}

/** What we compare: speed as ours/theirs, waiting as ours/theirs, losses as they are. */
type Rule =
  | {
    readonly ours: ContenderId;
    readonly figures: readonly string[];
    readonly best: "max" | "min";
  }
  | { readonly ours: ContenderId; readonly loss: string };

/** Figures of one name are compared with each other; of several, each side's best ones. */
const rules: Record<string, Rule> = {
  drain_bare: { ours: "ours_bare", figures: drains(), best: "max" },
  drain_full: { ours: "ours_full", figures: drains(), best: "max" },
  enqueue_1: { ours: "ours_bare", figures: ["enqueue_1"], best: "max" },
  enqueue_8: { ours: "ours_bare", figures: ["enqueue_8"], best: "max" },
  bulk: { ours: "ours_bare", figures: ["bulk"], best: "max" },
  latency_p50: { ours: "ours_bare", figures: ["latency_p50"], best: "min" },
  latency_p95: { ours: "ours_bare", figures: ["latency_p95"], best: "min" },
  held_snapshot_loss: { ours: "ours_bare", loss: "snapshot_loss" },
  pending_1m_loss: { ours: "ours_bare", loss: "pending_loss" },
  finished_1m_loss: { ours: "ours_bare", loss: "finished_loss" },
};

const graphile: readonly ContenderId[] = ["graphile_500", "graphile_2000"];

/**
 * Ours against graphile-worker's best. A drain's ratio is the geometric mean over its four forms, so
 * that no form counts for more. Every round is compared within itself, since machines have moods.
 */
export function ratiosOf(results: Results): Record<string, Ratio | null> {
  return Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [name, spreadOfRule(results, rule)]),
  );
}

function drains(): string[] {
  return ["drain_1", "drain_2", "large_drain_1", "large_drain_2"];
}

function spreadOfRule(results: Results, rule: Rule): Ratio | null {
  if ("loss" in rule) {
    const losses = results.of(rule.ours, rule.loss);
    return losses.length > 0 ? { ...spreadOf(losses), rounds: losses.length } : null;
  }
  const compared = rule.figures.flatMap((figure) => {
    const spread = compare(results, rule.ours, figure, rule.best);
    return spread ? [[figure, spread] as const] : [];
  });
  if (compared.length === 0) return null;
  const spreads = compared.map(([, spread]) => spread);
  return {
    median: mean(spreads.map(({ median }) => median)),
    min: mean(spreads.map(({ min }) => min)),
    max: mean(spreads.map(({ max }) => max)),
    rounds: Math.min(...spreads.map(({ rounds }) => rounds)),
    ...(compared.length > 1 && { forms: Object.fromEntries(compared) }),
  };
}

/** Round by round, against the setting of theirs whose median is best. */
function compare(
  results: Results,
  ours: ContenderId,
  figure: string,
  best: "max" | "min",
): Comparison | null {
  const theirs = graphile.filter((id) => results.of(id, figure).length > 0)
    .map((id) => ({ id, median: spreadOf(results.of(id, figure)).median }));
  const bestMedian = Math[best](...theirs.map(({ median }) => median));
  const rival = theirs.find(({ median }) => median === bestMedian);
  if (!rival) return null;
  const rounds = results.rounds(ours, figure).flatMap((own, round) => {
    const other = results.rounds(rival.id, figure)[round] ?? null;
    return own === null || other === null ? [] : [own / other];
  });
  return rounds.length > 0 ? { ...spreadOf(rounds), rounds: rounds.length } : null;
}

function mean(numbers: number[]): number {
  return Math.exp(numbers.reduce((sum, number) => sum + Math.log(number), 0) / numbers.length);
}

import type { Lab } from "../lab/lab.ts";
import type { Contender, ContenderId } from "../queues/contenders.ts";

/** How much of everything is done. */
export interface Sizes {
  readonly enqueueAlone: number;
  readonly enqueueTogether: number;
  readonly bulk: number;
  readonly drain: number;
  readonly largeDrain: number;
  readonly latency: number;
  /** Rows that wait, or are finished, while others are drained. */
  readonly crowd: number;
  readonly drainedFromCrowd: number;
  readonly underSnapshot: number;
  /** A drain that takes longer is cut off, and counts with what it did until then. */
  readonly drainLimitMs: number;
}

export const fullSizes: Sizes = {
  enqueueAlone: 3_000,
  enqueueTogether: 3_000,
  bulk: 20_000,
  drain: 20_000,
  largeDrain: 100_000,
  latency: 150,
  crowd: 1_000_000,
  drainedFromCrowd: 80_000,
  underSnapshot: 200_000,
  drainLimitMs: 8_000,
};

/** For a first look: the same scenarios, small. */
export const quickSizes: Sizes = {
  enqueueAlone: 150,
  enqueueTogether: 450,
  bulk: 10_000,
  drain: 10_000,
  largeDrain: 40_000,
  latency: 50,
  crowd: 30_000,
  drainedFromCrowd: 10_000,
  underSnapshot: 10_000,
  drainLimitMs: 1_500,
};

/** The same sizes, all larger or smaller; the time limits stay. */
export function scaled(sizes: Sizes, factor: number): Sizes {
  const entries = Object.entries(sizes).map(([name, size]) => [name, Math.ceil(size * factor)]);
  return { ...Object.fromEntries(entries), drainLimitMs: sizes.drainLimitMs };
}

/** What one measurement of one contender found, by the name of the figure. */
export type Figures = Record<string, number>;

/** What a measurement is taken with. */
export interface Setting {
  readonly lab: Lab;
  readonly contender: Contender;
  readonly sizes: Sizes;
  /** Counted from 0; what is measured in pairs begins with the other half in every other round. */
  readonly round: number;
}

/** One file under `scenarios/`. */
export interface Scenario {
  readonly name: string;
  /** Those whose figures enter the ratios: measured before the others when time is short. */
  readonly compared: readonly ContenderId[];
  /** For orientation. */
  readonly others: readonly ContenderId[];
  /** One measurement; rounds take turns over the contenders. */
  measure(setting: Setting): Promise<Figures>;
}

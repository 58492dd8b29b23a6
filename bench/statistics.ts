/** The value below which the given share of the samples lies (nearest rank). */
export function percentile(samples: number[], share: number): number {
  if (samples.length === 0) throw new RangeError("Cannot take a percentile of no samples");
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** What several rounds add up to. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median and ends of a few samples; an even number of them has its median in the middle. */
export function spreadOf(samples: number[]): Spread {
  if (samples.length === 0) throw new RangeError("Cannot take a median of no samples");
  const sorted = samples.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const median = (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** All of them added up. */
export function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** What a worker has done, by outcome. */
export interface Counts {
  claimed: number;
  completed: number;
  failed: number;
  retried: number;
  yielded: number;
  /** Slices that ended to wait for children. */
  waiting: number;
  cancelled: number;
  /** Leases that were taken away; another attempt owns the outcome. */
  lost: number;
}

/** Nothing done yet. */
export function noCounts(): Counts {
  return {
    claimed: 0,
    completed: 0,
    failed: 0,
    retried: 0,
    yielded: 0,
    waiting: 0,
    cancelled: 0,
    lost: 0,
  };
}

/** What was done between two moments. */
export function difference(now: Counts, before: Counts): Counts {
  const done = noCounts();
  for (const key of Object.keys(done) as (keyof Counts)[]) done[key] = now[key] - before[key];
  return done;
}

/** What several workers have done. */
export function total(counts: readonly Counts[]): Counts {
  const done = noCounts();
  for (const key of Object.keys(done) as (keyof Counts)[]) {
    done[key] = counts.reduce((sum, each) => sum + each[key], 0);
  }
  return done;
}

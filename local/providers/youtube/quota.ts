/** The three daily counters of a Google Cloud project; each has its own limit. */
export const quotaBuckets = ["default", "search", "insert"] as const;

/** One of the three daily counters. */
export type QuotaBucket = typeof quotaBuckets[number];

/** The defaults YouTube grants: units for `default`, calls for the other two. */
const defaultQuotaLimits: Readonly<Record<QuotaBucket, number>> = {
  default: 10_000,
  search: 100,
  insert: 100,
};

const pacific = new Intl.DateTimeFormat("en-CA", {
  timeZone: "America/Los_Angeles",
  dateStyle: "short",
});

/** The day it is in California, where a quota day begins: `2026-11-22`. */
function pacificDay(at: number): string {
  return pacific.format(at);
}

/** The quota of every project, counted per Pacific day. */
export class QuotaBook {
  #limits: Record<QuotaBucket, number> = { ...defaultQuotaLimits };
  #used = new Map<string, number>();
  #day = "";
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes `cost` from a counter; false, and nothing taken, when not enough is left. */
  charge(project: string, bucket: QuotaBucket, cost: number): boolean {
    const used = this.used(project, bucket);
    if (used + cost > this.#limits[bucket]) return false;
    this.#used.set(`${project}/${bucket}`, used + cost);
    return true;
  }

  /** What a project has used of a counter today. */
  used(project: string, bucket: QuotaBucket): number {
    const today = pacificDay(this.#now());
    if (today !== this.#day) {
      this.#used.clear();
      this.#day = today;
    }
    return this.#used.get(`${project}/${bucket}`) ?? 0;
  }

  /** Sets what a project has used today. */
  setUsed(project: string, bucket: QuotaBucket, used: number): void {
    this.used(project, bucket);
    this.#used.set(`${project}/${bucket}`, used);
  }

  /** Sets a counter's daily limit, for all projects. */
  setLimit(bucket: QuotaBucket, limit: number): void {
    this.#limits[bucket] = limit;
  }

  /** Today's counters of a project. */
  report(project: string): {
    day: string;
    buckets: Record<QuotaBucket, { used: number; limit: number }>;
  } {
    const bucket = (name: QuotaBucket) => ({
      used: this.used(project, name),
      limit: this.#limits[name],
    });
    return {
      day: pacificDay(this.#now()),
      buckets: { default: bucket("default"), search: bucket("search"), insert: bucket("insert") },
    };
  }

  /** Forgets all use and all changed limits. */
  reset(): void {
    this.#used.clear();
    this.#limits = { ...defaultQuotaLimits };
  }
}

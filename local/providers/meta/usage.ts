/** Calls an account may take in an hour before Meta refuses: what the usage headers are percents of. */
const callsPerHour = 4_800;
const hour = 3_600_000;

/** How many calls were made for each business account in the current hour. */
export class UsageBook {
  readonly #now: () => number;
  #hour = 0;
  #calls = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Counts a call; the percentage of the hour's calls that are used. */
  count(id: string): number {
    const current = Math.floor(this.#now() / hour);
    if (current !== this.#hour) this.reset(current);
    const calls = (this.#calls.get(id) ?? 0) + 1;
    this.#calls.set(id, calls);
    return Math.min(100, Math.ceil((calls / callsPerHour) * 100));
  }

  /** Forgets all calls. */
  reset(current = 0): void {
    this.#hour = current;
    this.#calls.clear();
  }
}

/** The header under which business calls report: percentages, and minutes to wait. */
export function businessUsage(
  type: "instagram" | "pages",
  id: string,
  percent: number,
  minutes: number,
): Record<string, string> {
  const usage = {
    type,
    call_count: percent,
    total_cputime: Math.ceil(percent / 2),
    total_time: Math.ceil(percent / 2),
    estimated_time_to_regain_access: minutes,
  };
  return { "x-business-use-case-usage": JSON.stringify({ [id]: [usage] }) };
}

/** The header under which calls by an app or a user report: percentages only. */
export function appUsage(percent: number): Record<string, string> {
  const usage = { call_count: percent, total_time: percent, total_cputime: percent };
  return { "x-app-usage": JSON.stringify(usage) };
}

const minute = 60_000;

/** Calls of the last sixty seconds, by whoever is counted. */
export class CallWindow {
  #calls = new Map<string, number[]>();

  /** Counts a call; false, and nothing counted, when the last minute has no room for it. */
  count(key: string, limit: number, now: number): boolean {
    const recent = (this.#calls.get(key) ?? []).filter((at) => at > now - minute);
    const fits = recent.length < limit;
    if (fits) recent.push(now);
    this.#calls.set(key, recent);
    return fits;
  }

  /** Forgets all calls. */
  clear(): void {
    this.#calls.clear();
  }
}

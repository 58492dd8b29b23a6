/** A call that the simulator has answered. Secrets are left out. */
export interface RequestEntry {
  readonly seq: number;
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly account: string | null;
  /** The grant type that a token endpoint was asked for. */
  readonly purpose: string | null;
  readonly status: number;
  readonly faults: readonly string[];
  readonly milliseconds: number;
}

const secretParameters = new Set([
  "code",
  "token",
  "access_token",
  "refresh_token",
  "key",
  "client_secret",
  "appsecret_proof",
  "fb_exchange_token",
  "input_token",
  "state",
]);

/** The latest calls, for tests that assert what was asked of a provider. */
export class RequestLog {
  #entries: RequestEntry[] = [];
  #seq = 0;
  #counts = new Map<string, number>();
  static readonly #kept = 5_000;

  /** Writes a call down. */
  add(entry: Omit<RequestEntry, "seq" | "query">, query: URLSearchParams): void {
    const shown = [...query].map(([name, value]) =>
      [name, secretParameters.has(name) ? "…" : value] as const
    );
    for (const account of new Set([entry.account ?? "*", "*"])) {
      const name = [account, entry.method, entry.path, entry.purpose].filter(Boolean).join(" ");
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    }
    this.#entries.push({ seq: ++this.#seq, ...entry, query: Object.fromEntries(shown) });
    // Trimmed in strides, since moving five thousand entries at every call would show.
    if (this.#entries.length > RequestLog.#kept * 1.2) {
      this.#entries = this.#entries.slice(-RequestLog.#kept);
    }
  }

  /** Calls whose path begins with `path`, of one account if given, later than `after`. */
  list(path: string, account: string | null, after: number): RequestEntry[] {
    return this.#entries.filter((entry) =>
      entry.seq > after && entry.path.startsWith(path) &&
      (account === null || entry.account === account)
    );
  }

  /** How often each endpoint was called, for one account or (`*`) for all; never trimmed. */
  counts(account: string): Record<string, number> {
    const own = [...this.#counts].filter(([name]) => name.startsWith(`${account} `));
    return Object.fromEntries(own.map(([name, count]) => [name.slice(account.length + 1), count]));
  }

  /** The number of the latest call. */
  get latest(): number {
    return this.#seq;
  }

  /** Forgets all calls; numbers go on. */
  clear(): void {
    this.#entries = [];
    this.#counts.clear();
  }
}

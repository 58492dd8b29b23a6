/** What a connection is documented to go through, in plain objects: the test's second opinion. */

export type State = "none" | "active" | "revoked" | "removed";

/** One account of one user. */
export interface ModelAccount {
  readonly user: number;
  readonly channel: number;
  state: State;
  /** 0 before the first connection. */
  version: number;
  /** Whether somebody uses the tokens at the provider. */
  isLeased: boolean;
  revocations: number;
  removals: number;
}

/** All accounts of a run. */
export class ConnectionModel {
  readonly accounts: readonly ModelAccount[];

  constructor(users: number, channels: number, private readonly limits: readonly number[]) {
    this.accounts = Array.from({ length: users * channels }, (_, n) => ({
      user: Math.floor(n / channels),
      channel: n % channels,
      state: "none",
      version: 0,
      isLeased: false,
      revocations: 0,
      removals: 0,
    }));
  }

  /** Null, or the code a connection is refused with. */
  connect(account: ModelAccount): string | null {
    const { user, channel } = account;
    const active = this.accounts.filter(({ state }) => state === "active");
    if (account.state !== "active") {
      if (active.filter((other) => other.user === user).length >= this.limits[user]!) {
        return "ACCOUNT_LIMIT_REACHED";
      }
      if (active.some((other) => other.channel === channel)) return "ACCOUNT_ALREADY_CONNECTED";
    }
    Object.assign(account, { state: "active", version: account.version + 1, isLeased: false });
    return null;
  }

  claim(account: ModelAccount, version: number): "claimed" | "busy" | "stale" {
    if (account.state !== "active" || account.version !== version) return "stale";
    if (account.isLeased) return "busy";
    account.isLeased = true;
    return "claimed";
  }

  store(account: ModelAccount, version: number): boolean {
    if (account.state !== "active" || account.version !== version) return false;
    Object.assign(account, { version: version + 1, isLeased: false });
    return true;
  }

  revoke(account: ModelAccount, version: number): void {
    if (account.state !== "active" || account.version !== version) return;
    account.revocations += 1;
    Object.assign(account, { state: "revoked", isLeased: false });
  }

  /** Null for an account that is not there. */
  disconnect(account: ModelAccount, version: number): boolean | null {
    if (account.state === "none" || account.state === "removed") return null;
    if (account.version !== version) return false;
    account.removals += 1;
    Object.assign(account, { state: "removed", isLeased: false });
    return true;
  }
}

/**
 * Who has allowed which app what, and the codes on their way to an app.
 * @module
 */

/** Where an app is registered. */
export type Provider = "google" | "instagram" | "facebook" | "tiktok";

/** An app that is registered at a simulated provider. */
export interface OAuthClient {
  readonly provider: Provider;
  readonly id: string;
  secret: string;
  name: string;
  /** What consents and quotas are counted for: Google's Cloud project, elsewhere the app. */
  project: string;
  /** Compared character by character, as all of them do. */
  redirect_uris: string[];
}

/** How the consent page behaves. */
export interface ConsentMode {
  /**
   * `browser` shows the page to whoever accepts HTML and decides at once for everyone else;
   * `always` decides at once for browsers too; `never` shows the page to all.
   */
  auto: "browser" | "always" | "never";
  /** What is decided when nobody is asked. */
  decision: "approve" | "deny";
  /** Who signs in when no login_hint says so. */
  account: string;
  /** Scopes that are left unticked when nobody is asked. */
  withheld: string[];
}

/** What an authorization code was given for. */
export interface PendingCode {
  readonly client_id: string;
  readonly redirect_uri: string;
  readonly email: string;
  readonly scope: string;
  readonly offline: boolean;
  readonly forced: boolean;
  readonly challenge: { readonly text: string; readonly method: "S256" | "plain" } | null;
  readonly expires_at: number;
}

/** What is kept over a restart. */
export interface ConsentRecord {
  scopes: [key: string, scope: string][];
  epochs: [key: string, epoch: number][];
}

/** Every consent, by project and person. */
export class ConsentBook {
  #scopes = new Map<string, string>();
  #epochs = new Map<string, number>();
  #codes = new Map<string, PendingCode>();

  /** The scopes that this person has allowed this project. */
  granted(project: string, email: string): string[] {
    return this.#scopes.get(`${project} ${email}`)?.split(" ") ?? [];
  }

  /** Remembers a consent, in addition to earlier ones. */
  allow(project: string, email: string, scope: string): void {
    const all = new Set([...this.granted(project, email), ...scope.split(" ")]);
    this.#scopes.set(`${project} ${email}`, [...all].join(" "));
  }

  /** Takes back everything this person has allowed this project, tokens included. */
  revoke(project: string, email: string): void {
    this.#scopes.delete(`${project} ${email}`);
    this.#epochs.set(`${project} ${email}`, this.epoch(project, email) + 1);
  }

  /** How often this person has revoked: tokens of an earlier epoch are dead. */
  epoch(project: string, email: string): number {
    return this.#epochs.get(`${project} ${email}`) ?? 0;
  }

  /** Keeps a code until it is exchanged. */
  keepCode(code: string, pending: PendingCode, now: number): void {
    for (const [old, { expires_at }] of this.#codes) if (expires_at < now) this.#codes.delete(old);
    this.#codes.set(code, pending);
  }

  /** Whom a code was given out for; null when it is not on its way. */
  codeOwner(code: string): string | null {
    return this.#codes.get(code)?.email ?? null;
  }

  /** Uses a code up; null when there is none, or no longer. */
  takeCode(code: string, now: number): PendingCode | null {
    const pending = this.#codes.get(code);
    this.#codes.delete(code);
    return pending && pending.expires_at >= now ? pending : null;
  }

  /** What must be kept over a restart. */
  record(): ConsentRecord {
    return { scopes: [...this.#scopes], epochs: [...this.#epochs] };
  }

  /** Puts back what was kept. */
  restore(record: ConsentRecord): void {
    this.#scopes = new Map(record.scopes);
    this.#epochs = new Map(record.epochs);
  }
}

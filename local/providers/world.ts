/**
 * All that the simulated providers remember, in one place.
 * @module
 */
import { defaultEmail } from "./addresses.ts";
import { AccountBook, type Population } from "./google/accounts.ts";
import { FaultBoard } from "./fault_board.ts";
import {
  ConsentBook,
  type ConsentMode,
  type ConsentRecord,
  type OAuthClient,
  type Provider,
} from "./consents.ts";
import { type InstagramAccount, InstagramBook } from "./instagram/accounts.ts";
import { UsageBook } from "./meta/usage.ts";
import { RequestLog } from "./request_log.ts";
import { type TikTokRecord, TikTokState } from "./tiktok/state.ts";
import { QuotaBook } from "./youtube/quota.ts";

/** Settings a test may change. */
export interface Settings {
  /** Lifetime of an access token. */
  access_token_seconds: number;
  /** Lifetime of an authorization code. */
  code_seconds: number;
  /** A playlist shows no more than its newest items; YouTube stops at about this many. */
  playlist_view_limit: number;
  /** Instagram refreshes no token that is younger. */
  instagram_refresh_after_seconds: number;
}

/** What is kept over a restart. */
export interface Kept {
  population: Population;
  consents: ConsentRecord;
  /** Absent in what was kept before there was an Instagram. */
  instagram?: InstagramAccount[];
  /** Absent in what was kept before there was a TikTok. */
  tiktok?: TikTokRecord;
}

const defaultSettings: Readonly<Settings> = {
  access_token_seconds: 3_599,
  code_seconds: 600,
  playlist_view_limit: 20_000,
  instagram_refresh_after_seconds: 24 * 3_600,
};

const defaultConsent: Readonly<ConsentMode> = {
  auto: "browser",
  decision: "approve",
  account: defaultEmail,
  withheld: [],
};

/** The state of the simulator. */
export class World {
  readonly accounts = new AccountBook();
  readonly consents = new ConsentBook();
  readonly faults = new FaultBoard();
  readonly instagram = new InstagramBook();
  readonly requests = new RequestLog();
  readonly quota = new QuotaBook(() => this.now());
  readonly metaUsage = new UsageBook(() => this.now());
  readonly tiktok = new TikTokState();
  readonly clients = new Map<string, OAuthClient>();
  settings: Settings = { ...defaultSettings };
  consent: ConsentMode = { ...defaultConsent };
  /** How far the simulated clock is ahead of the machine's. */
  clockOffset = 0;
  readonly #clients: readonly OAuthClient[];
  readonly #keep: (kept: Kept) => void;

  /** `keep` is told whatever has to survive a restart, each time it changes. */
  constructor(
    clients: readonly OAuthClient[],
    kept: Kept | null = null,
    keep: (kept: Kept) => void = () => {},
  ) {
    this.#clients = clients;
    this.#keep = keep;
    this.#register();
    if (kept) {
      this.accounts.restore(kept.population);
      this.consents.restore(kept.consents);
      this.instagram.restore(kept.instagram ?? []);
      if (kept.tiktok) this.tiktok.restore(kept.tiktok);
    }
  }

  /** The app of this id, if it is registered at this provider. */
  client(provider: Provider, id: string | null | undefined): OAuthClient | null {
    const client = this.clients.get(id ?? "");
    return client?.provider === provider ? client : null;
  }

  /** The simulated time in milliseconds since 1970. */
  now(): number {
    return Date.now() + this.clockOffset;
  }

  /** Writes down what has to survive a restart. */
  save(): void {
    this.#keep({
      population: this.accounts.population(),
      consents: this.consents.record(),
      instagram: this.instagram.record(),
      tiktok: this.tiktok.record(),
    });
  }

  /** Back to the first day, tokens given out excepted: those stay good. */
  reset(): void {
    this.accounts.reset();
    this.instagram.restore([]);
    this.metaUsage.reset();
    this.consents.restore({ ...this.consents.record(), scopes: [] });
    this.faults.clear();
    this.requests.clear();
    this.quota.reset();
    this.tiktok.reset();
    this.settings = { ...defaultSettings };
    this.consent = { ...defaultConsent };
    this.clockOffset = 0;
    this.#register();
    this.save();
  }

  #register(): void {
    this.clients.clear();
    for (const client of this.#clients) this.clients.set(client.id, structuredClone(client));
  }
}

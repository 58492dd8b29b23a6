/**
 * The accounts that exist at the simulated Instagram. Whoever signs in exists, with an account of
 * 120 media; `someone+1000@…` has 1000.
 * @module
 */
import { channellessEmail, itemsOf } from "../addresses.ts";
import { between, hash32, pick } from "../seeded.ts";

/** An edit made to a generated media. */
export interface MediaChange {
  caption?: string;
  likes?: number;
  deleted?: boolean;
}

/** An Instagram account. */
export interface InstagramAccount {
  readonly email: string;
  /** Of the professional account: what webhooks and publishing know it by. */
  readonly user_id: string;
  /** The same account, as this app is shown it. */
  readonly id: string;
  username: string;
  name: string;
  /** Only the first two kinds can be read. */
  account_type: "Business" | "Media_Creator" | "Personal";
  followers: number;
  media: number;
  /** How many media there were before later ones. */
  base_media: number;
  /** Raise it and every media has been liked some more. */
  growth: number;
  changes: Record<string, MediaChange>;
}

const firstNames = ["maya", "jonas", "priya", "tomas", "aiko", "leila", "sam", "ngozi", "emil"];
const lastWords = ["cooks", "makes", "rides", "plays", "bakes", "builds", "travels", "paints"];

/** Accounts, found by e-mail. */
export class InstagramBook {
  #accounts = new Map<string, InstagramAccount>();

  /** The account of whoever has this address; it is made when there is none. */
  account(address: string): InstagramAccount {
    const email = address.toLowerCase();
    const known = this.#accounts.get(email) ?? make(email);
    this.#accounts.set(email, known);
    return known;
  }

  /** Changes an account. */
  change(email: string, change: Partial<Omit<InstagramAccount, "email" | "id" | "user_id">>): void {
    Object.assign(this.account(email), change);
  }

  /** What must be kept over a restart. */
  record(): InstagramAccount[] {
    return [...this.#accounts.values()];
  }

  /** Puts back what was kept. */
  restore(accounts: readonly InstagramAccount[]): void {
    this.#accounts = new Map(accounts.map((account) => [account.email, account]));
  }
}

function make(email: string): InstagramAccount {
  const media = itemsOf(email, 120);
  const digits = (name: string) => String(hash32(email, name)).padStart(10, "0");
  const username = `${pick(firstNames, email, "first")}.${pick(lastWords, email, "last")}`;
  return {
    email,
    // Beyond what a double holds, as the real ones: whoever reads them as numbers loses digits.
    user_id: `1784140${digits("professional")}`,
    id: `2500000${digits("scoped")}`,
    username: `${username}${hash32(email) % 1_000}`,
    name: username.replace(".", " "),
    account_type: email === channellessEmail
      ? "Personal"
      : hash32(email, "type") % 2 === 0
      ? "Business"
      : "Media_Creator",
    followers: between(120, 980_000, email, "followers"),
    media,
    base_media: media,
    growth: 0,
    changes: {},
  };
}

/**
 * The people and channels that exist at the simulated Google. Any e-mail address that signs in
 * exists, with a channel of its own; `someone+1000@…` has one of 1000 videos.
 * @module
 */
import type { Privacy } from "../youtube/catalogue.ts";
import { themeOf } from "../youtube/catalogue.ts";
import { channellessEmail, defaultEmail, emptyEmail, itemsOf } from "../addresses.ts";
import { between, hash32, pick, scribble } from "../seeded.ts";

/** A Google account. */
export interface Account {
  readonly email: string;
  readonly name: string;
  /** The YouTube channel; null for an account that never made one. */
  channel_id: string | null;
}

/** An edit made to a generated video. */
export interface VideoChange {
  title?: string;
  description?: string;
  tags?: string[];
  privacy?: Privacy;
  views?: number;
  deleted?: boolean;
}

/** A YouTube channel. Its videos are generated; only their number and the edits are kept. */
export interface Channel {
  readonly id: string;
  title: string;
  handle: string;
  videos: number;
  /** How many videos there were before later uploads: they spread over the channel's life. */
  base_videos: number;
  subscribers: number;
  hidden_subscribers: boolean;
  /** Raise it and every video has been watched some more. */
  growth: number;
  changes: Record<string, VideoChange>;
}

/** What is kept over a restart. */
export interface Population {
  accounts: Account[];
  channels: Channel[];
}

const firstNames = ["Maya", "Jonas", "Priya", "Tomás", "Aiko", "Leïla", "Sam", "Ngozi", "Emil"];
const lastNames = ["Lindgren", "Okafor", "Tanaka", "Moreau", "Novák", "Silva", "Khan", "Byrne"];

/** Accounts and channels, found by e-mail, channel id, channel number and uploads playlist. */
export class AccountBook {
  #accounts = new Map<string, Account>();
  #channels = new Map<string, Channel>();
  #byNumber = new Map<number, Channel>();

  constructor() {
    this.reset();
  }

  /** Back to the three accounts that always exist. */
  reset(): void {
    this.#accounts.clear();
    this.#channels.clear();
    this.#byNumber.clear();
    for (const email of [defaultEmail, channellessEmail, emptyEmail]) this.account(email);
  }

  /** The account with this address; it is made when there is none. */
  account(email: string): Account {
    const known = this.#accounts.get(email.toLowerCase());
    if (known) return known;
    const address = email.toLowerCase();
    const account: Account = {
      email: address,
      name: `${pick(firstNames, address, "first")} ${pick(lastNames, address, "last")}`,
      channel_id: address === channellessEmail
        ? null
        : this.#makeChannel(address, itemsOf(address, 250)).id,
    };
    this.#accounts.set(address, account);
    return account;
  }

  /** Every account that has been seen. */
  accounts(): Account[] {
    return [...this.#accounts.values()];
  }

  /** The channel with this id. */
  channel(id: string): Channel | null {
    return this.#channels.get(id) ?? null;
  }

  /** The channel whose id hashes to this number. */
  channelByNumber(number: number): Channel | null {
    return this.#byNumber.get(number) ?? null;
  }

  /** The channel that this is the uploads playlist of. */
  channelByUploads(playlistId: string): Channel | null {
    return playlistId.startsWith("UU") ? this.channel(`UC${playlistId.slice(2)}`) : null;
  }

  /** Puts a channel in place, replacing the one of the same id. */
  putChannel(channel: Channel): void {
    this.#channels.set(channel.id, channel);
    this.#byNumber.set(hash32(channel.id), channel);
  }

  /** What must be kept over a restart. */
  population(): Population {
    return { accounts: this.accounts(), channels: [...this.#channels.values()] };
  }

  /** Puts back what was kept. */
  restore(population: Population): void {
    for (const channel of population.channels) this.putChannel(channel);
    for (const account of population.accounts) this.#accounts.set(account.email, account);
  }

  #makeChannel(email: string, videos: number): Channel {
    const id = `UC${scribble(22, email, "channel")}`;
    const first = pick(firstNames, email, "first");
    const theme = themeOf(id).name;
    const channel: Channel = {
      id,
      title: `${first} on ${theme.charAt(0).toUpperCase()}${theme.slice(1)}`,
      handle: `@${first.toLowerCase().normalize("NFD").replace(/[^a-z]/g, "")}.${theme}`,
      videos,
      base_videos: videos,
      // Rounded to three figures, as YouTube does.
      subscribers: between(120, 980, email, "subscribers") * 1_000,
      hidden_subscribers: false,
      growth: 0,
      changes: {},
    };
    this.putChannel(channel);
    return channel;
  }
}

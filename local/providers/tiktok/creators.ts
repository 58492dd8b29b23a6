/**
 * The people who exist at the simulated TikTok. Any e-mail address that signs in exists;
 * `someone+1000@…` has 1000 public posts.
 * @module
 */
import { itemsOf } from "../addresses.ts";
import { between, pick, scribble } from "../seeded.ts";

/** An edit made to a generated post. */
export interface PostChange {
  title?: string;
  /** The API shows public posts only. */
  public?: boolean;
  views?: number;
  deleted?: boolean;
}

/** A TikTok account. Its posts are generated; only their number and the edits are kept. */
export interface Creator {
  readonly email: string;
  /** Of this person for this app; another app would be told another one. */
  readonly open_id: string;
  readonly union_id: string;
  username: string;
  display_name: string;
  followers: number;
  verified: boolean;
  posts: number;
  /** How many posts there were before later ones: they spread over the account's life. */
  base_posts: number;
  /** Raise it and every post has been watched some more. */
  growth: number;
  changes: Record<string, PostChange>;
}

const names = ["Maya", "Jonas", "Priya", "Tomás", "Aiko", "Leïla", "Sam", "Ngozi", "Emil"];

/** Every creator, by e-mail. */
export class CreatorBook {
  #creators = new Map<string, Creator>();

  /** The creator with this address, who is made when there is none. */
  creator(email: string): Creator {
    const address = email.toLowerCase();
    const known = this.#creators.get(address);
    if (known) return known;
    const posts = itemsOf(address, 250);
    const name = pick(names, address, "tiktok");
    const plain = name.toLowerCase().normalize("NFD").replace(/[^a-z]/g, "");
    const creator: Creator = {
      email: address,
      open_id: `-000${scribble(32, address, "open_id")}`,
      union_id: scribble(36, address, "union_id"),
      username: `${plain}.${scribble(5, address, "username").toLowerCase().replace(/\W/g, "_")}`,
      display_name: `${name} ✨`,
      followers: between(120, 980_000, address, "followers"),
      verified: between(1, 10, address, "verified") === 1,
      posts,
      base_posts: posts,
      growth: 0,
      changes: {},
    };
    this.#creators.set(address, creator);
    return creator;
  }

  /** Puts a creator in place of the one of the same address. */
  put(creator: Creator): void {
    this.#creators.set(creator.email, creator);
  }

  /** Every creator that has been seen. */
  creators(): Creator[] {
    return [...this.#creators.values()];
  }

  /** Puts back what was kept; an empty list forgets all. */
  restore(creators: readonly Creator[]): void {
    this.#creators = new Map(creators.map((creator) => [creator.email, creator]));
  }
}
